#include "runtime/train/StepRunner.h"
#include "runtime/abi/Abi.h"
#include "runtime/train/Schedule.h"
#include <algorithm>
#include <cmath>
#include <fmt/ranges.h>

namespace drawloom {

StepRunner::StepRunner(TrainableProgram &program, const TrainSpec &spec, const DataSet &data,
                       const WindowOrder &order, int64_t steps, LossScaler scaler)
    : program(program), spec(spec), data(data), order(order), steps(steps), scaler(std::move(scaler)),
      window(size_t(spec.model.n)) {
  uint64_t elements = uint64_t(spec.data.batch) * uint64_t(spec.model.n);
  tokens = program.view<int32_t>(abi::io::kTokens, elements);
  targets = program.view<int32_t>(abi::io::kTargets, elements);
  lossWeights = program.view<float>(abi::io::kLossWeights, elements);
  nll = program.view<float>(abi::io::kNll, elements);
  hyper = program.view<float>(abi::io::kHyper, abi::kHyperCount);
  gradNorm = program.view<float>(abi::io::kGradNorm, 1);
  rng = program.view<int64_t>(abi::io::kRng, 2);
}

/// Adds one batch's gradients to those of the step; returns the sum of its losses.
double StepRunner::gradient(uint64_t microStep) {
  uint64_t n = uint64_t(spec.model.n), batch = uint64_t(spec.data.batch);
  for (uint64_t b = 0; b < batch; ++b) {
    data.read(order.start(microStep * batch + b), window);
    fillRow(window, tokens.subspan(b * n, n), targets.subspan(b * n, n));
  }
  if (onBatch) onBatch(tokens, targets);
  double total = double(batch) * double(n) * double(spec.train.accumulation);
  std::fill(lossWeights.begin(), lossWeights.end(), float(scaler.scale() / total));
  rng[0] = int64_t(spec.train.seed);
  rng[1] = int64_t(microStep);
  program.run("gradient");
  double sum = 0;
  for (float x : nll) sum += double(x);
  return sum;
}

StepResult StepRunner::run(int64_t step) {
  uint64_t micro = uint64_t(step) * uint64_t(spec.train.accumulation);
  double sum = 0;
  for (int64_t a = 0; a < spec.train.accumulation; ++a) {
    sum += gradient(micro + uint64_t(a));
    if (!std::isfinite(sum)) failNonFinite(step, "the loss");
  }
  if (beforeUpdate) beforeUpdate(step);
  bool maySkip = scaler.maySkip();
  fillHyper(spec.train, step - scaler.skipped(), steps, hyper);
  hyper[abi::kGradScale] = float(1 / scaler.scale());
  hyper[abi::kSkipNonFinite] = maySkip ? 1.0f : 0.0f;
  program.run("update");
  bool finite = std::isfinite(gradNorm[0]);
  if (!finite && !maySkip) failNonFinite(step, "the gradient norm");
  StepResult result{sum / (double(nll.size()) * double(spec.train.accumulation)),
                    gradNorm[0] / scaler.scale(), hyper[abi::kLearningRate], !finite};
  if (finite)
    scaler.good();
  else
    scaler.skip();
  return result;
}

static std::string position(size_t element, const std::vector<uint64_t> &shape) {
  std::vector<size_t> at(shape.size());
  for (size_t d = shape.size(); d-- > 0; element /= shape[d]) at[d] = element % shape[d];
  return fmt::format("[{}]", fmt::join(at, ", "));
}

static std::string nonFiniteIn(std::span<const float> values, const std::string &what,
                               const std::vector<uint64_t> &shape) {
  auto it = std::find_if(values.begin(), values.end(), [](float x) { return !std::isfinite(x); });
  if (it == values.end()) return {};
  return fmt::format("{} at {} is {}", what, position(size_t(it - values.begin()), shape), *it);
}

std::string firstNonFinite(const std::vector<ParameterRef> &parameters) {
  for (const ParameterRef &p : parameters)
    if (auto s = nonFiniteIn(p.value, fmt::format("weight '{}'", p.name), p.shape); !s.empty()) return s;
  for (const ParameterRef &p : parameters)
    if (auto s = nonFiniteIn(p.gradient, fmt::format("gradient of '{}'", p.name), p.shape); !s.empty())
      return s;
  return {};
}

void StepRunner::failNonFinite(int64_t step, const std::string &seen) {
  program.download(plan::Arena::Parameters);
  program.download(plan::Arena::Gradients);
  std::string first = firstNonFinite(program.parameters());
  if (first.empty()) first = nonFiniteIn(nll, "'nll'", {uint64_t(spec.data.batch), uint64_t(spec.model.n)});
  if (first.empty())
    first = "every weight, gradient and loss is finite, the sum of squares of the gradients overflows";
  for (const ParameterRef &p : program.parameters()) std::fill(p.gradient.begin(), p.gradient.end(), 0.0f);
  program.upload(plan::Arena::Gradients);
  failWithHint(kFailed, "lower train.lr, lengthen train.warmup, or look at the data near this step",
               "{} of step {} is not finite: {}; the weights are those of before the step", seen, step + 1,
               first);
}

} // namespace drawloom
