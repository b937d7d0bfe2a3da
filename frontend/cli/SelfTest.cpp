#include "frontend/cli/SelfTest.h"
#include "dialect/interp/Interpreter.h"
#include "frontend/build/BuildModel.h"
#include "frontend/cli/Bench.h"
#include "frontend/cli/Model.h"
#include "runtime/abi/Abi.h"
#include "runtime/cuda/Card.h"
#include "runtime/device/ThreadPool.h"
#include "runtime/support/Clock.h"
#include "runtime/train/InitialWeights.h"
#include <cmath>
#include <numeric>

namespace drawloom::cli {
namespace {

const char *kSpec = R"toml([model]
name = "self-test"
preset = "distaug"
n = 77
layers = 2
heads = 2
d = 32
[attention]
layers = ["fixed(16, c=4)", "heads(column(9), j <= i and (i - j < 5 or (i + j) mod 7 == 0))"]
[data]
batch = 2
)toml";

/// The same bytes always, few different ones, so that a few steps learn something.
std::vector<int32_t> makeTokens(size_t count, int shift) {
  std::vector<int32_t> tokens(count);
  for (size_t k = 0; k < count; ++k) tokens[k] = int32_t((k * 7 + k / 13 + size_t(shift)) % 11) + 97;
  return tokens;
}

void fillBatch(Program &program) {
  auto tokens = program.view<int32_t>(abi::io::kTokens), targets = program.view<int32_t>(abi::io::kTargets);
  std::ranges::copy(makeTokens(tokens.size(), 0), tokens.begin());
  std::ranges::copy(makeTokens(targets.size(), 7), targets.begin());
  auto weights = program.view<float>(abi::io::kLossWeights);
  std::ranges::fill(weights, 1.0f / float(weights.size()));
  // Biases and the output matrix start at zero, which would hide mistakes in them.
  uint64_t seed = 100;
  initializeWeights(program.parameters(), 1);
  for (const ParameterRef &p : program.parameters())
    if (p.init == plan::Init::Zeros) fillUniform(p.value, seed++, 0.1f);
  program.upload(plan::Arena::Parameters);
  ProgramAdapter adapter(program);
  resetOptimizer(adapter);
}

double meanNll(Program &program) {
  program.run("evaluate");
  auto nll = program.view<float>(abi::io::kNll);
  return std::accumulate(nll.begin(), nll.end(), 0.0) / double(nll.size());
}

/// The compiled @evaluate against the interpreter's, on the program's weights and batch.
double compareWithInterpreter(Program &program, const spec::Spec &spec) {
  auto context = makeContext();
  auto module = buildModel(*context, spec);
  std::vector<Tensor> arguments;
  for (const ParameterRef &p : program.parameters())
    arguments.push_back(
        Tensor::of(std::vector<int64_t>(p.shape.begin(), p.shape.end()), {p.value.begin(), p.value.end()}));
  std::vector<int64_t> shape{spec.integer("data.batch"), spec.integer("model.n")};
  for (const char *name : {abi::io::kTokens, abi::io::kTargets}) {
    auto ids = program.view<int32_t>(name);
    arguments.push_back(Tensor::ofIntegers(shape, {ids.begin(), ids.end()}));
  }
  auto wanted = Interpreter(*module).run("evaluate", arguments);
  require(mlir::succeeded(wanted), kInternal, "the interpreter cannot evaluate the self-test's model");
  program.run("evaluate");
  auto nll = program.view<float>(abi::io::kNll);
  return relativeError(Tensor::of(shape, {nll.begin(), nll.end()}), (*wanted)[0]);
}

bool sameGradients(Program &a, Program &b) {
  for (Program *p : {&a, &b}) {
    fillBatch(*p);
    p->run("gradient");
    p->download(plan::Arena::Gradients);
  }
  for (size_t k = 0; k < a.parameters().size(); ++k)
    if (!std::ranges::equal(a.parameters()[k].gradient, b.parameters()[k].gradient)) return false;
  return true;
}

} // namespace

SelfTestResult selfTest(DeviceKind device) {
  Stopwatch watch;
  SelfTestResult result;
  spec::Spec spec = spec::Spec::parse(kSpec, "self-test.toml",
                                      {fmt::format("run.device={}", nameOf(device)), "run.precision=fp32"});
  CompileOptions options;
  options.cache = false; // the compiler is what is tested
  if (device == DeviceKind::Cuda) options.target = Target::byName(cuda::machineTarget());
  std::vector<std::byte> artifact = compileSpec(spec, options).artifact;
  auto one = Program::fromBytes(artifact, {1, device}, "self-test"),
       all = Program::fromBytes(artifact, {std::max(2, availableCores()), device}, "self-test");
  fillBatch(*one);
  result.relativeError = compareWithInterpreter(*one, spec);
  result.sameBits = sameGradients(*one, *all);
  ProgramAdapter adapter(*all);
  resetOptimizer(adapter);
  result.firstNll = meanNll(*all);
  auto hyper = all->view<float>(abi::io::kHyper);
  hyper[abi::kLearningRate] = 3e-3f;
  hyper[abi::kBeta1] = 0.9f, hyper[abi::kBeta2] = 0.999f, hyper[abi::kEpsilon] = 1e-8f,
  hyper[abi::kClipNorm] = hyper[abi::kGradScale] = 1, hyper[abi::kEmaDecay] = 0.9f;
  for (int step = 1; step <= 20; ++step) {
    hyper[abi::kBiasCorrection1] = float(1 - std::pow(0.9, step));
    hyper[abi::kBiasCorrection2] = float(1 - std::pow(0.999, step));
    all->run("gradient");
    all->run("update");
  }
  result.lastNll = meanNll(*all);
  result.seconds = watch.seconds();
  return result;
}

} // namespace drawloom::cli
