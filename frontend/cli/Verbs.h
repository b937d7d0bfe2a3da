// The verbs of `drawloom`, one file each.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>

namespace drawloom::cli {

/// What a parsed verb does; returns the exit code or throws drawloom::Error.
using Run = std::function<int()>;

/// Each adds its options (and help that starts with an example) to its sub-command, and returns what runs it.
Run addCompile(CLI::App &app);
Run addTrain(CLI::App &app);
Run addEval(CLI::App &app);
Run addSample(CLI::App &app);
Run addData(CLI::App &app);
Run addConfig(CLI::App &app);
Run addInspect(CLI::App &app);
Run addPattern(CLI::App &app);
Run addBench(CLI::App &app);
Run addDoctor(CLI::App &app);

} // namespace drawloom::cli
