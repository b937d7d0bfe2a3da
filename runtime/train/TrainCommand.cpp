// The verb "train": from options to a Trainer and back to an exit code.
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/Weights.h"
#include "runtime/support/Format.h"
#include "runtime/support/Phases.h"
#include "runtime/train/Commands.h"
#include "runtime/train/InitialWeights.h"
#include "runtime/train/Trainer.h"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <future>
#include <utility>

namespace drawloom {
namespace fs = std::filesystem;

namespace {

/// The spec with the command line's changes, and the checkpoint that the run goes on from.
struct RunPlan {
  TrainSpec spec;
  std::string resumeFrom; // empty: a new run
  Json state;             // of that checkpoint
};

/// A value of the run that is resumed, unless the command line or a changed spec says otherwise.
template <class T>
void inherit(T &value, const Json &state, const char *key, bool overridden, bool specChanged) {
  if (!overridden && !specChanged && state.contains(key)) value = state[key].get<T>();
}

bool differs(const std::vector<std::string> &notes, const std::string &key) {
  return std::any_of(notes.begin(), notes.end(), [&](auto &n) { return n.starts_with(key + ":"); });
}

void note(const TrainOptions &o, const std::string &text) {
  if (!o.quiet) fmt::print(stderr, "{}\n", text);
}

/// Takes over what the resumed run was told on its command line (seed, data file, length).
void inheritRun(RunPlan &plan, const TrainOptions &o) {
  auto notes = compareSpecs(plan.state, plan.spec, plan.resumeFrom);
  for (auto &n : notes) note(o, "note: changed since the checkpoint: " + n);
  inherit(plan.spec.train.seed, plan.state, "seed", o.seed.has_value(), differs(notes, "train.seed"));
  bool lengthChanged = differs(notes, "train.steps") || differs(notes, "train.epochs");
  int64_t steps = -1;
  inherit(steps, plan.state, "steps", o.steps.has_value(), lengthChanged);
  if (steps >= 0) {
    plan.spec.train.steps = steps;
    plan.spec.train.epochs = 0;
  }
  if (o.data.empty() && plan.state.contains("data"))
    plan.spec.data.path = plan.state["data"].value("path", plan.spec.data.path);
}

RunPlan makePlan(TrainableProgram &program, const TrainOptions &o) {
  RunPlan plan{TrainSpec::parse(program.specJson()), {}, {}};
  TrainSpec &spec = plan.spec;
  if (!o.out.empty()) spec.run.out = o.out;
  if (!o.data.empty()) spec.data.path = o.data;
  if (o.seed) spec.train.seed = *o.seed;
  if (o.maxSeconds) spec.run.maxSeconds = *o.maxSeconds;
  if (o.steps) {
    require(*o.steps >= 0, kUsage, "--steps {}: expected 0 or more", *o.steps);
    spec.train.steps = *o.steps;
    spec.train.epochs = 0;
  }
  if (o.resume.empty()) return plan;
  require(o.init.empty(), kUsage, "--resume and --init exclude each other: a resumed run has its weights");
  plan.resumeFrom = findCheckpoint(spec.run.out, o.resume);
  plan.state = readState(plan.resumeFrom);
  try {
    inheritRun(plan, o);
  } catch (const nlohmann::json::exception &e) {
    fail(kBadInput, "{}/{}: {}", plan.resumeFrom, kStateFile, e.what());
  }
  return plan;
}

/// Steps of the schedule: train.steps, or as many as train.epochs take.
int64_t scheduleLength(const TrainSpec &spec, const WindowOrder &order) {
  if (spec.train.epochs <= 0) return spec.train.steps;
  double perStep = double(spec.data.batch) * double(spec.train.accumulation);
  return int64_t(std::ceil(spec.train.epochs * double(order.windows()) / perStep));
}

/// A folder takes one run: a new one is not mixed with an older one's checkpoints.
void checkFolderIsFree(const std::string &out) {
  auto old = listCheckpoints(out);
  if (old.empty()) return;
  failWithHint(kUsage, "--resume goes on from there, --overwrite deletes it, --out FOLDER writes elsewhere",
               "'{}' holds a run already: its latest checkpoint is '{}'", out, old.back().folder);
}

/// Deletes what an older run has left, and nothing else.
void clearFolder(const std::string &out) {
  for (auto &c : listCheckpoints(out)) fs::remove_all(c.folder);
  std::vector<fs::path> logs;
  for (auto &entry : fs::directory_iterator(out)) {
    std::string name = entry.path().filename();
    bool events = name.starts_with("events.out.tfevents.") && name.find(".drawloom.") != std::string::npos;
    if (name == kLogFile || events) logs.push_back(entry.path());
  }
  for (auto &l : logs) fs::remove(l);
}

bool onCpu(const TrainableProgram &program) { return program.deviceName() == "CPU"; }

/// What steps are shown as shares of. A card's is measured while this thread draws weights, and nothing is
/// measured that will not be shown.
class PeakRate {
public:
  PeakRate(TrainableProgram &program, const TrainOptions &o) : given(o.peakGflops) {
    if (given > 0 || o.quiet || program.functionFlops("gradient") + program.functionFlops("update") == 0)
      return;
    auto when = onCpu(program) ? std::launch::deferred : std::launch::async;
    measured = std::async(when, [&program] { return program.measurePeakGflops(); }).share();
  }
  /// Until the card is free for other calls.
  void waitForCard() const {
    bool began =
        measured.valid() && measured.wait_for(std::chrono::seconds(0)) != std::future_status::deferred;
    if (began) measured.wait();
  }
  /// GFLOP/s; 0: not known.
  double gflops() const { return measured.valid() ? measured.get() : given; }

private:
  double given;
  std::shared_future<double> measured;
};

/// Weights and optimizer state before the first step of this run; returns the number of steps done.
int64_t initialize(TrainableProgram &program, const RunPlan &plan, const TrainOptions &o,
                   const PeakRate &peak) {
  PhaseTimer phase("weights");
  bool draws = plan.resumeFrom.empty() && o.init.empty();
  if (draws)
    initializeWeights(program.parameters(), plan.spec.train.seed, onCpu(program) ? program.threads() : 0);
  peak.waitForCard();
  if (!plan.resumeFrom.empty()) {
    loadCheckpoint(plan.resumeFrom, program);
    program.clear(plan::Arena::Gradients);
    return plan.state["step"].get<int64_t>();
  }
  if (draws)
    program.upload(plan::Arena::Parameters);
  else
    loadWeights(o.init, program, false);
  resetOptimizer(program);
  return 0;
}

/// Copies of what parity tests compare: batches in the order of use, and the gradients of the first step.
class Recorder {
public:
  Recorder(const TrainOptions &o, TrainableProgram &program, const TrainSpec &spec)
      : o(o), program(program), batch(uint64_t(spec.data.batch)), n(uint64_t(spec.model.n)) {}

