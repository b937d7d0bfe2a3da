// A resolved model spec: every key of the table has a value, and every value knows where it came from.
#pragma once
#include "frontend/spec/Diagnostics.h"
#include "frontend/spec/Keys.h"
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace drawloom::spec {

enum class Origin { Preset, Derived, File, Set };

struct Entry {
  Value value;
  Origin origin = Origin::Preset;
  Place place;              // of the value, for File and Set
  std::vector<Place> items; // of a list's elements, if it was written in a file
};

/// One source of values, by full key name: a file with what it includes, or the --set arguments.
using Layer = std::map<std::string, Entry, std::less<>>;

class Spec {
public:
  /// Reads a spec file with its includes, applies `sets` ("a.b=c", in order), fills defaults, computes
  /// derived ones and checks everything. Throws SpecError (65, or 2 for a bad --set) or Error 66 when the
  /// file is missing.
  static Spec load(const std::string &path, const std::vector<std::string> &sets = {});
  /// The same for text in memory; includes are relative to `name`'s folder.
  static Spec parse(const std::string &text, const std::string &name,
                    const std::vector<std::string> &sets = {});

  /// A resolved spec from toJson()'s form, as an artifact carries it; `name` stands for the file in messages
  /// and origins.
  static Spec fromJson(const nlohmann::ordered_json &json, const std::string &name);

  const Entry &entry(std::string_view key) const;
  int64_t integer(std::string_view key) const { return std::get<int64_t>(entry(key).value); }
  double number(std::string_view key) const { return std::get<double>(entry(key).value); }
  const std::string &text(std::string_view key) const { return std::get<std::string>(entry(key).value); }
  template <class T> const std::vector<T> &list(std::string_view key) const {
    return std::get<std::vector<T>>(entry(key).value);
  }

  /// The pattern text of a layer: attention.pattern, or attention.layers[layer mod its length].
  const std::string &layerPattern(int64_t layer) const;
  /// Where that text stands (the default place if it was given by no file).
  Place layerPatternPlace(int64_t layer) const;

  /// "default (paper)", "default (4 * model.d)", "enwik8.toml:12", "--set".
  std::string origin(std::string_view key) const;

  const std::string &file() const { return path; }
  /// The TOML text as the user wrote it, each included file after it under a comment line.
  const std::string &source() const { return sourceText; }

  /// {"model": {"name": …, …}, "attention": …}: exactly the sections and keys of the table.
  nlohmann::ordered_json toJson() const;
  /// TOML with each value's origin as a comment: `drawloom config show`.
  std::string show() const;
  /// {"model.n": {"value": …, "origin": …}, …}: `drawloom config show --json`.
  nlohmann::ordered_json showJson() const;

private:
  std::map<std::string, Entry, std::less<>> entries;
  std::string path, sourceText;
};

/// Parses `a.b=c`; c is TOML, or the bare text when the key is a string. Errors go to `diagnostics` at the
/// place "--set a.b=c".
void parseSet(const std::string &argument, Layer &into, Diagnostics &diagnostics);

/// Reads TOML text into a layer, with its includes; appends the text of every file read to `source`.
Layer readLayer(const std::string &text, const std::string &name, Diagnostics &diagnostics,
                std::string &source);

/// Puts `over` on `base`.
void mergeLayer(Layer &base, const Layer &over);

/// Checks that cross keys: divisibility, extents that must multiply to n, patterns
/// (frontend/spec/Checks.cpp).
void checkShapes(const Spec &spec, Diagnostics &diagnostics);

/// The reference of all keys as Markdown (docs/generated/spec.md).
std::string keysMarkdown();

} // namespace drawloom::spec
