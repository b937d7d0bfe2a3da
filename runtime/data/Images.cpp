#include "runtime/data/Images.h"
#include "runtime/data/Cache.h"
#include "runtime/data/Files.h"
#include "runtime/data/Png.h"
#include "runtime/support/Error.h"
#include <algorithm>
#include <filesystem>

namespace drawloom {
namespace fs = std::filesystem;

static constexpr uint64_t kPlane = 32 * 32, kImage = 3 * kPlane, kRecord = 1 + kImage;

static DataFormat imageFormat(ImageShape shape) {
  return {.kind = "images", .item = "image", .unit = "dim", .itemBytes = shape.bytes(), .image = shape};
}

CifarImages::CifarImages(std::string path, const std::vector<std::string> &batches)
    : DataSet(std::move(path), imageFormat({32, 32})) {
  uint64_t first = 0;
  for (const std::string &batch : batches) {
    Part p{batch, MappedFile(batch), first, 0};
    uint64_t bytes = p.file.bytes().size();
    if (bytes == 0 || bytes % kRecord != 0)
      failWithHint(kBadInput,
                   "CIFAR-10's binary version is read, unpacked; not its Python version, and not CIFAR-100",
                   "'{}' has {} bytes, expected a multiple of {} (a label and 32 x 32 x 3 values an image)",
                   batch, bytes, kRecord);
    p.file.adviseRandom(true);
    p.count = bytes / kRecord;
    first += p.count;
    parts.push_back(std::move(p));
  }
}

uint64_t CifarImages::size() const { return (parts.back().first + parts.back().count) * kImage; }

std::span<const uint8_t> CifarImages::record(uint64_t image) const {
  auto after = std::upper_bound(parts.begin(), parts.end(), image,
                                [](uint64_t x, const Part &p) { return x < p.first; });
  const Part &p = *std::prev(after);
  auto bytes = p.file.bytes().subspan((image - p.first) * kRecord, kRecord);
  return {reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()};
}

void CifarImages::copy(uint64_t start, std::span<uint8_t> out) const {
  for (size_t k = 0; k < out.size();) {
    auto values = record((start + k) / kImage).subspan(1);
    // The file has plane after plane; we give pixel after pixel.
    for (uint64_t at = (start + k) % kImage; at < kImage && k < out.size(); ++at, ++k)
      out[k] = values[at % 3 * kPlane + at / 3];
  }
}

void CifarImages::verify() const {
  for (const Part &p : parts)
    for (uint64_t k = 0; k < p.count; ++k)
      if (uint8_t label = record(p.first + k)[0]; label > 9)
        failWithHint(kBadInput, "is it CIFAR-10's binary version?",
                     "'{}': image {} has label {}, expected 0 to 9", p.path, k, label);
}

std::vector<std::string> cifarFiles(const std::string &path) {
  constexpr std::string_view head = "data_batch_", tail = ".bin";
  std::error_code ignored; // whoever opens the files says what is wrong with the folder
  if (!fs::is_directory(path, ignored)) {
    if (!path.ends_with(tail)) return {};
    return {path};
  }
  std::vector<std::pair<uint64_t, std::string>> found;
  for (fs::directory_iterator it(path, ignored), end; !ignored && it != end; it.increment(ignored)) {
    std::string name = it->path().filename();
    if (!name.starts_with(head) || !name.ends_with(tail)) continue;
    std::string number = name.substr(head.size(), name.size() - head.size() - tail.size());
    if (!number.empty() && number.size() < 10 && number.find_first_not_of("0123456789") == number.npos)
      found.emplace_back(std::stoull(number), it->path());
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> files;
  for (auto &[number, file] : found) files.push_back(file);
  return files;
}

namespace {

/// Decoded PNG files, one image behind the other.
class PngImages final : public FlatData {
public:
  PngImages(std::string path, ImageShape shape, uint64_t count, MappedFile decoded)
      : FlatData(std::move(path), imageFormat(shape), {}), mapped(std::move(decoded)), count(count) {
    mapped.adviseRandom(true);
    flat = {reinterpret_cast<const uint8_t *>(mapped.bytes().data()), mapped.bytes().size()};
  }
  uint64_t files() const override { return count; }

private:
  MappedFile mapped;
  uint64_t count;
};

std::unique_ptr<DataSet> openPngs(const std::string &path, const std::vector<std::string> &files) {
  ImageShape shape = pngShape(files[0]);
  auto decode = [&](AtomicFile &out) {
    for (const std::string &file : files) {
      Image image = readPng(file);
      if (image.shape != shape)
        failWithHint(kBadInput, "all images of a data set have one size: scale them, or take them out",
                     "'{}' has {} x {} pixels (rows x columns), but '{}' has {} x {}", file, image.shape.rows,
                     image.shape.columns, files[0], shape.rows, shape.columns);
      out.write(std::as_bytes(std::span(image.rgb)));
    }
  };
  MappedFile decoded = cachedDecoding("png", files, shape.bytes() * files.size(), decode);
  return std::make_unique<PngImages>(path, shape, files.size(), std::move(decoded));
}

} // namespace

std::unique_ptr<DataSet> openImages(const std::string &path) {
  if (auto batches = cifarFiles(path); !batches.empty()) return std::make_unique<CifarImages>(path, batches);
  if (auto files = filesNamed(path, kImageEndings); !files.empty()) return openPngs(path, files);
  constexpr const char *hint = "give a folder with data_batch_1.bin and so on (CIFAR-10's binary version, "
                               "unpacked), a folder with PNG files, or one such file";
  if (fs::is_directory(path))
    failWithHint(kBadInput, hint, "'{}' holds no images: it has {}", path, listFolder(path));
  failWithHint(kBadInput, hint, "'{}' is neither a .bin nor a .png file", path);
}

} // namespace drawloom
