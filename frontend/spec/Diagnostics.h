// Errors in a spec, each at its place: `file:line:col: error: …`, the source line, a hint.
#pragma once
#include "runtime/support/Error.h"
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace drawloom::spec {

/// A place in a spec file (line and column from 1), on the command line (`file` is "--set" and `text` the
/// argument), or nowhere (empty file: a default).
struct Place {
  std::string file;
  unsigned line = 0, column = 0;
  std::string text; // of a --set
  bool isSet() const { return file == "--set"; }
  /// "a.toml:3:5", "--set model.n=0", or "default".
  std::string show() const;
  friend bool operator==(const Place &, const Place &) = default;
};

/// Thrown for a wrong spec: what() is the whole text for the terminal, "file:line:col: error: …" with hints
/// and source lines. Exit code 65 (66 for a missing file), or 2 when only --set arguments are wrong.
class SpecError : public Error {
public:
  using Error::Error;
};

/// Collects errors, so that a user sees all of them at once.
class Diagnostics {
public:
  /// Remembers a file's text for the source lines under messages.
  void addSource(const std::string &file, const std::string &text) { sources[file] = text; }
  void error(const Place &place, const std::string &message, const std::string &hint = {});
  bool empty() const { return places.empty(); }
  /// Throws SpecError if there was any error.
  void throwIfAny() const;
  /// The source text of a line (from 1), or empty.
  std::string line(const std::string &file, unsigned number) const;

private:
  std::map<std::string, std::string> sources;
  std::vector<Place> places;
  std::string text;
};

} // namespace drawloom::spec
