// Whole models, compiled, against the float64 interpreter and against themselves: gradients, update,
// evaluation, decoding.
#include "codegen/Compiler.h"
#include "dialect/interp/Interpreter.h"
#include "frontend/build/BuildModel.h"
#include "frontend/spec/Spec.h"
#include "mlir/Pass/PassRegistry.h"
#include "passes/Names.h"
#include "passes/Passes.h"
#include "runtime/abi/Abi.h"
#include "runtime/program/Program.h"
#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace drawloom;

namespace {

struct ModelCase {
  const char *name, *attention;
  int64_t n, heads, d, qk, batch;
  double dropout;
};

// Ragged n, odd widths, q/k narrower than v, patterns that differ by layer and by head.
const ModelCase kCases[] = {
    {"fixed_merged", "pattern = \"fixed(16, c=4)\"", 75, 4, 48, 48, 2, 0.1},
    {"strided_interleaved", "layers = [\"column(12)\", \"local(12)\"]", 64, 2, 40, 16, 2, 0.0},
    {"multi_head", "pattern = \"heads(block(10), summary(10, c=5), strided(10))\"\nembedding_width = 10", 53,
     3, 36, 24, 1, 0.2},
    {"set_expression", "pattern = \"j <= i and (i - j < 5 or (i + 2 * j) mod 7 == 3)\"\nembedding_width = 9",
     41, 2, 32, 32, 2, 0.0},
    {"dense", "pattern = \"dense\"\nembedding_width = 8", 33, 1, 24, 24, 3, 0.3},
};

std::string specText(const ModelCase &c) {
  std::string attention = c.attention, width;
  if (auto at = attention.find("\nembedding_width"); at != std::string::npos) {
    width = attention.substr(at + 1);
    attention.resize(at);
  }
  return fmt::format(
      "[model]\nname = \"test\"\nn = {}\nlayers = 4\nheads = {}\nd = {}\nqk = {}\ndropout = {}\n{}\n"
      "[attention]\n{}\n[data]\nkind = \"text\"\npath = \"none\"\nbatch = {}\n"
      "[train]\nsteps = 10\nema = 0.99\n[sample]\nbatch = 2\n",
      c.n, c.heads, c.d, c.qk, c.dropout, width, attention, c.batch);
}

class Model : public ::testing::TestWithParam<ModelCase> {
protected:
  Model() {
    registerCompiler(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    spec.emplace(spec::Spec::parse(specText(GetParam()), "test.toml"));
  }

  /// The module with @gradient instead of @loss, for the interpreter.
  OwningOpRef<ModuleOp> differentiated() {
    auto module = buildModel(context, *spec);
    PassManager pm(&context, ModuleOp::getOperationName());
    if (failed(parsePassPipeline("drawloom-differentiate", pm)) || failed(pm.run(*module)))
      ADD_FAILURE() << "differentiate failed";
    return module;
  }

  std::unique_ptr<Program> compile(const std::string &recompute) {
    auto module = buildModel(context, *spec);
    CompileOptions options;
    options.recompute = recompute;
    auto bytes = compileToArtifact(*module, options);
    if (failed(bytes)) {
      ADD_FAILURE() << "compilation failed";
      return nullptr;
    }
    return Program::fromBytes(std::move(*bytes), {.threads = 2});
  }

  /// Fills parameters and io buffers with a function of `seed`; every parameter is random, so that no
  /// gradient is zero.
  void fill(Program &p, unsigned seed) {
    std::mt19937 rng(seed);
    std::normal_distribution<float> normal;
    for (const ParameterRef &r : p.parameters())
      for (size_t k = 0; k < r.value.size(); ++k) {
        bool scale = r.name.ends_with("weight") && r.shape.size() == 1;
        r.value[k] = scale ? 1 + 0.2f * normal(rng) : 0.15f * normal(rng);
      }
    for (int32_t &t : p.view<int32_t>(drawloom::abi::io::kTokens)) t = int32_t(rng() % 257);
    for (int32_t &t : p.view<int32_t>(drawloom::abi::io::kTargets)) t = int32_t(rng() % 256);
    auto weights = p.view<float>(drawloom::abi::io::kLossWeights);
    for (float &w : weights) w = 1.0f / float(weights.size());
    auto key = p.view<int64_t>(drawloom::abi::io::kRng);
    key[0] = 1234567890123, key[1] = 42;
    auto hyper = p.view<float>(drawloom::abi::io::kHyper);
    hyper[drawloom::abi::kLearningRate] = 0.01f, hyper[drawloom::abi::kBeta1] = 0.9f,
    hyper[drawloom::abi::kBeta2] = 0.999f, hyper[drawloom::abi::kEpsilon] = 1e-8f;
    hyper[drawloom::abi::kWeightDecay] = 0.01f, hyper[drawloom::abi::kBiasCorrection1] = 0.1f,
    hyper[drawloom::abi::kBiasCorrection2] = 0.001f;
    hyper[drawloom::abi::kClipNorm] = 0.5f, hyper[drawloom::abi::kGradScale] = 1,
    hyper[drawloom::abi::kEmaDecay] = 0.99f;
  }

  static Tensor toTensor(const BufferRef &b) {
    std::vector<int64_t> shape(b.shape.begin(), b.shape.end());
    int64_t count = 1;
    for (int64_t e : shape) count *= e;
    auto copy = [&]<class T, class To>(const T *from, std::vector<To>) {
      return std::vector<To>(from, from + count);
    };
    switch (b.dtype) {
    case plan::DType::I32:
      return Tensor::ofIntegers(shape, copy((const int32_t *)b.data, std::vector<int64_t>()));
    case plan::DType::I64:
      return Tensor::ofIntegers(shape, copy((const int64_t *)b.data, std::vector<int64_t>()));
    default: return Tensor::of(shape, copy((const float *)b.data, std::vector<double>()));
    }
  }

  /// Arguments of an interpreted function, read from the program's buffers of the same names.
  std::vector<Tensor> arguments(ModuleOp module, StringRef function, Program &p) {
    std::vector<Tensor> args;
    auto f = module.lookupSymbol<func::FuncOp>(function);
    for (unsigned k = 0; k < f.getNumArguments(); ++k)
      args.push_back(toTensor(p.buffer(f.getArgAttrOfType<StringAttr>(k, kNameAttr).str())));
    return args;
  }

  /// Runs `function` by the interpreter on the program's present buffers, then by the program, and compares
  /// every result.
  void compareFunction(ModuleOp module, Program &p, StringRef function, double tolerance) {
    auto expected = Interpreter(module).run(function, arguments(module, function, p));
    ASSERT_TRUE(succeeded(expected));
    p.run(function.str());
    auto f = module.lookupSymbol<func::FuncOp>(function);
    ASSERT_EQ(expected->size(), f.getNumResults());
    for (unsigned k = 0; k < f.getNumResults(); ++k) {
      std::string name = f.getResultAttrOfType<StringAttr>(k, kNameAttr).str();
      EXPECT_LE(relativeError(toTensor(p.buffer(name)), (*expected)[k]), tolerance)
          << function.str() << " " << name;
    }
  }

  DialectRegistry registry;
  MLIRContext context;
  std::optional<spec::Spec> spec;
};

TEST_P(Model, GradientsAgreeWithFloat64) {
  auto program = compile("none");
  auto reference = differentiated();
  fill(*program, 1);
  compareFunction(*reference, *program, "gradient", 1e-5);
}

TEST_P(Model, AccumulatedGradientsAgreeWithFloat64) {
  auto program = compile("block");
  auto reference = differentiated();
  fill(*program, 2);
  program->run("gradient");
  for (int32_t &t : program->view<int32_t>(drawloom::abi::io::kTokens))
    t = (t + 3) % 257; // another micro-batch on top of the first
  compareFunction(*reference, *program, "gradient", 1e-5);
}

TEST_P(Model, UpdateAgreesWithFloat64AndZeroesGradients) {
  auto program = compile("attention");
  auto reference = differentiated();
  fill(*program, 3);
  program->run("gradient");
  compareFunction(*reference, *program, "update", 1e-5);
  for (const ParameterRef &r : program->parameters())
    for (float g : r.gradient) ASSERT_EQ(g, 0.0f) << r.name;
}

TEST_P(Model, ANonFiniteGradientChangesNothing) {
  auto program = compile("none");
  fill(*program, 4);
  program->run("gradient");
  program->parameters()[3].gradient[1] = NAN;
  std::vector<std::vector<float>> before;
  for (const ParameterRef &r : program->parameters())
    for (auto s : {r.value, r.moment1, r.moment2, r.ema}) before.emplace_back(s.begin(), s.end());
  program->run("update");
  EXPECT_FALSE(std::isfinite(program->view<float>(drawloom::abi::io::kGradNorm)[0]));
  size_t k = 0;
  for (const ParameterRef &r : program->parameters())
    for (auto s : {r.value, r.moment1, r.moment2, r.ema})
      EXPECT_TRUE(std::equal(s.begin(), s.end(), before[k++].begin())) << r.name;
  EXPECT_TRUE(std::isnan(program->parameters()[3].gradient[1]))
      << "the broken gradient has to stay to be found";
}

TEST_P(Model, RecomputeModesGiveTheSameBits) {
  std::vector<std::vector<float>> first;
  uint64_t none = 0;
  for (const char *mode : {"none", "elementwise", "attention", "block", "all"}) {
    auto program = compile(mode);
    fill(*program, 5);
    program->run("gradient");
    uint64_t bytes = program->arenaBytes(plan::Arena::Activations);
    if (none) {
      EXPECT_LT(bytes, none) << mode << " needs less memory than none";
    } else
      none = bytes;
    std::vector<std::vector<float>> all;
    for (const ParameterRef &r : program->parameters())
      all.emplace_back(r.gradient.begin(), r.gradient.end());
    if (first.empty()) first = all;
    for (size_t k = 0; k < all.size(); ++k)
      EXPECT_EQ(0, std::memcmp(all[k].data(), first[k].data(), all[k].size() * 4))
          << mode << " " << program->parameters()[k].name;
  }
}

TEST_P(Model, EvaluationAgreesWithFloat64) {
  auto program = compile("none");
  auto reference = differentiated();
  fill(*program, 6);
  compareFunction(*reference, *program, "evaluate", 1e-5);
}

TEST_P(Model, DecodingGivesTheTeacherForcedLogits) {
  auto program = compile("none");
  fill(*program, 7);
  auto tokens = program->view<int32_t>(drawloom::abi::io::kTokens),
       targets = program->view<int32_t>(drawloom::abi::io::kTargets);
  program->run("evaluate");
  std::vector<float> nll(program->view<float>(drawloom::abi::io::kNll).begin(),
                         program->view<float>(drawloom::abi::io::kNll).end());
  int64_t n = GetParam().n, rows = program->view<int32_t>(drawloom::abi::io::kToken).size();
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t s = 0; s < rows; ++s)
      program->view<int32_t>(drawloom::abi::io::kToken)[s] = tokens[i]; // every row decodes the first window
    program->view<int64_t>(drawloom::abi::io::kPosition)[0] = i;
    program->run("decode");
    auto logits = program->view<float>(drawloom::abi::io::kLogits);
    for (int64_t s = 0; s < rows; ++s) {
      double sum = 0;
      for (int64_t v = 0; v < 256; ++v) sum += std::exp(double(logits[s * 256 + v]));
      double decoded = std::log(sum) - logits[s * 256 + targets[i]];
      ASSERT_NEAR(decoded, nll[i], 2e-5 * std::max(1.0, std::abs(decoded)))
          << "position " << i << " row " << s;
    }
  }
}

