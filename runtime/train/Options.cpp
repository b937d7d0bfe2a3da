// Command-line options of the verbs, shared by `drawloom` and `drawloom-run`.
#include "runtime/train/Commands.h"
#include "runtime/train/TrainSpec.h"
#include <CLI/CLI.hpp>

namespace drawloom {

namespace {
/// Lists a verb by the first sentence behind its example, where CLI11 would repeat all of its description.
class VerbFormatter : public CLI::Formatter {
public:
  std::string make_subcommand(const CLI::App *verb) const override {
    std::string text = verb->get_description();
    if (size_t example = text.find("\n\n"); example != std::string::npos) text = text.substr(example + 2);
    text = text.substr(0, text.find('.'));
    return fmt::format("  {:<27} {}\n", verb->get_name(), text);
  }
};
} // namespace

void listVerbsBriefly(CLI::App &app) { app.formatter(std::make_shared<VerbFormatter>()); }

/// "drawloom-run train M.loom": how the examples of a verb begin.
static std::string exampleOf(const CLI::App &app, const std::string &inputName) {
  std::string tool = app.get_parent() ? app.get_parent()->get_name() + " " : "";
  return tool + app.get_name() + " " + (inputName.empty() ? "SPEC" : inputName);
}

static void addInput(CLI::App &app, std::string &artifact, const std::string &inputName) {
  if (inputName.empty()) return;
  app.add_option(inputName, artifact, "compiled model (drawloom compile SPEC -o M.loom)")
      ->required()
      ->option_text(" ");
}

static void addWeights(CLI::App &app, std::string &out, std::string &checkpoint, std::string &weights) {
  app.add_option("--out", out,
                 "folder of the run whose latest checkpoint is taken; default: run.out of the spec")
      ->option_text("FOLDER");
  app.add_option("--checkpoint", checkpoint, "'latest', a checkpoint folder, or a .safetensors file")
      ->option_text("WHICH [latest]");
  app.add_option("--weights", weights,
                 "ema: moving averages; raw: the weights themselves; auto: ema where there are some")
      ->check(CLI::IsMember({"auto", "ema", "raw"}))
      ->option_text("auto|ema|raw [auto]");
}

static void addThreads(CLI::App &app, std::optional<int> &threads) {
  app.add_option("--threads", threads,
                 "0: one a core; the results do not depend on it; default: run.threads of the spec")
      ->check(CLI::NonNegativeNumber)
      ->option_text("COUNT");
}

constexpr const char *kSampleHelp =
    "Draw samples, byte by byte, from the model's distribution. Text goes to the "
    "terminal, images to PNG files\n"
    "or a sheet, sound to WAV files.";

void addTrainOptions(CLI::App &app, TrainOptions &o, const std::string &inputName) {
  std::string example = exampleOf(app, inputName);
  app.description("Example:  " + example +
                  " --out runs/first\n"
                  "          " +
                  example +
                  " --out runs/first --resume\n\n"
                  "Train a model on text, images or sound. Writes checkpoints, log.jsonl and TensorBoard "
                  "events to the output folder.\n"
                  "Ctrl-C finishes the step, saves a checkpoint and exits with 130 (SIGTERM: 143).");
  addInput(app, o.artifact, inputName);
  app.add_option("--out", o.out, "folder for checkpoints and logs; default: run.out of the spec")
      ->option_text("FOLDER");
  app.add_option("--data", o.data, "file or folder to train on; default: data.path of the spec")
      ->option_text("PATH");
  app.add_flag("--resume{latest}", o.resume,
               "go on from the latest checkpoint of the output folder, or with --resume=FOLDER from that "
               "one; the result has\n"
               "the same bits as that of a run that was never stopped");
  app.add_flag("--overwrite", o.overwrite, "delete the checkpoints and logs that the output folder holds");
  app.add_option("--init", o.init, "start from the weights of a .safetensors file or a checkpoint folder")
      ->option_text("PATH");
  app.add_option("--steps", o.steps,
                 "length of the run and of its learning-rate schedule; default: train.steps or .epochs")
      ->option_text("COUNT");
  app.add_option("--stop-after", o.stopAfter, "stop and save after this step; leaves the schedule alone")
      ->option_text("STEP");
  app.add_option("--max-seconds", o.maxSeconds,
                 "begin no step that would end later than this, then evaluate and save; leaves the schedule "
                 "alone; 0: no limit")
      ->check(CLI::NonNegativeNumber)
      ->option_text("SECONDS");
  app.add_option("--seed", o.seed, "of initial weights, order of the data and dropout; default: train.seed")
      ->option_text("NUMBER");
  addThreads(app, o.threads);
  app.add_option("--peak", o.peakGflops, "GFLOP/s that 'share of peak' refers to; default: measured at start")
      ->check(CLI::PositiveNumber)
      ->option_text("GFLOPS");
  app.add_option("--save-init", o.saveInit, "write the weights before the first step")
      ->option_text("FILE.safetensors");
  app.add_option("--save-batches", o.saveBatches, "write all batches of the run (keeps them in memory)")
      ->option_text("FILE.safetensors");
  app.add_option(
         "--save-gradients", o.saveGradients,
         "write the gradients of the first step, before clipping; under fp16 times the loss scale, which "
         "the file's metadata\nname")
      ->option_text("FILE.safetensors");
  app.add_option("--trace", o.trace,
                 "write a Chrome trace of the run's start and of its third step, with each command's time "
                 "and, on a card with CUPTI's library, each kernel's (chrome://tracing shows it)")
      ->option_text("FILE.json");
  app.add_flag("--json", o.json, "print a summary as JSON on stdout at the end");
  app.add_flag("--quiet", o.quiet, "no progress");
}

void addEvalOptions(CLI::App &app, EvalOptions &o, const std::string &inputName) {
  std::string example = exampleOf(app, inputName);
  app.description(
      "Example:  " + example +
      " --out runs/first --split test\n"
      "          " +
      example +
      " --checkpoint runs/first/step-00001000 --min-context 1024 --json\n\n"
      "Measure bits per byte of held-out data, or bits per dimension of images. That is the sum of "
      "losses over the number\n"
      "of bytes, with its standard error over windows.");
  addInput(app, o.artifact, inputName);
  addWeights(app, o.out, o.checkpoint, o.weights);
  app.add_option("--data", o.data, "data file or folder; default: data.path of the spec")
      ->option_text("PATH");
  app.add_option("--split", o.split, "part of the data")
      ->check(CLI::IsMember({"train", "valid", "test"}))
      ->option_text("train|valid|test [valid]");
  app.add_option("--tokens", o.tokens,
                 "count at most about this many bytes, in windows spread evenly; 0: all")
      ->option_text("COUNT");
  app.add_option("--min-context", o.minContext,
                 "count only bytes with at least this many bytes before them in their window; windows "
                 "overlap so that every\n"
                 "byte behind the first of them is counted once (Table 3 of the paper)")
      ->check(CLI::NonNegativeNumber)
      ->option_text("BYTES [0]");
  addThreads(app, o.threads);
  app.add_flag("--json", o.json, "print JSON");
}

void addSampleOptions(CLI::App &app, SampleOptions &o, const std::string &inputName) {
  std::string example = exampleOf(app, inputName);
  app.description("Example:  " + example +
                  " --out runs/first --prompt 'The ' --length 400 --temperature 0.8\n"
                  "          " +
                  example + " --out runs/images --count 64 --sheet sheet.png\n\n" + kSampleHelp);
  addInput(app, o.artifact, inputName);
  addWeights(app, o.out, o.checkpoint, o.weights);
  app.add_option("--prompt", o.prompt, "text to go on from")->option_text("TEXT");
  app.add_option(
         "--complete", o.complete,
         "images: give the model the first rows of held-out images and let it draw the rest; the sheet "
         "shows what was\n"
         "given, what came out and the original side by side")
      ->option_text("ROWS");
  app.add_option("--data", o.data, "where these images are; default: data.path of the spec")
      ->option_text("PATH");
  app.add_option("--split", o.split, "part of the data that these images are from")
      ->check(CLI::IsMember({"train", "valid", "test"}))
      ->option_text("train|valid|test [valid]");
  app.add_option("--sheet", o.sheet, "images: one picture with all samples")->option_text("FILE.png");
  app.add_option("--out-file", o.outFile,
                 "a file a sample (text, PNG or WAV); with several samples the names get numbers")
      ->option_text("FILE");
  app.add_option(
         "--length", o.length,
         "bytes to draw behind the prompt; 0: until the model's context is full; default: sample.length")
      ->check(CLI::NonNegativeNumber)
      ->option_text("BYTES");
  app.add_option("--temperature", o.temperature,
                 "logits are divided by it; 0: always the likeliest byte; default: sample.temperature")
      ->check(CLI::NonNegativeNumber)
      ->option_text("NUMBER");
  app.add_option("--top-k", o.topK, "draw among the K likeliest bytes; 0: all; default: sample.top_k")
      ->check(CLI::NonNegativeNumber)
      ->option_text("K");
  app.add_option("--seed", o.seed, "the same seed draws the same samples")->option_text("NUMBER [0]");
  app.add_option("--count", o.count, "samples to draw")->check(CLI::PositiveNumber)->option_text("COUNT [1]");
  addThreads(app, o.threads);
  app.add_flag("--json", o.json, "print JSON");
}

void addDataOptions(CLI::App &app, DataOptions &o, const std::string &inputName) {
  std::string tool = app.get_parent() ? app.get_parent()->get_name() + " " : "";
  std::string model = inputName.substr(0, inputName.find('|'));
  app.description(
      "Example:  " + tool + app.get_name() + " " + model + "\n          " + tool + app.get_name() +
      " cifar-10-batches-bin --json\n\n"
      "Read a model's data, or a data file or folder, from end to end. Shows counts, parts, statistics, "
      "and what is wrong\n"
      "with it.");
  app.add_option(inputName, o.input,
                 "model, or data: a text, a sound file, a folder of images or of sound files")
      ->required()
      ->option_text(" ");
  app.add_option("--data", o.data, "data of the model; default: data.path of its spec")->option_text("PATH");
  app.add_option("--kind", o.kind, "of a data file or folder; default: by the names of its files")
      ->check(CLI::IsMember({"text", "images", "audio"}))
      ->option_text("text|images|audio");
  app.add_option("--rate", o.rate, "samples a second that a sound file is decoded to")
      ->check(CLI::PositiveNumber)
      ->option_text("HZ [12000]");
  app.add_flag("--json", o.json, "print JSON");
}

void addDevice(CLI::App &app, std::string &device) {
  app.add_option(
         "--device", device,
         "cpu or cuda; refuses a model that is compiled for another; default: what it is compiled for")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->option_text("cpu|cuda");
}

std::unique_ptr<Program> loadForRun(const std::string &artifact, const std::optional<int> &threads,
                                    const std::string &device) {
  ProgramOptions options{.threads = threads.value_or(0)};
  if (!device.empty()) options.device = deviceNamed(device);
  auto program = Program::load(artifact, options);
  if (threads || program->device() != DeviceKind::Cpu) return program;
  // The spec, which says how many threads, lies in the artifact: seldom does it ask for another number than
  // the default.
  int wanted = TrainSpec::parse(std::string(program->specJson())).run.threads;
  if (wanted == 0 || wanted == program->threads()) return program;
  program.reset();
  options.threads = wanted;
  return Program::load(artifact, options);
}

} // namespace drawloom
