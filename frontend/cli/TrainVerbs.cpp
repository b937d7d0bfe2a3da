// drawloom train, eval, sample, data: the runtime's commands on a spec, compiled in memory, or on an
// artifact.
#include "frontend/cli/Model.h"
#include "frontend/cli/TuningFile.h"
#include "frontend/cli/Verbs.h"
#include "runtime/train/Commands.h"
#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace drawloom::cli {
namespace {

template <class Options> struct State {
  ModelInput input;
  Options options;
};

/// A spec's data file must be there before seconds go into compiling.
void requireData(const ModelInput &input, const std::string &given) {
  if (input.isArtifact()) return;
  spec::Spec spec = input.spec();
  const std::string &path = given.empty() ? spec.text("data.path") : given;
  if (path.empty())
    failWithHint(kMissingInput, "give a file or folder: data.path in the spec, or --data PATH",
                 "{}: the model has no data file", input.path);
  if (access(path.c_str(), R_OK) == 0) return;
  const spec::Place &place = spec.entry("data.path").place;
  std::string where = given.empty() && !place.file.empty() ? place.show() + ": " : "";
  failWithHint(kMissingInput,
               "a relative data.path starts at the current folder; --data PATH names another file",
               "{}cannot read the data file '{}': {}", where, path, std::strerror(errno));
}

bool readsData(const TrainOptions &) { return true; }
bool readsData(const EvalOptions &) { return true; }
bool readsData(const SampleOptions &o) { return o.complete.has_value(); }

/// Adds a verb's options with a MODEL in front; `run` gets the loaded program.
template <class Options>
Run add(CLI::App &app, void (*addOptions)(CLI::App &, Options &, const std::string &),
        int (*run)(Program &, const Options &), const std::string &description) {
  auto state = std::make_shared<State<Options>>();
  addModelInput(app, state->input, true);
  addTuning(app, state->input.tuning);
  addOptions(app, state->options, "");
  app.description(description);
  return [state, run] {
    state->options.artifact = state->input.path;
    if (readsData(state->options)) requireData(state->input, state->options.data);
    return run(*loadModel(state->input, state->options.threads), state->options);
  };
}

} // namespace

Run addTrain(CLI::App &app) {
  return add<TrainOptions>(
      app, addTrainOptions, trainCommand,
      "Example:  drawloom train models/demo-text.toml --data book.txt --out runs/book\n"
      "          drawloom train models/demo-text.toml --data book.txt --out runs/book --resume\n\n"
      "Train a model on text, images or sound. Writes checkpoints, log.jsonl and TensorBoard events to the "
      "output folder.\n"
      "Ctrl-C finishes the step, saves a checkpoint and exits with 130 (SIGTERM: 143).");
}

Run addEval(CLI::App &app) {
  return add<EvalOptions>(
      app, addEvalOptions, evalCommand,
      "Example:  drawloom eval models/demo-text.toml --data book.txt --out runs/book --split test\n"
      "          drawloom eval models/demo-text.toml --checkpoint runs/book/step-00001000 --min-context 256 "
      "--json\n\n"
      "Bits per byte of held-out data (of images: bits per dimension): the sum of losses over the number of "
      "bytes, with its\nstandard error over windows.");
}

Run addSample(CLI::App &app) {
  return add<SampleOptions>(
      app, addSampleOptions, sampleCommand,
      "Example:  drawloom sample models/demo-text.toml --out runs/book --prompt 'The ' "
      "--length 400 --temperature 0.8\n"
      "          drawloom sample models/cifar10-small.toml --count 64 --sheet sheet.png\n"
      "          drawloom sample models/music-small.toml --out-file music.wav\n\n"
      "Draw samples, byte by byte, from the model's distribution: text to the terminal, "
      "images to PNG files or a sheet,\nsound to WAV files.");
}

Run addData(CLI::App &app) {
  struct State {
    DataOptions options;
    std::vector<std::string> sets;
  };
  auto state = std::make_shared<State>();
  addDataOptions(app, state->options, "MODEL|DATA");
  addSets(app, state->sets);
  app.description(
      "Example:  drawloom data models/cifar10.toml\n"
      "          drawloom data cifar-10-batches-bin --json\n\n"
      "Read a model's data, or a data file or folder, from end to end. Shows counts, parts, statistics, "
      "and what is wrong with it.");
  return [state] {
    ModelInput input{state->options.input, state->sets, {}, {}, {}};
    bool isSpec = input.path.ends_with(".toml");
    require(isSpec || state->sets.empty(), kUsage, "--set changes a model spec, but {} is none", input.path);
    return isSpec ? dataCommand(input.spec().toJson().dump(), state->options) : dataCommand(state->options);
  };
}

} // namespace drawloom::cli
