// The one table of all spec keys: parsing, nearest-key hints, `drawloom config show` and
// docs/generated/spec.md are made from it.
#pragma once
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace drawloom::spec {

enum class Type { Int, Float, String, Choice, IntList, NumberList, StringList };

/// A spec value. Floats accept integer literals; a NumberList holds doubles.
using Value = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>,
                           std::vector<std::string>>;

/// An interval of allowed numbers (of each element, for lists).
struct Range {
  double min = -std::numeric_limits<double>::infinity(), max = std::numeric_limits<double>::infinity();
  bool openMin = false, openMax = false;
  bool contains(double x) const { return (openMin ? x > min : x >= min) && (openMax ? x < max : x <= max); }
};

struct Key {
  std::string_view name; // "model.heads"
  Type type;
  std::string_view value;   // default as TOML; empty: the key is required, or computed as `derived` says
  std::string_view distaug; // default under model.preset = "distaug", if it differs
  std::string_view derived; // how a default that depends on other keys is computed, e.g. "4 * model.d"
  Range range;
  std::string_view choices; // "none|attention|block|auto"
  std::string_view doc;

  std::string_view section() const { return name.substr(0, name.find('.')); }
  std::string_view leaf() const { return name.substr(name.find('.') + 1); }
  bool required() const { return value.empty() && derived.empty(); }
};

/// All keys in the order in which they are shown; keys of one section are adjacent.
std::span<const Key> keys();

/// The key of that full name, or null.
const Key *findKey(std::string_view name);

/// True when a section of that name exists.
bool isSection(std::string_view name);

/// Of two keys in one exclusive pair only one may be given in one file; a later source (an including file,
/// --set) that gives one drops the other. Returns the partner's name, or an empty view.
std::string_view exclusivePartner(std::string_view name);

/// "an integer", "a list of strings", ...
std::string_view typeName(Type type);

/// "at least 1", "in [0, 1)", ...; empty when every number is allowed.
std::string rangeText(const Range &range);

/// "\"none\", \"attention\", \"block\" or \"auto\"".
std::string choicesText(const Key &key);

/// The value as TOML.
std::string toToml(const Value &value);

/// The full key name closest to what the user wrote ("model.layer"), or empty when nothing is near.
std::string nearestKey(std::string_view section, std::string_view leaf);

/// The section name closest to what the user wrote, or empty.
std::string nearestSection(std::string_view section);

} // namespace drawloom::spec
