// The verb "eval".
#include "runtime/checkpoint/StrictJson.h"
#include "runtime/support/Clock.h"
#include "runtime/support/Format.h"
#include "runtime/train/ChooseWeights.h"
#include "runtime/train/Commands.h"
#include "runtime/train/Evaluate.h"
#include "runtime/train/ModelData.h"
#include "runtime/train/TrainSpec.h"
#include <cmath>

namespace drawloom {

static void printResult(const EvalResult &r, const DataFormat &format, const ChosenWeights &weights,
                        const EvalOptions &o, double seconds) {
  if (!o.json) {
    fmt::print("{} {:.4f} {}{} over {} bytes in {} windows (at least {} bytes of context, {} weights "
               "of {}, {})\n",
               o.split, r.bitsPerByte, format.bits(),
               r.standardError ? fmt::format(" ± {:.4f}", *r.standardError) : "", r.bytes, r.windows,
               o.minContext, weights.name(), weights.path, formatDuration(seconds));
    return;
  }
  Json j{{"split", o.split}, {format.bitsKey(), r.bitsPerByte}};
  j["standard_error"] = r.standardError ? Json(*r.standardError) : Json(nullptr);
  j.update(Json{{"bytes", r.bytes},
                {"windows", r.windows},
                {"min_context", o.minContext},
                {"weights", weights.name()},
                {"checkpoint", weights.path},
                {"seconds", seconds}});
  fmt::print("{}\n", j.dump(1));
}

int evalCommand(TrainableProgram &program, const EvalOptions &o) {
  require(program.hasFunction("evaluate"), kBadInput,
          "the artifact cannot evaluate: it has no function 'evaluate'");
  TrainSpec spec = TrainSpec::parse(program.specJson());
  require(o.minContext >= 0 && o.minContext < spec.model.n, kUsage,
          "--min-context {}: expected 0 to {} (model.n - 1)", o.minContext, spec.model.n - 1);
  require(o.tokens.value_or(0) >= 0, kUsage, "--tokens {}: expected 0 or more", o.tokens.value_or(0));
  if (!o.data.empty()) spec.data.path = o.data;
  ModelData data = openModelData(spec);
  Range part = partOf(data.split, o.split);
  uint64_t n = uint64_t(spec.model.n), context = uint64_t(o.minContext);
  if (part.size() <= context)
    failWithHint(kBadInput, "give more data, or change data.split",
                 "the {} part of '{}' has {} bytes, expected more than {}", o.split, spec.data.path,
                 part.size(), context);
  auto windows = evaluationWindows(part, n, context, uint64_t(o.tokens.value_or(0)), data.windows());
  ChosenWeights weights =
      chooseWeights(program, o.out.empty() ? spec.run.out : o.out, o.checkpoint, o.weights);
  Stopwatch watch;
  EvalResult r = *evaluate(program, *data.set, windows, n, uint64_t(spec.data.batch));
  require(std::isfinite(r.bitsPerByte), kFailed, "the loss is not finite with the weights of '{}'",
          weights.path);
  printResult(r, data.set->format(), weights, o, watch.seconds());
  return kSuccess;
}

int evalCommand(Program &program, const EvalOptions &options) {
  ProgramAdapter adapter(program);
  return evalCommand(adapter, options);
}

} // namespace drawloom
