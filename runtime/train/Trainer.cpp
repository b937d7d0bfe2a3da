#include "runtime/train/Trainer.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/support/File.h"
#include "runtime/support/Format.h"
#include "runtime/support/Nvtx.h"
#include "runtime/support/Phases.h"
#include <algorithm>
#include <cmath>
#include <numbers>

namespace drawloom {

const char *nameOf(StopReason reason) {
  switch (reason) {
  case StopReason::Done: return "done";
  case StopReason::StopAfter: return "stop-after";
  case StopReason::TimeBudget: return "time budget";
  case StopReason::Interrupt: return "SIGINT";
  case StopReason::Terminate: return "SIGTERM";
  }
  return "";
}

static bool every(int64_t period, int64_t step) { return period > 0 && step % period == 0; }

Trainer::Trainer(TrainerSetup setup)
    : s(std::move(setup)), steps(s.program, s.spec, *s.data.set, s.order, s.steps, s.scaler),
      log(s.spec.run.out, s.start), progress(s.progress), done(s.start) {
  if (s.start > 0) lastSaved = s.start;
}

TrainResult Trainer::train() {
  log.write("start", done,
            {{"model", s.spec.model.name},
             {"steps", s.steps},
             {"seed", s.spec.train.seed},
             {"data", s.data.set->path()},
             {"device", s.program.deviceName()},
             {"threads", s.program.threads()},
             {"peak_gflops", s.progress.peakGflops}});
  std::optional<StopReason> reason;
  while (!(reason = reasonToStop())) step();
  result.reason = *reason;
  bool signalled = *reason == StopReason::Interrupt || *reason == StopReason::Terminate;
  if (!signalled && s.spec.run.evalEvery > 0 && lastEvaluated != done) evaluateValid();
  if (lastSaved != done) save(s.spec.run.keepCheckpoints);
  result.step = done;
  result.seconds = elapsed.seconds();
  log.write("end", done, {{"reason", nameOf(*reason)}, {"seconds", result.seconds}});
  progress.endLine();
  return result;
}

std::optional<StopReason> Trainer::reasonToStop() const {
  if (signals.received() == SIGINT) return StopReason::Interrupt;
  if (signals.received() == SIGTERM) return StopReason::Terminate;
  if (done >= s.steps) return StopReason::Done;
  if (done >= s.stopAfter) return StopReason::StopAfter;
  // A step that would end after the time is not begun.
  if (s.spec.run.maxSeconds > 0 && budgetLeft() < longestStep) return StopReason::TimeBudget;
  return std::nullopt;
}

/// Seconds of run.max_seconds that are left; -1 without a budget.
double Trainer::budgetLeft() const {
  return s.spec.run.maxSeconds > 0 ? std::max(0.0, s.spec.run.maxSeconds - elapsed.seconds()) : -1;
}

/// Whether the step to come is the one to trace: the third of this run, when nothing is done for the first
/// time, or the last of a shorter one.
bool Trainer::traced() const { return !s.trace.empty() && done == std::min(s.start + 2, s.stopAfter - 1); }

StepResult Trainer::stepTraced() {
  s.program.setProfiling(true);
  StepResult r = steps.run(done);
  s.program.setProfiling(false);
  writeFileAtomically(s.trace, s.program.trace({"gradient", "update"}));
  return r;
}

void Trainer::step() {
  bool first = done == s.start;
  NvtxRange range(fmt::format("step {}", done + 1));
  Stopwatch watch;
  StepResult r;
  try {
    std::optional<PhaseTimer> phase;
    if (first) phase.emplace("first step");
    r = traced() ? stepTraced() : steps.run(done);
  } catch (const Error &e) {
    if (e.exitCode == kFailed) saveBeforeFailing();
    throw;
  }
  double seconds = watch.seconds();
  longestStep = std::max(longestStep, seconds);
  ++done;
  s.record.window.add(r.nll, seconds);
  progress.step(done, r, seconds, budgetLeft());
  if (first) logStartup();
  if (r.skipped) logSkip();
  if (every(s.spec.run.logEvery, done)) logStep(r);
  if (every(s.spec.run.evalEvery, done)) evaluateValid();
  if (every(s.spec.run.checkpointEvery, done)) save(s.spec.run.keepCheckpoints);
}

void Trainer::logStartup() {
  Json phases = Json::object();
  for (const PhaseSpan &p : phasesSoFar())
    phases[p.name] = std::round(double(p.nanoseconds) * 1e-5) / 10 + phases.value(p.name, 0.0);
  double seconds = double(monotonicNanoseconds() - processStart()) * 1e-9;
  log.write("startup", done, {{"seconds", std::round(seconds * 1000) / 1000}, {"ms", phases}});
}

void Trainer::logStep(const StepResult &r) {
  const Window &w = s.record.window;
  double bits = w.nll() / std::numbers::ln2;
  Json fields{{"nll", w.nll()},
              {"bits", bits},
              {"lr", r.lr},
              {"grad_norm", r.skipped ? Json(nullptr) : Json(r.gradNorm)},
              {"ms", w.stepSeconds() * 1e3},
              {"tokens_per_second", s.progress.tokensPerStep / w.stepSeconds()}};
  std::vector<std::pair<std::string, float>> scalars{{"train/loss", float(w.nll())},
                                                     {"train/" + s.data.set->format().bitsKey(), float(bits)},
                                                     {"train/lr", float(r.lr)}};
  if (!r.skipped) scalars.emplace_back("train/grad_norm", float(r.gradNorm));
  if (const LossScaler &scaler = steps.lossScaler(); scaler.isOn()) {
    fields.update(Json{{"loss_scale", scaler.scale()}, {"skipped", scaler.skipped()}});
    scalars.emplace_back("train/loss_scale", float(scaler.scale()));
  }
  log.write("step", done, fields);
  log.scalars(done, scalars);
  result.bits = bits;
  s.record.log(done);
}

void Trainer::logSkip() {
  const LossScaler &scaler = steps.lossScaler();
  log.write("skip", done, {{"loss_scale", scaler.scale()}, {"skipped", scaler.skipped()}});
  progress.note(
      fmt::format("step {} skipped: a gradient is not finite; the loss scale is now {:.0f} ({} steps "
                  "skipped so far)",
                  done, scaler.scale(), scaler.skipped()));
}

void Trainer::evaluateValid() {
  lastEvaluated = done;
  const DataFormat &format = s.data.set->format();
  Range valid = s.data.split.valid;
  if (valid.size() == 0) return;
  auto windows = evaluationWindows(valid, uint64_t(s.spec.model.n), 0, uint64_t(s.spec.run.evalTokens),
                                   s.data.windows());
  std::optional<EvalResult> e;
  Stopwatch watch;
  {
    std::optional<EmaInPlace> ema;
    if (s.spec.train.ema > 0) ema.emplace(s.program);
    e = evaluate(s.program, *s.data.set, windows, uint64_t(s.spec.model.n), uint64_t(s.spec.data.batch),
                 [&] { return signals.received() != 0; });
  }
  if (!e) return; // a signal came; the step that it interrupts has ended
  require(std::isfinite(e->bitsPerByte), kFailed, "the held-out loss after step {} is not finite", done);
  result.valid = e;
  Json error = e->standardError ? Json(*e->standardError) : Json(nullptr);
  log.write("eval", done,
            {{"split", "valid"},
             {format.bitsKey(), e->bitsPerByte},
             {"standard_error", error},
             {"bytes", e->bytes},
             {"windows", e->windows},
             {"seconds", watch.seconds()}});
  log.scalars(done, {{"eval/" + format.bitsKey(), float(e->bitsPerByte)}});
  progress.note(fmt::format("step {}  held-out {:.4f} {}{} over {} bytes", done, e->bitsPerByte,
                            format.bits(),
                            e->standardError ? fmt::format(" ± {:.4f}", *e->standardError) : "", e->bytes));
}

void Trainer::save(int keep) {
  uint64_t sequence = uint64_t(done) * uint64_t(s.spec.train.accumulation) * uint64_t(s.spec.data.batch);
  Json state = describeState(s.spec, s.steps, *s.data.set, sequence, s.order.epochOf(sequence), s.record,
                             steps.lossScaler());
  result.checkpoint = saveCheckpoint(s.spec.run.out, done, s.program, std::move(state), keep);
  lastSaved = done;
  log.write("checkpoint", done, {{"folder", result.checkpoint}});
}

/// The weights of before the failing step, beside the older checkpoints, which may be further from the
/// trouble.
void Trainer::saveBeforeFailing() {
  progress.endLine();
  try {
    if (lastSaved != done) save(0);
    log.write("end", done, {{"reason", "not finite"}, {"seconds", elapsed.seconds()}});
  } catch (const Error &e) { // the failure of the step is the one to report
    progress.note(fmt::format("warning: {}", e.text()));
  }
}

} // namespace drawloom