  void attach(StepRunner &runner) {
    if (!o.saveBatches.empty())
      runner.onBatch = [this](auto a, auto b) {
        tokens.insert(tokens.end(), a.begin(), a.end());
        targets.insert(targets.end(), b.begin(), b.end());
      };
    if (!o.saveGradients.empty())
      runner.beforeUpdate = [this, &runner](int64_t) {
        if (std::exchange(gradientsSaved, true)) return;
        program.download(plan::Arena::Gradients);
        writeSafetensors(o.saveGradients, tensorsOf(program.parameters(), Slot::Gradient, false),
                         {{"loss_scale", fmt::format("{:.0f}", runner.lossScaler().scale())}});
      };
  }
  void finish() {
    if (o.saveBatches.empty()) return;
    std::vector<uint64_t> shape{tokens.size() / (batch * n), batch, n};
    writeSafetensors(o.saveBatches, {tensorOf("tokens", shape, std::span<const int32_t>(tokens)),
                                     tensorOf("targets", shape, std::span<const int32_t>(targets))});
  }

private:
  const TrainOptions &o;
  TrainableProgram &program;
  uint64_t batch, n;
  std::vector<int32_t> tokens, targets;
  bool gradientsSaved = false;
};

ProgressSetup progressSetup(TrainableProgram &program, const TrainSpec &spec, const TrainOptions &o,
                            int64_t until, const DataFormat &format, const PeakRate &peak) {
  ProgressSetup p;
  p.bits = format.bits();
  p.steps = until;
  p.tokensPerStep = double(spec.data.batch) * double(spec.model.n) * double(spec.train.accumulation);
  p.flopsPerStep = double(program.functionFlops("gradient")) * double(spec.train.accumulation) +
                   double(program.functionFlops("update"));
  p.quiet = o.quiet;
  p.peakGflops = peak.gflops();
  return p;
}

/// "2 threads", or the card and what is used of its memory.
std::string deviceText(const TrainableProgram &program) {
  if (onCpu(program)) return fmt::format("{} threads", program.threads());
  return fmt::format("{} with {} in use", program.deviceName(), formatBytes(program.memoryBytes()));
}

void printHeader(TrainableProgram &program, const TrainerSetup &s, const TrainOptions &o) {
  uint64_t count = 0;
  for (const ParameterRef &p : program.parameters()) count += p.value.size();
  note(o, fmt::format("model {}: {} parameters, {} bytes of context", s.spec.model.name,
                      formatCount(double(count)), s.spec.model.n));
  if (auto report = program.memoryReport(); !report.empty()) note(o, report);
  double epochs = double(s.steps) * double(s.spec.train.accumulation) * double(s.spec.data.batch) /
                  double(s.order.windows());
  note(o, fmt::format("data {}: {} to train, {} held out; {} windows an epoch", s.data.set->path(),
                      s.data.set->format().amount(s.data.split.train.size()),
                      s.data.set->format().amount(s.data.split.valid.size()), s.order.windows()));
  note(o, fmt::format("{} steps of {} tokens ({:.3g} epochs), {}", s.steps,
                      formatCount(s.progress.tokensPerStep), epochs, deviceText(program)));
  if (s.progress.peakGflops > 0)
    note(o, fmt::format("peak {:.0f} GFLOP/s ({})", s.progress.peakGflops,
                        o.peakGflops > 0 ? "given"
                        : onCpu(program) ? "multiply-adds in registers, measured now"
                                         : "a large product, measured now"));
  if (s.start > 0) note(o, fmt::format("resumed after step {}", s.start));
}

void printSummary(const TrainableProgram &program, const TrainResult &r, const TrainOptions &o,
                  const DataFormat &format) {
  uint64_t planned = program.memoryBytes(), measured = program.measuredMemoryBytes();
  if (!o.json) {
    note(o, fmt::format("{} after step {}, {}; checkpoint in {}", nameOf(r.reason), r.step,
                        formatDuration(r.seconds), r.checkpoint));
    if (measured)
      note(o, fmt::format("memory: {} planned, {} measured", formatBytes(planned), formatBytes(measured)));
    return;
  }
  Json j{
      {"reason", nameOf(r.reason)}, {"step", r.step}, {"seconds", r.seconds}, {"checkpoint", r.checkpoint}};
  j["train_" + format.bitsKey()] = r.bits ? Json(*r.bits) : Json(nullptr);
  j["valid_" + format.bitsKey()] = r.valid ? Json(r.valid->bitsPerByte) : Json(nullptr);
  j["valid_standard_error"] =
      r.valid && r.valid->standardError ? Json(*r.valid->standardError) : Json(nullptr);
  j["device"] = program.deviceName();
  j["memory_bytes"] = planned; // all that the run takes is taken before its first step
  j["measured_memory_bytes"] = measured ? Json(measured) : Json(nullptr);
  fmt::print("{}\n", j.dump(1));
}

} // namespace

int trainCommand(TrainableProgram &program, const TrainOptions &o) {
  for (const char *f : {"gradient", "update"})
    require(program.hasFunction(f), kBadInput, "the artifact cannot train: it has no function '{}'", f);
  RunPlan plan = makePlan(program, o);
  const TrainSpec &spec = plan.spec;
  bool fresh = plan.resumeFrom.empty();
  PhaseTimer opening("data");
  ModelData data = openModelData(spec);
  opening.end();
  const DataFormat &format = data.set->format();
  if (!fresh) checkSameData(plan.state, *data.set, plan.resumeFrom);
  WindowOrder order = data.order(spec);
  prepareOutputFolder(spec.run.out, checkpointBytes(program.parameters()));
  if (fresh && !o.overwrite) checkFolderIsFree(spec.run.out);
  PeakRate peak(program, o);
  int64_t start = initialize(program, plan, o, peak); // may read what the next line deletes
  if (fresh) clearFolder(spec.run.out);
  if (!o.saveInit.empty())
    writeSafetensors(o.saveInit, tensorsOf(program.parameters(), Slot::Value), {{"format", "pt"}});

  int64_t steps = scheduleLength(spec, order), stopAfter = std::min(steps, o.stopAfter.value_or(steps));
  LossScaler scaler = lossScalerOf(plan.state, spec.run.precision == "fp16", spec.train.lossScale);
  ProgressSetup progress = progressSetup(program, spec, o, stopAfter, format, peak);
  TrainerSetup setup{program, spec, data, order, steps, stopAfter, start, {}, scaler, progress, o.trace};
  if (start > 0) setup.record = lossRecordOf(plan.state);
  printHeader(program, setup, o);
  Trainer trainer(std::move(setup));
  Recorder recorder(o, program, spec);
  recorder.attach(trainer.runner());
  TrainResult result = trainer.train();
  recorder.finish();
  if (result.checkpoint.empty()) result.checkpoint = plan.resumeFrom;
  printSummary(program, result, o, format);
  if (result.reason == StopReason::Interrupt) return kInterrupted;
  if (result.reason == StopReason::Terminate) return kTerminated;
  return kSuccess;
}

int trainCommand(Program &program, const TrainOptions &options) {
  ProgramAdapter adapter(program);
  return trainCommand(adapter, options);
}

} // namespace drawloom
