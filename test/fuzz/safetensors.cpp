// Safetensors files: what opens has tensors that lie in the file.
#include "runtime/checkpoint/Safetensors.h"
#include "test/fuzz/Input.h"

using namespace drawloom;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz::InputFile input(data, size);
  fuzz::accepting([&] {
    SafetensorsFile file(input.path());
    uint64_t sum = 0;
    for (const StoredTensor &t : file.tensors()) {
      sum += hash64(t.data);
      if (file.find(t.name) != &t) __builtin_trap();
    }
    volatile uint64_t used = sum;
    (void)used;
  });
  return 0;
}
