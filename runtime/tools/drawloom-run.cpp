// drawloom-run: trains, evaluates and samples from compiled models, with no compiler in the process.
#include "runtime/train/Commands.h"
#include <CLI/CLI.hpp>
#include <cstdio>
#include <new>

using namespace drawloom;

/// Parses and runs; the exit code of the verb.
static int runTool(int argc, char **argv) {
  CLI::App app("Example:  drawloom-run train M.loom --out runs/first\n\n"
               "Run models that `drawloom compile SPEC -o M.loom` has compiled.\n"
               "Exit codes: 0 done, 1 failed, 2 wrong usage, 65 bad input, 66 missing input, 70 internal "
               "error, 71 out of memory,\n"
               "74 input/output error, 130 or 143 stopped by a signal with a checkpoint saved.",
               "drawloom-run");
  app.require_subcommand(1);
  listVerbsBriefly(app);
  TrainOptions train;
  EvalOptions eval;
  SampleOptions sample;
  DataOptions data;
  auto *trainApp = app.add_subcommand("train"), *evalApp = app.add_subcommand("eval"),
       *sampleApp = app.add_subcommand("sample"), *dataApp = app.add_subcommand("data");
  std::string device;
  for (CLI::App *verb : {trainApp, evalApp, sampleApp}) addDevice(*verb, device);
  addTrainOptions(*trainApp, train, "M.loom");
  addEvalOptions(*evalApp, eval, "M.loom");
  addSampleOptions(*sampleApp, sample, "M.loom");
  addDataOptions(*dataApp, data, "M.loom|DATA");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &e) {
    return app.exit(e) == 0 ? kSuccess : kUsage;
  }
  if (*trainApp) return trainCommand(*loadForRun(train.artifact, train.threads, device), train);
  if (*evalApp) return evalCommand(*loadForRun(eval.artifact, eval.threads, device), eval);
  if (*dataApp) return dataCommand(data);
  return sampleCommand(*loadForRun(sample.artifact, sample.threads, device), sample);
}

int main(int argc, char **argv) {
  try {
    return runTool(argc, argv);
  } catch (const Error &e) {
    fmt::print(stderr, "error: {}\n", e.text());
    return e.exitCode;
  } catch (const std::bad_alloc &) {
    fmt::print(stderr, "error: out of memory\n");
    return kOutOfMemory;
  } catch (const std::exception &e) {
    fmt::print(stderr, "internal error: {}\n", e.what());
    return kInternal;
  }
}
