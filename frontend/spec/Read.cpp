// TOML text to a layer of typed values with places: types, ranges, unknown keys, includes, --set.
#include "frontend/spec/Spec.h"
#include "runtime/support/File.h"
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <toml++/toml.h>

namespace drawloom::spec {
namespace {

namespace fs = std::filesystem;

Place placeOf(const toml::source_region &region, const std::string &file) {
  return {file, unsigned(region.begin.line), unsigned(region.begin.column), {}};
}

std::string found(const toml::node &node) {
  switch (node.type()) {
  case toml::node_type::table: return "a table";
  case toml::node_type::array: {
    // A list of the wrong element type is better named by what is in it.
    const auto &array = *node.as_array();
    return array.empty() ? "an empty list" : "a list with " + found(array[0]);
  }
  case toml::node_type::string: return fmt::format("the string {}", toToml(Value(node.as_string()->get())));
  case toml::node_type::integer: return fmt::format("the integer {}", node.as_integer()->get());
  case toml::node_type::floating_point: return fmt::format("the number {}", node.as_floating_point()->get());
  case toml::node_type::boolean: return node.as_boolean()->get() ? "true" : "false";
  default: return "a date or time";
  }
}

/// Reads values and reports what is wrong with them, at places given by `at`.
struct ValueReader {
  const Key &key;
  Diagnostics &diagnostics;
  std::function<Place(const toml::node &)> at;
  bool ok = true;

  void wrong(const toml::node &node, const std::string &message, const std::string &hint = {}) {
    diagnostics.error(at(node), fmt::format("{}: {}", key.name, message), hint);
    ok = false;
  }
  void expectType(const toml::node &node, std::string_view what) {
    wrong(node, fmt::format("expected {}, found {}", what, found(node)));
  }

  int64_t integer(const toml::node &node, std::string_view what) {
    auto *x = node.as_integer();
    if (!x) return expectType(node, what), 0;
    checkRange(node, double(x->get()));
    return x->get();
  }
  double number(const toml::node &node, std::string_view what) {
    auto *i = node.as_integer();
    auto *f = node.as_floating_point();
    if (!i && !f) return expectType(node, what), 0;
    double x = i ? double(i->get()) : f->get();
    if (!std::isfinite(x)) return wrong(node, fmt::format("expected a finite number, found {}", x)), 0;
    checkRange(node, x);
    return x;
  }
  std::string string(const toml::node &node, std::string_view what) {
    auto *x = node.as_string();
    if (!x) return expectType(node, what), "";
    return x->get();
  }
  void checkRange(const toml::node &node, double x) {
    if (!key.range.contains(x)) wrong(node, fmt::format("must be {}, found {}", rangeText(key.range), x));
  }

  template <class T, class Read> Value list(const toml::node &node, Entry &entry, Read read) {
    std::vector<T> values;
    const auto *array = node.as_array();
    if (!array) return expectType(node, typeName(key.type)), values;
    for (const toml::node &item : *array) {
      values.push_back(read(item));
      entry.items.push_back(at(item));
    }
    return values;
  }

  Value read(const toml::node &node, Entry &entry) {
    switch (key.type) {
    case Type::Int: return integer(node, "an integer");
    case Type::Float: return number(node, "a number");
    case Type::String: return string(node, "a string");
    case Type::Choice: {
      std::string s = string(node, "a string");
      if (ok && ("|" + std::string(key.choices) + "|").find("|" + s + "|") == std::string::npos)
        wrong(node, fmt::format("expected {}, found \"{}\"", choicesText(key), s));
      return s;
    }
    case Type::IntList:
      return list<int64_t>(node, entry,
                           [&](const toml::node &x) { return integer(x, "an integer in the list"); });
    case Type::NumberList:
      return list<double>(node, entry,
                          [&](const toml::node &x) { return number(x, "a number in the list"); });
    case Type::StringList:
      return list<std::string>(node, entry,
                               [&](const toml::node &x) { return string(x, "a string in the list"); });
    }
    return int64_t(0);
  }
};

class LayerReader {
public:
  LayerReader(Diagnostics &diagnostics, std::string &source) : diagnostics(diagnostics), source(source) {}

  Layer read(const std::string &text, const std::string &file) {
    diagnostics.addSource(file, text);
    source += source.empty() ? text : fmt::format("\n# included: {}\n{}", file, text);
    toml::table root;
    try {
      root = toml::parse(text, file);
    } catch (const toml::parse_error &e) {
      diagnostics.error(placeOf(e.source(), file), std::string(e.description()));
      return {};
    }
    stack.push_back(fs::weakly_canonical(file).string());
    Layer layer;
    if (const toml::node *include = root.get("include")) readIncludes(*include, file, layer);
    Layer own = readSections(root, file);
    mergeLayer(layer, own);
    stack.pop_back();
    return layer;
  }

private:
  void readIncludes(const toml::node &node, const std::string &file, Layer &layer) {
    auto one = [&](const toml::node &item) {
      Place place = placeOf(item.source(), file);
      auto *name = item.as_string();
      if (!name)
        return diagnostics.error(
            place,
            fmt::format("include: expected a file name or a list of file names, found {}", found(item)));
      std::string path = (fs::path(file).parent_path() / name->get()).string(),
                  full = fs::weakly_canonical(path).string();
      if (std::ranges::find(stack, full) != stack.end()) {
        std::string chain;
        for (auto &s : stack) chain += fs::path(s).filename().string() + " -> ";
        return diagnostics.error(place, "include cycle: " + chain + fs::path(full).filename().string());
      }
      std::string text;
      try {
        text = readTextFile(path);
      } catch (const Error &e) {
        return diagnostics.error(place, fmt::format("cannot include \"{}\": {}", name->get(), e.what()),
                                 "file names are relative to the including file");
      }
      mergeLayer(layer, read(text, path));
    };
    if (auto *list = node.as_array())
      for (const toml::node &item : *list) one(item);
    else
      one(node);
  }

