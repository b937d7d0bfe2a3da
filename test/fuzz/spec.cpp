// Model specs: text that is accepted is complete, and its JSON form reads as the same spec.
#include "frontend/spec/Spec.h"
#include "test/fuzz/Input.h"

using namespace drawloom;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string text(reinterpret_cast<const char *>(data), size);
  if (text.find("include") != text.npos) return 0; // reads files, whose content is not the input's
  fuzz::accepting([&] {
    spec::Spec spec = spec::Spec::parse(text, "input.toml");
    auto json = spec.toJson();
    if (spec::Spec::fromJson(json, "input.json").toJson() != json) __builtin_trap();
    spec.show();
  });
  return 0;
}
