// Sound files: what we do around libsndfile and libsamplerate, from the head of a file to mu-law codes in the
// cache.
#include "runtime/data/Audio.h"
#include "runtime/data/Cache.h"
#include "test/fuzz/Input.h"
#include <filesystem>

using namespace drawloom;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz::InputFile input(data, size);
  fuzz::accepting([&] {
    auto set = openAudio(input.path(), 12000);
    std::vector<uint8_t> all(set->size());
    if (all.empty() || set->read(0, all) != all.size()) __builtin_trap();
    set->fingerprint();
  });
  std::filesystem::remove_all(cacheFolder()); // ./dev fuzz gives it one of its own
  return 0;
}
