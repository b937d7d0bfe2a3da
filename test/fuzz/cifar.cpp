// CIFAR-10's binary batches: every byte that the data set says it has can be read.
#include "runtime/data/Images.h"
#include "test/fuzz/Input.h"

using namespace drawloom;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz::InputFile a(data, size / 2), b(data, size);
  for (const std::vector<std::string> &files : {std::vector{b.path()}, std::vector{a.path(), b.path()}})
    fuzz::accepting([&] {
      CifarImages set("input", files);
      std::vector<uint8_t> all(set.size() + 1);
      if (set.read(0, all) != set.size()) __builtin_trap();
      set.fingerprint();
      set.verify();
    });
  return 0;
}
