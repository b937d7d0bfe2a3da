// The verbs train, eval, sample and data on a loaded artifact, the same for `drawloom` and `drawloom-run`.
// Progress and notes go to stderr, results to stdout. All of them throw Error (exit codes in
// runtime/support/Error.h).
#pragma once
#include "runtime/program/Program.h"
#include "runtime/train/TrainableProgram.h"
#include <cstdint>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace drawloom {

/// What may differ from run to run of one artifact. Empty or absent: what the spec says.
struct TrainOptions {
  std::string artifact;    // file, for messages and for loading
  std::string out;         // instead of run.out
  std::string data;        // instead of data.path
  std::string resume;      // "latest", or a checkpoint folder; empty: start at step 0
  std::string init;        // safetensors file with the weights to start from
  std::string saveInit;    // write the initial weights there and go on
  std::string saveBatches; // write every batch of this run there: tokens and targets, i32 [micro-steps, B, n]
  std::string saveGradients;    // write the gradients of this run's first step there, as the update gets them
  std::string trace;            // write a Chrome trace of one step there
  bool overwrite = false;       // delete the checkpoints and logs that `out` holds
  std::optional<int64_t> steps; // instead of train.steps and train.epochs; changes the schedule
  std::optional<int64_t> stopAfter; // stop (and save) after this step; leaves the schedule alone
  std::optional<uint64_t> seed;     // instead of train.seed
  std::optional<double> maxSeconds; // instead of run.max_seconds
  std::optional<int> threads;       // instead of run.threads
  double peakGflops = 0;            // peak that the share is taken of; 0: measured at start
  bool json = false;                // a summary as JSON on stdout at the end
  bool quiet = false;               // no progress lines
};

struct EvalOptions {
  std::string artifact, data;
  std::string out;                   // folder that "latest" is looked for in; empty: run.out
  std::string checkpoint = "latest"; // "latest", a checkpoint folder, or a .safetensors file
  std::string split = "valid";       // "train", "valid" or "test"
  std::optional<int64_t> tokens;     // bytes to count at most; 0: all
  int64_t minContext = 0;       // least number of bytes before a counted byte in its window (Table 3), 0..n-1
  std::string weights = "auto"; // "ema", "raw" or "auto": ema where the artifact has it
  std::optional<int> threads;
  bool json = false;
};

struct SampleOptions {
  std::string artifact;
  std::string out;
  std::string checkpoint = "latest";
  std::string prompt;  // text to go on from
  std::string sheet;   // PNG file with all images, side by side
  std::string outFile; // file for a sample (with numbers before its ending when there are several)
  std::optional<int64_t> complete;   // rows of held-out images that are given
  std::string data;                  // instead of data.path, for `complete`
  std::string split = "valid";       // part that these images are taken from
  std::optional<int64_t> length;     // bytes to draw after the prompt; 0: until n
  std::optional<double> temperature; // 0: always the likeliest byte
  std::optional<int> topK;           // 0: all
  uint64_t seed = 0;
  int count = 1; // samples to draw
  std::string weights = "auto";
  std::optional<int> threads;
  bool json = false;
};

struct DataOptions {
  std::string input;               // compiled model, or a data file or folder
  std::string data;                // instead of data.path of a model
  std::optional<std::string> kind; // of a data file or folder; else it is guessed
  std::optional<int64_t> rate;     // of decoded sound
  bool json = false;
};

/// Options of a verb on a command line, with help that starts with an example. `inputName` is how the
/// positional argument is called in the help ("M.loom", "SPEC"); empty: the caller adds its own.
void addTrainOptions(CLI::App &app, TrainOptions &options, const std::string &inputName);
void addEvalOptions(CLI::App &app, EvalOptions &options, const std::string &inputName);
void addSampleOptions(CLI::App &app, SampleOptions &options, const std::string &inputName);
void addDataOptions(CLI::App &app, DataOptions &options, const std::string &inputName);

/// For the tool's own app, before its verbs are added: its help lists each verb with one sentence.
void listVerbsBriefly(CLI::App &app);

/// The option --device for verbs on compiled models.
void addDevice(CLI::App &app, std::string &device);

/// Loads an artifact with the number of threads that the options or the spec ask for. `device`: "cpu",
/// "cuda", or empty for the one that it is compiled for.
std::unique_ptr<Program> loadForRun(const std::string &artifact, const std::optional<int> &threads,
                                    const std::string &device = {});

/// Trains. Returns 0, or 130 / 143 after SIGINT / SIGTERM with a checkpoint saved.
int trainCommand(Program &program, const TrainOptions &options);
int trainCommand(TrainableProgram &program, const TrainOptions &options);
/// Bits per byte of a split.
int evalCommand(Program &program, const EvalOptions &options);
int evalCommand(TrainableProgram &program, const EvalOptions &options);
/// Draws text, images or sound.
int sampleCommand(Program &program, const SampleOptions &options);
int sampleCommand(TrainableProgram &program, const SampleOptions &options);

/// Shows and verifies the data of a model: `specJson` is its spec; or, when that is empty, of options.input.
int dataCommand(const std::string &specJson, const DataOptions &options);
/// The same for an artifact or a data file in options.input.
int dataCommand(const DataOptions &options);

} // namespace drawloom
