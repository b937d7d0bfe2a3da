// PNG files: what we do around libpng. An image that decodes is written and decodes to the same pixels.
#include "runtime/data/Png.h"
#include "test/fuzz/Input.h"
#include <filesystem>
#include <unistd.h>

using namespace drawloom;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz::InputFile input(data, size);
  static const std::string copy =
      std::filesystem::temp_directory_path() / fmt::format("drawloom-fuzz-{}.png", ::getpid());
  fuzz::accepting([&] {
    ImageShape shape = pngShape(input.path());
    if (shape.bytes() > (1 << 20)) return; // large ones take only longer
    Image image = readPng(input.path());
    if (image.shape != shape || image.rgb.size() != shape.bytes()) __builtin_trap();
    if (shape.bytes() > 4096) return;
    writePng(copy, image);
    if (readPng(copy).rgb != image.rgb) __builtin_trap();
    std::filesystem::remove(copy);
  });
  return 0;
}
