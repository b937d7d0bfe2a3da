#include "runtime/data/Png.h"
#include "runtime/support/Error.h"
#include "runtime/support/File.h"
#include <cstring>
#include <png.h>

namespace drawloom {
namespace {

/// Larger images are surely damaged files, and must not be allocated.
constexpr uint32_t kLargest = 1 << 14;

/// libpng's simplified interface, which frees itself.
struct PngReader {
  png_image png{};
  std::string path;
  std::vector<std::byte> content;

  explicit PngReader(const std::string &p) : path(p), content(readFile(p)) {
    png.version = PNG_IMAGE_VERSION;
    check(png_image_begin_read_from_memory(&png, content.data(), content.size()) != 0);
    require(png.width <= kLargest && png.height <= kLargest, kBadInput,
            "'{}' has {} x {} pixels, expected at most {} x {}", path, png.height, png.width, kLargest,
            kLargest);
    png.format = PNG_FORMAT_RGB;
  }
  ~PngReader() { png_image_free(&png); }
  PngReader(const PngReader &) = delete;
  PngReader &operator=(const PngReader &) = delete;
  void check(bool good) const {
    if (!good)
      failWithHint(kBadInput, "repair the file or take it out", "cannot read the image '{}': {}", path,
                   png.message);
  }
  ImageShape shape() const { return {png.height, png.width}; }
};

} // namespace

ImageShape pngShape(const std::string &path) { return PngReader(path).shape(); }

Image readPng(const std::string &path) {
  PngReader reader(path);
  Image image{reader.shape(), std::vector<uint8_t>(PNG_IMAGE_SIZE(reader.png))};
  png_color black{0, 0, 0};
  reader.check(png_image_finish_read(&reader.png, &black, image.rgb.data(), 0, nullptr) != 0);
  return image;
}

void writePng(const std::string &path, const Image &image) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = png_uint_32(image.shape.columns);
  png.height = png_uint_32(image.shape.rows);
  png.format = PNG_FORMAT_RGB;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::vector<std::byte> content(bytes);
  bool good = png_image_write_to_memory(&png, content.data(), &bytes, 0, image.rgb.data(), 0, nullptr) != 0;
  require(good, kIo, "cannot encode the image '{}': {}", path, png.message);
  writeFileAtomically(path, std::span<const std::byte>(content).first(bytes));
}

} // namespace drawloom
