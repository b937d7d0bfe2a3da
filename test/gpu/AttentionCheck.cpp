// Attention, forward and backward, on the device against its definition in float64: every form, formulas,
// ragged and odd shapes, all element types.
#include "test/attention/Reference.h"
#include "test/codegen/OpHarness.h"
#include "test/gpu/OnHopper.h"
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

namespace drawloom::test {
namespace {

struct Case {
  Problem problem;
  const char *type = "f32"; ///< of q, k, v, out and their gradients
  float level = 0;          ///< what scores are about
  float rise = 0;           ///< by how much more those of the last key, in even steps from the first
};

plan::DType dtypeOf(const std::string &type) {
  return type == "f32" ? plan::DType::F32 : type == "bf16" ? plan::DType::BF16 : plan::DType::F16;
}

std::vector<float> randomValues(size_t size, std::mt19937 &generator, plan::DType type) {
  std::normal_distribution<float> normal;
  std::vector<float> values(size);
  for (float &x : values) x = float(roundTo(type, normal(generator)));
  return values;
}

/// Gives the scores of a key the same addend: the first channel of every query has one value.
void setLevel(const Case &c, std::vector<float> &q, std::vector<float> &k) {
  const Problem &p = c.problem;
  constexpr float ofQueries = 4;
  for (int64_t row = 0; row < p.batch * p.n * p.heads; ++row) {
    double addend = c.level + c.rise * double(row / p.heads % p.n) / double(p.n);
    q[size_t(row * p.dQk)] = ofQueries;
    k[size_t(row * p.dQk)] = float(roundTo(dtypeOf(c.type), addend / p.scale() / ofQueries));
  }
}

Tensor tensor(std::vector<int64_t> shape, const std::vector<float> &values) {
  return Tensor::of(shape, std::vector<double>(values.begin(), values.end()));
}

std::vector<float> floats(const Tensor &t) { return {t.values.begin(), t.values.end()}; }

double norm(const std::vector<double> &x) {
  double sum = 0;
  for (double v : x)
    if (std::isfinite(v)) sum += v * v;
  return std::sqrt(sum);
}

/// What a result may be off by: in f32 a fixed share of its norm, else twice what the same computation with
/// f32 softmax and 16-bit operands and results is off by. In dq and dk, terms of the size of those of dv
/// cancel (all of them in a row with one key): so rounding is judged on the scale of dv where that is larger.
double allowed(const std::vector<double> &exact, const std::vector<double> &rounded,
               const std::vector<double> &scale, bool isF32) {
  double size = std::max(norm(exact), norm(scale));
  if (isF32) return 2e-6 * size;
  double difference = 0;
  for (size_t i = 0; i < exact.size(); ++i)
    if (std::isfinite(exact[i])) difference += (exact[i] - rounded[i]) * (exact[i] - rounded[i]);
  return 2 * std::sqrt(difference) + 1e-4 * size;
}

void expectExact(const Case &c, const CompileOptions &options = {}) {
  const Problem &p = c.problem;
  SCOPED_TRACE(fmt::format("{} {} B={} n={} heads={} d={}/{} level={} rise={}", c.type, p.pattern, p.batch,
                           p.n, p.heads, p.dQk, p.dV, c.level, c.rise));
  plan::DType type = dtypeOf(c.type);
  std::mt19937 generator(unsigned(p.n * 31 + p.heads));
  auto q = randomValues(p.qSize(), generator, type), k = randomValues(p.qSize(), generator, type);
  auto v = randomValues(p.vSize(), generator, type), dout = randomValues(p.vSize(), generator, type);
  if (c.level != 0 || c.rise != 0) setLevel(c, q, k);
  auto run = DeviceRun::make(attentionModule(p, false, c.type), options);
  ASSERT_TRUE(run);
  std::vector<int64_t> qShape{p.batch, p.n, p.heads * p.dQk}, vShape{p.batch, p.n, p.heads * p.dV};
  run->put("arg0", tensor(qShape, q));
  run->put("arg1", tensor(qShape, k));
  run->put("arg2", tensor(vShape, v));
  run->put("arg3", tensor(vShape, dout));
  run->run("main");

  Reference exact = reference(p, q, k, v, dout);
  Reference rounded = type == plan::DType::F32
                          ? exact
                          : reference(p, q, k, v, dout, [&](double x) { return roundTo(type, x); });
  auto check = [&](const char *what, const std::string &name, const std::vector<double> &expected,
                   const std::vector<double> &inType, bool isF32) {
    std::vector<float> got = floats(run->get(name));
    double difference = 0;
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
      if (std::isinf(expected[i])) {
        ASSERT_EQ(double(got[i]), expected[i]) << what << " at " << i;
        continue;
      }
      difference += (got[i] - expected[i]) * (got[i] - expected[i]);
    }
    double size = what[0] == 'd' ? std::max(norm(expected), norm(exact.dv)) : norm(expected);
    noteError(std::string("attention ") + what, c.type,
              size > 0 ? std::sqrt(difference) / size : std::sqrt(difference));
    EXPECT_LE(std::sqrt(difference), allowed(expected, inType, what[0] == 'd' ? exact.dv : expected, isF32))
        << what << " of norm " << norm(expected);
  };
  bool isF32 = type == plan::DType::F32;
  check("out", "result0", exact.out, rounded.out, isF32);
  check("lse", "result1", exact.lse, exact.lse, true);
  check("dq", "result2", exact.dq, rounded.dq, isF32);
  check("dk", "result3", exact.dk, rounded.dk, isF32);
  check("dv", "result4", exact.dv, rounded.dv, isF32);

  std::vector<std::vector<std::byte>> first;
  for (int result = 0; result < 5; ++result) first.push_back(run->bits("result" + std::to_string(result)));
  const int kRuns = deviceName() == "cpu" ? 4 : 20;
  for (int again = 1; again < kRuns; ++again) {
    run->run("main");
    for (int result = 0; result < 5; ++result)
      EXPECT_EQ(run->bits("result" + std::to_string(result)), first[size_t(result)])
          << "result " << result << " has other bits in another run";
  }
}

std::vector<Case> cases(const char *type) {
  std::vector<Case> list;
  auto add = [&](const char *pattern, int64_t batch, int64_t n, int64_t heads, int64_t dQk, int64_t dV) {
    list.push_back({{pattern, batch, n, heads, dQk, dV}, type});
  };
  for (const char *form :
       {"local(1)", "local(16)", "local(128)", "column(3)", "column(16)", "column(48)", "column(128)",
        "block(48)", "block(128)", "summary(16, c=4)", "summary(48, c=3)", "summary(128, c=32)",
        "strided(16)", "strided(128)", "fixed(16, c=4)", "fixed(96, c=32)", "fixed(128, c=32)", "dense"})
    for (int64_t n : {1, 7, 129, 384}) add(form, n < 100 ? 2 : 1, n, 4, 64, 64);
  for (int64_t d = 16; d <= 256; d += 16) add("strided(32)", 1, 200, 2, d, d);
  for (auto [dQk, dV] : {std::pair<int64_t, int64_t>{64, 128},
                         {32, 16},
                         {128, 64},
                         {192, 192},
                         {16, 256},
                         {256, 16},
                         {96, 48}})
    for (const char *pattern : {"fixed(64, c=16)", "column(48)", "local(80)"})
      add(pattern, 2, 300, 3, dQk, dV);
  for (int64_t n : {2, 63, 64, 65, 127, 128, 130, 255, 257, 500})
    for (const char *pattern : {"fixed(128, c=32)", "strided(20)", "dense"}) add(pattern, 1, n, 3, 32, 32);
  for (const char *formula : {"i + j < 90", "j mod 7 == i mod 5", "i - j < 20 and (i + 2 * j) mod 3 != 0",
                              "heads(local(9), column(5))", "heads(dense, summary(20, c=5), i - j >= 30)",
                              "not (i - j < 33)", "i // 24 == j // 24 + 1"})
    add(formula, 2, 260, 3, 32, 32);
  for (const char *window : {"local(1)", "local(16)", "local(64)", "local(65)", "local(100)", "local(128)",
                             "local(129)", "local(256)", "local(300)"}) {
    add(window, 1, 1000, 2, 64, 64); // a window's segments end at other places than its tiles
    add(window, 2, 450, 3, 32, 32);
  }
  // Windows in which the last keys, the first queries, or both have no partner.
  for (const char *window :
       {"i - j >= 33 and i - j < 100", "j - i >= 5 and j - i < 70", "i - j >= 64 and i - j < 140"})
    for (int64_t n : {260, 449, 960}) add(window, 2, n, 3, 64, 64);
  for (auto [dQk, dV] : {std::pair<int64_t, int64_t>{64, 128}, {16, 16}, {48, 80}, {64, 32}})
    add("local(128)", 2, 1499, 3, dQk, dV);
  add("fixed(128, c=32)", 3, 1000, 5, 64, 64);
  add("fixed(48, c=16)", 2, 1000, 3, 48, 80);
  add("heads(fixed(64, c=16), local(48), fixed(96, c=32))", 2, 700, 6, 64, 64);
  add("strided(96)", 2, 1100, 1, 64, 128);
  add("strided(128)", 3, 1536, 2, 64, 64);     // the second piece goes through the batch backwards
  add("fixed(128, c=32)", 1, 2048, 8, 64, 64); // the paper's models, shorter
  add("column(96)", 1, 3072, 2, 64, 128);
  add("local(96)", 1, 3072, 2, 64, 128);
  add("column(128)", 1, 2560, 4, 32, 32);
  // Slices of three and four parts of 64 rows, whole and ragged, alone and as pieces that go on from others.
  for (const char *form : {"column(5)", "block(200)"})
    for (int64_t n : {645, 960, 1000, 1280}) add(form, 2, n, 2, 64, 64);
  for (auto [dQk, dV] :
       {std::pair<int64_t, int64_t>{16, 16}, {32, 32}, {64, 128}, {128, 64}, {128, 128}, {48, 80}})
    for (const char *form : {"column(7)", "block(256)", "strided(7)"}) add(form, 1, 1792, 2, dQk, dV);
  add("fixed(256, c=16)", 1, 1500, 3, 64, 64);
  // One view whose first queries meet no key and whose keys are few of all: whole blocks, ragged ones.
  add("summary(128, c=32)", 2, 1536, 5, 64, 64);
  add("summary(512, c=64)", 1, 2048, 3, 64, 64);
  add("summary(256, c=128)", 1, 1792, 2, 32, 64);
  add("summary(128, c=32)", 1, 1000, 4, 64, 64);
  add("j mod 64 >= 40 and i - j >= 100 and i - j < 900", 1, 1500, 2, 64, 64); // begins and ends within blocks
  // Of pieces with the same queries the first has one tile of keys each, or not.
  add("fixed(64, c=16)", 1, 1344, 3, 64, 64);
  add("fixed(192, c=32)", 1, 1500, 3, 64, 64);
  // Owners of keys that relay dQ: more of them than a card runs at once, ragged ends, odd numbers of query
  // tiles, several slices, keys that nobody meets, and rows that meet no key.
  add("dense", 1, 1100, 2, 64, 64);
  add("dense", 4, 512, 10, 64, 64);
  for (auto [dQk, dV] : {std::pair<int64_t, int64_t>{32, 32}, {32, 128}, {80, 64}})
    add("local(400)", 1, 700, 2, dQk, dV);
  for (const char *form :
       {"column(2)", "block(349)", "i - j >= 300", "j - i >= 70 and j - i < 600", "summary(32, c=16)"})
    add(form, 2, 835, 1, 64, 64);
  add("heads(column(4), column(6), block(130))", 1, 1024, 3, 64, 64);
  add("column(40)", 1, 40 * 256, 4, 64, 64); // more slices than blocks
  // Heads that share delta in part: pieces of other heads, and chains of two.
  add("heads(column(20), local(100), strided(60))", 2, 500, 3, 64, 64);
  // Log-sum-exps far below 0, where exp(-lse) of a row that does not count is large or infinite: slices,
  // windows, owners, chains.
  if (type != std::string("f32"))
    for (float level : {-14.0f, -110.0f})
      for (const char *form : {"column(48)", "column(5)", "block(100)", "local(128)", "local(600)",
                               "summary(48, c=12)", "strided(40)", "fixed(96, c=32)"})
        list.push_back({{form, 2, 1000, 2, 64, 64}, type, level});
  // Later tiles of keys with much greater scores than those before, a little greater, and smaller ones.
  if (type != std::string("f32"))
    for (float rise : {40.0f, 150.0f, 1000.0f, -150.0f})
      for (auto [form, d] : {std::pair<const char *, int64_t>{"dense", 64},
                             {"dense", 128},
                             {"column(2)", 64},
                             {"local(700)", 32},
                             {"summary(48, c=16)", 64},
                             {"fixed(96, c=32)", 64}})
        list.push_back({{form, 1, 1700, 3, d, d}, type, 0, rise});
  return list;
}

std::vector<Case> allCases() {
  std::vector<Case> list;
  for (const char *type : {"f32", "bf16", "f16"})
    for (Case &c : cases(type)) list.push_back(std::move(c));
  return list;
}

class Attention : public testing::TestWithParam<Case> {};

TEST_P(Attention, AgreesWithItsDefinition) {
  if (deviceName() == "cpu" && GetParam().type != std::string("f32"))
    GTEST_SKIP() << "the CPU computes in f32";
  expectExact(GetParam());
}
/// Letters and digits of what is attended to.
std::string nameOf(const Case &c) {
  const Problem &p = c.problem;
  std::string name =
      fmt::format("{}_{}_B{}_n{}_h{}_d{}_{}", c.type, p.pattern, p.batch, p.n, p.heads, p.dQk, p.dV);
  for (char &x : name)
    if (!isalnum(static_cast<unsigned char>(x))) x = '_';
  return name + (c.rise != 0 ? "_rising" : c.level != 0 ? "_low" : "");
}

INSTANTIATE_TEST_SUITE_P(Device, Attention, testing::ValuesIn(allCases()),
                         [](auto &info) { return fmt::format("{}_{}", info.index, nameOf(info.param)); });

/// What a tuning may choose: each cut of each kernel by itself.
class AttentionCuts : public OnHopper<Case> {};

TEST_P(AttentionCuts, AgreeWithTheDefinition) {
  auto module = parse(attentionModule(GetParam().problem, false, GetParam().type));
  CompileOptions options;
  options.target = deviceTarget(), options.stopAfter = "loops";
  options.tuning.emplace();
  CompileReport report;
  ASSERT_TRUE(succeeded(compileToArtifact(*module, options, &report)));
  ASSERT_FALSE(report.choices.empty());
  for (const KernelChoice &choice : report.choices)
    for (size_t k = 1; k < choice.cuts.size(); ++k) {
      SCOPED_TRACE(choice.problem + ": " + choice.cuts[k]);
      CompileOptions tuned;
      tuned.tuning = Tuning{{choice.problem, choice.cuts[k]}};
      expectExact(GetParam(), tuned);
    }
}
INSTANTIATE_TEST_SUITE_P(Device, AttentionCuts,
                         testing::Values(Case{{"dense", 1, 700, 2, 64, 64}, "bf16"},
                                         Case{{"dense", 1, 520, 2, 128, 128}, "f16"},
                                         Case{{"fixed(64, c=32)", 1, 1500, 2, 64, 64}, "bf16"},
                                         Case{{"summary(64, c=32)", 1, 1500, 2, 64, 64}, "f16"},
                                         Case{{"local(100)", 1, 700, 3, 32, 32}, "bf16"},
                                         Case{{"local(128)", 1, 600, 2, 64, 128}, "bf16"},
                                         Case{{"column(8)", 1, 700, 2, 64, 64}, "bf16"},
                                         Case{{"column(3)", 1, 600, 2, 64, 64}, "bf16"},
                                         Case{{"strided(48)", 2, 500, 2, 64, 64}, "f16"}),
                         [](auto &info) { return nameOf(info.param); });

} // namespace
} // namespace drawloom::test
