#include "frontend/spec/Spec.h"
#include "dialect/pattern/Pattern.h"
#include "runtime/support/File.h"
#include <cmath>
#include <filesystem>
#include <toml++/toml.h>

namespace drawloom::spec {

Spec Spec::load(const std::string &path, const std::vector<std::string> &sets) {
  std::string text;
  try {
    text = readTextFile(path);
  } catch (const Error &e) {
    throw Error(e.exitCode, fmt::format("cannot read the spec {}: {}", path, e.what()), e.hint);
  }
  return parse(text, path, sets);
}

namespace {

/// The default's TOML text as a value of the key's type.
Value defaultValue(const Key &key, bool distaug) {
  std::string text(distaug && !key.distaug.empty() ? key.distaug : key.value);
  Layer layer;
  Diagnostics diagnostics;
  parseSet(fmt::format("{}={}", key.name, text), layer, diagnostics);
  if (!diagnostics.empty())
    throw Error(kInternal, fmt::format("the default of {} is not valid: {}", key.name, text));
  return layer.begin()->second.value;
}

/// Where a missing key would stand: the section's header line, else the file's start.
Place sectionPlace(const std::string &text, const std::string &file, std::string_view section) {
  unsigned line = 1;
  for (size_t at = 0; at < text.size(); ++line) {
    size_t end = std::min(text.find('\n', at), text.size());
    if (std::string_view(text).substr(at, end - at).starts_with(fmt::format("[{}]", section)))
      return {file, line, 1, {}};
    at = end + 1;
  }
  return {file, 1, 1, {}};
}

/// The l of the first named form in a pattern: 128 for "fixed(128, c=32)"; 0 if there is none.
int64_t strideOf(const SetNode &set) {
  if (set.kind == SetKind::Form) return set.l;
  for (const SetRef &child : set.children)
    if (int64_t l = strideOf(*child)) return l;
  return 0;
}

/// Width of the matrix that positions are laid out in (paper section 5.3): the stride, or a square without
/// one.
int64_t defaultWidth(const std::string &text, int64_t n) {
  PatternError ignored; // checkShapes reports it
  auto pattern = Pattern::parse(text, ignored);
  int64_t stride = pattern ? strideOf(pattern->root()) : 0;
  return stride > 1 ? std::min(stride, n) : int64_t(std::ceil(std::sqrt(double(n))));
}

} // namespace

Spec Spec::parse(const std::string &text, const std::string &name, const std::vector<std::string> &sets) {
  Diagnostics diagnostics;
  Spec spec;
  spec.path = name;
  Layer layer = readLayer(text, name, diagnostics, spec.sourceText);
  Layer setLayer;
  for (const std::string &s : sets) parseSet(s, setLayer, diagnostics);
  diagnostics
      .throwIfAny(); // what is missing or does not fit together is only worth saying when the rest was read

  mergeLayer(layer, setLayer);
  bool distaug =
      layer.contains("model.preset") && std::get<std::string>(layer.at("model.preset").value) == "distaug";
  for (const Key &key : keys()) {
    if (auto it = layer.find(key.name); it != layer.end())
      spec.entries[std::string(key.name)] = it->second;
    else if (key.required())
      diagnostics.error(sectionPlace(text, name, key.section()),
                        fmt::format("{} is missing: {}", key.name, key.doc),
                        fmt::format("add a line \"{} = …\" to section [{}]", key.leaf(), key.section()));
    else if (!key.value.empty())
      spec.entries[std::string(key.name)] = {defaultValue(key, distaug), Origin::Preset, {}, {}};
  }
  if (spec.text("attention.pattern").empty() && spec.list<std::string>("attention.layers").empty()) {
    Place place = sectionPlace(text, name, "attention");
    for (const char *k : {"attention.pattern", "attention.layers"})
      if (!spec.entry(k).place.file.empty()) place = spec.entry(k).place;
    diagnostics.error(place, "the attention pattern is missing: give attention.pattern or attention.layers",
                      "for example: [attention] pattern = \"fixed(128, c=32)\"");
  }
  diagnostics.throwIfAny();

  auto derive = [&](const char *key, Value value) {
    if (!spec.entries.contains(key)) spec.entries[key] = {std::move(value), Origin::Derived, {}, {}};
  };
  int64_t n = spec.integer("model.n");
  derive("model.name", std::filesystem::path(name).stem().string());
  derive("model.ff", 4 * spec.integer("model.d"));
  derive("model.qk", spec.integer("model.d"));
  derive("model.embedding_width", defaultWidth(spec.layerPattern(0), n));
  derive("run.out", "runs/" + spec.text("model.name"));
  derive("run.precision", spec.text("run.device") == "cuda" ? "bf16" : "fp32");
  derive("train.epochs", spec.integer("train.steps") > 0 ? 0.0 : 1.0);

  checkShapes(spec, diagnostics);
  diagnostics.throwIfAny();
  return spec;
}

Spec Spec::fromJson(const nlohmann::ordered_json &json, const std::string &name) {
  std::string text;
  try {
    for (const Key &key : keys()) {
      auto section = json.find(key.section());
      if (section == json.end() || !section->contains(std::string(key.leaf()))) continue;
      const auto &value = section->at(std::string(key.leaf()));
      // Of an exclusive pair the one that says nothing would exclude the other.
      bool says = value.is_number() ? value != 0 : !value.empty() && value != "";
      if (exclusivePartner(key.name).empty() || says)
        text += fmt::format("{} = {}\n", key.name, value.dump());
    }
  } catch (const nlohmann::json::exception &e) {
    fail(kBadInput, "{}: its spec is not readable: {}", name, e.what());
  }
  return parse(text, name);
}

const Entry &Spec::entry(std::string_view key) const {
  auto it = entries.find(key);
  if (it == entries.end()) throw Error(kInternal, fmt::format("no spec key is called {}", key));
  return it->second;
}

const std::string &Spec::layerPattern(int64_t layer) const {
  const auto &patterns = list<std::string>("attention.layers");
  return patterns.empty() ? text("attention.pattern") : patterns[size_t(layer) % patterns.size()];
}

Place Spec::layerPatternPlace(int64_t layer) const {
  const Entry &layers = entry("attention.layers");
  size_t count = list<std::string>("attention.layers").size();
  if (count == 0) return entry("attention.pattern").place;
  return layers.items.empty() ? layers.place : layers.items[size_t(layer) % count];
}

} // namespace drawloom::spec
