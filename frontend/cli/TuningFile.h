// Tuning files: which cuts of kernels were measured to be fastest on a card.
#pragma once
#include "codegen/Compiler.h"
#include <CLI/CLI.hpp>

namespace drawloom::cli {

/// A tuning file is a JSON object: "drawloom_tuning" is 1 (the version), "kernels" an object of problems
/// (passes/Choices.h), each an object with the text "cut" and, for people, numbers that were measured.
/// Throws Error(kMissingInput or kBadInput) with the file's name, and the place of what is wrong.
Tuning readTuning(const std::string &path);

/// What a measurement says of a problem.
struct Tuned {
  std::string problem, cut;
  double seconds, modelSeconds; ///< with this cut, and with the cost model's
};

/// Adds to the file, which need not exist, what is tuned; other problems keep their cuts. `card`: which one.
void writeTuning(const std::string &path, const std::string &card, const std::vector<Tuned> &tuned);

/// Adds --tuning FILE.
void addTuning(CLI::App &app, std::string &path);

/// Nothing if no file is named.
std::optional<Tuning> readTuningIf(const std::string &path);

} // namespace drawloom::cli
