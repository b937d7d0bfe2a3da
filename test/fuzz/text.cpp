// Text and the windows that are cut from it: no window leaves its part. The first bytes say how it is cut.
#include "runtime/data/Text.h"
#include "runtime/data/Batches.h"
#include "test/fuzz/Input.h"

using namespace drawloom;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 4) return 0;
  uint64_t n = 1 + data[0] % 64, seed = data[1];
  std::array<double, 3> parts{data[2] / 256.0, data[3] / 512.0, 0};
  parts[2] = std::max(0.0, 1 - parts[0] - parts[1]);
  fuzz::InputFile input(data + 4, size - 4);
  fuzz::accepting([&] {
    Text text(input.path());
    text.fingerprint();
    Split split = splitData(text, parts);
    for (Range part : {split.train, split.valid, split.test})
      for (Windows windows : {Windows::Moving, Windows::Fixed})
        fuzz::accepting([&] {
          WindowOrder order(seed, part, n, "the part", windows);
          std::vector<uint8_t> bytes(n);
          std::vector<int32_t> tokens(n), targets(n);
          for (uint64_t k = 0; k < std::min<uint64_t>(2 * order.windows(), 64); ++k) {
            uint64_t start = order.start(k);
            if (start < part.begin || start + n > part.end || text.read(start, bytes) != n) __builtin_trap();
            fillRow(bytes, tokens, targets);
            for (uint64_t t = 0; t < n; ++t)
              if (targets[t] != data[4 + start + t] || tokens[t] != (t ? targets[t - 1] : kStartSymbol))
                __builtin_trap();
          }
        });
  });
  return 0;
}