  Layer readSections(const toml::table &root, const std::string &file) {
    Layer layer;
    for (auto &&[key, node] : root) {
      std::string_view section = key.str();
      if (section == "include") continue;
      Place place = placeOf(key.source(), file);
      if (!isSection(section)) {
        std::string near = nearestSection(section), nearKey = node.is_table() ? "" : nearestKey("", section);
        diagnostics.error(place, fmt::format("unknown {} '{}'", node.is_table() ? "section" : "key", section),
                          !nearKey.empty() ? fmt::format("did you mean {} (in section [{}])?", nearKey,
                                                         nearKey.substr(0, nearKey.find('.')))
                          : !near.empty()
                              ? fmt::format("did you mean [{}]?", near)
                              : "sections are model, attention, data, train, memory, run, sample");
      } else if (auto *table = node.as_table()) {
        readKeys(*table, section, file, layer);
      } else {
        diagnostics.error(placeOf(node.source(), file),
                          fmt::format("{}: expected a section, found {}", section, found(node)));
      }
    }
    return layer;
  }

  void readKeys(const toml::table &table, std::string_view section, const std::string &file, Layer &layer) {
    for (auto &&[key, node] : table) {
      std::string name = fmt::format("{}.{}", section, key.str());
      const Key *known = findKey(name);
      if (!known) {
        std::string near = nearestKey(section, key.str());
        diagnostics.error(placeOf(key.source(), file), fmt::format("unknown key '{}'", name),
                          near.empty() ? "" : fmt::format("did you mean {}?", near));
        continue;
      }
      ValueReader reader{*known, diagnostics, [&](const toml::node &n) { return placeOf(n.source(), file); }};
      Entry entry{{}, Origin::File, placeOf(node.source(), file), {}};
      entry.value = reader.read(node, entry);
      std::string partner(exclusivePartner(name));
      if (!partner.empty() && layer.contains(partner))
        diagnostics.error(placeOf(key.source(), file),
                          fmt::format("{} and {} exclude each other", partner, name), "give one of them");
      if (reader.ok) layer[name] = std::move(entry);
    }
  }

  Diagnostics &diagnostics;
  std::string &source;
  std::vector<std::string> stack; // canonical paths of the files being read
};

} // namespace

Layer readLayer(const std::string &text, const std::string &name, Diagnostics &diagnostics,
                std::string &source) {
  return LayerReader(diagnostics, source).read(text, name);
}

void parseSet(const std::string &argument, Layer &into, Diagnostics &diagnostics) {
  Place place{"--set", 0, 0, argument};
  size_t equals = argument.find('=');
  if (equals == std::string::npos)
    return diagnostics.error(place, "expected SECTION.KEY=VALUE", "for example --set train.lr=0.001");
  auto trim = [](std::string s) {
    size_t a = s.find_first_not_of(" \t"), b = s.find_last_not_of(" \t");
    return a == s.npos ? std::string() : s.substr(a, b - a + 1);
  };
  std::string name = trim(argument.substr(0, equals)), text = trim(argument.substr(equals + 1));
  const Key *key = findKey(name);
  if (!key) {
    size_t dot = name.find('.');
    std::string near =
        dot == name.npos ? nearestKey("", name) : nearestKey(name.substr(0, dot), name.substr(dot + 1));
    return diagnostics.error(place, fmt::format("unknown key '{}'", name),
                             near.empty() ? "" : fmt::format("did you mean {}?", near));
  }
  bool isText = key->type == Type::String || key->type == Type::Choice;
  toml::table parsed;
  try {
    parsed = toml::parse("value = " + text);
  } catch (const toml::parse_error &) {
    // A shell user need not quote twice: what is no TOML is the string itself.
    parsed.clear();
  }
  const toml::node *node = parsed.get("value");
  if (isText && (!node || !node->is_string() || parsed.size() != 1))
    parsed.insert_or_assign("value", text), node = parsed.get("value");
  if (!node || parsed.size() != 1)
    return diagnostics.error(place,
                             fmt::format("{}: expected {}, found '{}'", name, typeName(key->type), text));
  ValueReader reader{*key, diagnostics, [&](const toml::node &) { return place; }};
  Entry entry{{}, Origin::Set, place, {}};
  entry.value = reader.read(*node, entry);
  if (!reader.ok) return;
  Layer one;
  one[name] = std::move(entry);
  mergeLayer(into, one);
}

void mergeLayer(Layer &base, const Layer &over) {
  for (auto &[name, entry] : over) {
    std::string partner(exclusivePartner(name));
    // Giving one of a pair drops an earlier value of the other, by an explicit default, so that --set can
    // replace it.
    if (!partner.empty() && !over.contains(partner)) base.erase(partner);
    base[name] = entry;
  }
}

} // namespace drawloom::spec