TEST_P(Model, GradientsAgreeWithCentralDifferencesInFloat64) {
  auto program = compile("none"); // only for buffers to read arguments from
  auto graph = buildModel(context, *spec);
  auto reference = differentiated();
  fill(*program, 8);
  auto gradients = Interpreter(*reference).run("gradient", arguments(*reference, "gradient", *program));
  ASSERT_TRUE(succeeded(gradients));
  auto args = arguments(*graph, "loss", *program);
  auto f = graph->lookupSymbol<func::FuncOp>("loss");
  std::map<std::string, Tensor> byName; // of the gradients
  auto g = reference->lookupSymbol<func::FuncOp>("gradient");
  for (unsigned k = 0; k < g.getNumResults(); ++k)
    byName[g.getResultAttrOfType<StringAttr>(k, kNameAttr).str()] = (*gradients)[k];

  // One random direction through all parameters at once: <gradient, v> against the difference of the
  // objective.
  std::vector<Tensor> direction;
  double inner = 0;
  for (unsigned k = 0; k < args.size(); ++k) {
    std::string name = f.getArgAttrOfType<StringAttr>(k, kNameAttr).str();
    auto it = byName.find(name + ".grad");
    direction.push_back(it == byName.end() ? Tensor() : Tensor::random(args[k].shape, 100 + k));
    if (it != byName.end())
      for (int64_t e = 0; e < args[k].size(); ++e) inner += it->second.values[e] * direction[k].values[e];
  }
  auto objective = [&](double step) {
    auto moved = args;
    for (unsigned k = 0; k < args.size(); ++k)
      for (size_t e = 0; e < direction[k].values.size(); ++e)
        moved[k].values[e] += step * direction[k].values[e];
    auto nll = Interpreter(*graph).run("loss", moved);
    double sum = 0;
    for (double x : (*nll)[0].values) sum += x;
    return sum / double((*nll)[0].size());
  };
  double h = 1e-5, difference = (objective(h) - objective(-h)) / (2 * h);
  EXPECT_NEAR(inner, difference, 1e-6 * std::max(1.0, std::abs(difference)));
  EXPECT_GT(std::abs(difference), 1e-3) << "the direction must matter";
}

INSTANTIATE_TEST_SUITE_P(Models, Model, ::testing::ValuesIn(kCases),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace
