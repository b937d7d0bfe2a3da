#include "runtime/checkpoint/Weights.h"
#include <cstring>
#include <fmt/ranges.h>
#include <set>

namespace drawloom {

const char *suffixOf(Slot slot) {
  switch (slot) {
  case Slot::Value: return "";
  case Slot::Gradient: return ".grad";
  case Slot::Moment1: return ".m";
  case Slot::Moment2: return ".v";
  case Slot::Ema: return ".ema";
  }
  return "";
}

std::span<float> spanOf(const ParameterRef &p, Slot slot) {
  switch (slot) {
  case Slot::Value: return p.value;
  case Slot::Gradient: return p.gradient;
  case Slot::Moment1: return p.moment1;
  case Slot::Moment2: return p.moment2;
  case Slot::Ema: return p.ema;
  }
  return {};
}

std::vector<StoredTensor> tensorsOf(const std::vector<ParameterRef> &parameters, Slot slot, bool withSuffix) {
  std::vector<StoredTensor> out;
  for (const ParameterRef &p : parameters)
    if (auto s = spanOf(p, slot); !s.empty())
      out.push_back(tensorOf(p.name + (withSuffix ? suffixOf(slot) : ""), p.shape, s));
  return out;
}

void loadTensors(const SafetensorsFile &file, const std::vector<ParameterRef> &parameters, Slot slot,
                 Slot into) {
  for (const ParameterRef &p : parameters) {
    std::span<float> to = spanOf(p, into);
    if (to.empty()) continue;
    std::string name = p.name + suffixOf(slot);
    const StoredTensor *t = file.find(name);
    if (!t)
      failWithHint(kBadInput, "the weights are those of another model, or of another version of its spec",
                   "{}: no tensor '{}', which the model has", file.path(), name);
    require(t->dtype == "F32", kBadInput, "{}: tensor '{}' is {}, expected F32", file.path(), name, t->dtype);
    if (t->shape != p.shape)
      failWithHint(kBadInput, "the weights are those of another model, or of another version of its spec",
                   "{}: tensor '{}' has shape [{}], the model's has [{}]", file.path(), name,
                   fmt::join(t->shape, ", "), fmt::join(p.shape, ", "));
    std::memcpy(to.data(), t->data.data(), to.size_bytes());
  }
}

void rejectUnknownTensors(const SafetensorsFile &file, const std::vector<ParameterRef> &parameters,
                          const std::vector<Slot> &slots) {
  std::set<std::string> known;
  for (const ParameterRef &p : parameters)
    for (Slot slot : slots) known.insert(p.name + suffixOf(slot));
  for (const StoredTensor &t : file.tensors())
    if (!known.contains(t.name))
      failWithHint(kBadInput, "the weights are those of another model, or of another version of its spec",
                   "{}: the model has no tensor '{}'", file.path(), t.name);
}

} // namespace drawloom
