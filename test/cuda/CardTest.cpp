// On a real card: kernels, tensor maps, products of every type and transposition against float64, graphs, Io.
// Skipped where there is none.
#include "runtime/artifact/Verify.h"
#include "runtime/cuda/Noise.h"
#include "runtime/cuda/Products.h"
#include "runtime/program/Program.h"
#include "runtime/support/Error.h"
#include "test/cuda/CudaArtifact.h"
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <numeric>

namespace drawloom::test {
namespace {
using namespace cuda;

class OnCard : public testing::Test {
protected:
  void SetUp() override {
    std::string reason;
    if (!findMachineDriver(reason)) GTEST_SKIP() << reason;
    ::setenv("XDG_CACHE_HOME", folder.path.c_str(), 1);
  }
  std::unique_ptr<Program> load(Parts parts) { return Program::fromBytes(assemble(parts), {}, "test.loom"); }
  TemporaryFolder folder;
};

TEST_F(OnCard, KernelsGraphsAndIo) {
  auto program = load(cudaValid());
  for (int k = 0; k < 3; ++k) program->run("count");
  for (int64_t c : program->view<int64_t>("counts")) ASSERT_EQ(c, 9);
  program->view<int64_t>("counts")[5] = -100;
  program->run("count");
  EXPECT_EQ(program->view<int64_t>("counts")[5], -97);
  EXPECT_EQ(program->view<int64_t>("counts")[6], 12);
}

TEST_F(OnCard, ProductsOfAPlan) {
  auto program = load(cudaValid());
  auto x = program->view<float>("x"), y = program->view<float>("y");
  auto w = program->parameters()[0].value;
  std::iota(x.begin(), x.end(), 1.0f);
  std::iota(w.begin(), w.end(), -7.0f);
  program->upload(plan::Arena::Parameters);
  program->run("forward");
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 4; ++j) {
      float expected = 0;
      for (int l = 0; l < 8; ++l) expected += 2 * x[size_t(i * 8 + l)] * w[size_t(j * 8 + l)];
      EXPECT_EQ(y[size_t(i * 4 + j)], expected); // small integers: exact
    }
}

TEST_F(OnCard, ProductsOfTheCacheRunInAGraph) {
  load(cudaValid());
  EXPECT_TRUE(std::filesystem::exists(folder / "drawloom/products.json"));
  auto program = load(cudaValid());
  auto x = program->view<float>("x"), y = program->view<float>("y");
  auto w = program->parameters()[0].value;
  std::fill(x.begin(), x.end(), 1.0f);
  std::fill(w.begin(), w.end(), 2.0f);
  program->upload(plan::Arena::Parameters);
  for (int k = 0; k < 2; ++k) program->run("forward");
  for (float v : y) EXPECT_EQ(v, 32);
}

TEST_F(OnCard, ParametersMoveWhenTheyAreTold) {
  auto program = load(cudaValid());
  auto w = program->parameters()[0].value;
  std::fill(w.begin(), w.end(), 8.0f);
  program->upload(plan::Arena::Parameters);
  program->run("step");
  EXPECT_EQ(w[31], 8);
  program->download(plan::Arena::Parameters);
  EXPECT_EQ(w[31], 12);
  program->clear(plan::Arena::Parameters);
  program->download(plan::Arena::Parameters);
  EXPECT_EQ(w[31], 0);
}

TEST_F(OnCard, TensorMapsReadTiles) {
  Card card(machineDriver());
  if (targetOf(card.facts) != "sm_90a")
    GTEST_SKIP() << card.facts.name << " has no tensor memory accelerator";
  auto program = load(withTensorMap());
  auto matrix = program->view<float>("matrix"), tiles = program->view<float>("tiles");
  std::iota(matrix.begin(), matrix.end(), 1.0f);
  program->upload(plan::Arena::State);
  program->run("tiles");
  program->download(plan::Arena::State);
  for (size_t t = 0; t < 3; ++t)
    for (size_t r = 0; r < 8; ++r)
      for (size_t c = 0; c < 32; ++c)
        ASSERT_EQ(tiles[(t * 8 + r) * 32 + c], t * 8 + r < 20 ? matrix[(t * 8 + r) * 40 + c] : 0)
            << t << ' ' << r << ' ' << c;
}

TEST_F(OnCard, ProfilingTimesCommands) {
  auto program = load(cudaValid());
  program->setProfiling(true);
  program->run("forward");
  program->run("forward");
  for (auto &t : program->timings("forward")) {
    EXPECT_EQ(t.calls, 2u);
    EXPECT_GT(t.lastNanoseconds, 0u) << t.action;
    EXPECT_LT(t.lastNanoseconds, 1000000000u) << t.action;
  }
  program->setProfiling(false);
  EXPECT_GT(program->measure("count"), 0);
  EXPECT_LT(program->measure("count"), 1);
}

TEST_F(OnCard, PtxWithAMistakeIsBadInputWithTheDriversLog) {
  Parts parts = cudaValid();
  parts.code =
      bytesOf(".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry add() { nonsense; }\n");
  try {
    load(std::move(parts));
    FAIL() << "no error";
  } catch (const Error &e) {
    EXPECT_EQ(e.exitCode, kBadInput);
    EXPECT_NE(std::string(e.what()).find("line 4"), std::string::npos) << e.what();
  }
}

TEST_F(OnCard, MeasuresTheRateOfDenseProducts) {
  auto program = load(cudaValid());
  double rate = program->denseGflops(); // fp32
  EXPECT_GT(rate, 1e3);
  EXPECT_LT(rate, 1e6);
}

// A failure on the card is final for its process.
TEST_F(OnCard, AFailureNamesItsCommand) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  auto fails = [&] {
    ::setenv("DRAWLOOM_STEPWISE", "1", 1);
    Parts parts = cudaValid();
    parts.plan.kernels[0]->name = "trap";
    try {
      load(std::move(parts))->run("count");
    } catch (const Error &e) {
      fmt::print(stderr, "{}\n", e.what());
      std::_Exit(7);
    }
    std::_Exit(0);
  };
  EXPECT_EXIT(fails(), testing::ExitedWithCode(7), "command 0 of 'count' .count.: .*ILLEGAL_ADDRESS");
}

//===-- products ---------------------------------------------------------------------------------===//

float fromBits(uint16_t bits, plan::DType type) {
  if (type == plan::DType::F16) {
    _Float16 h;
    return std::memcpy(&h, &bits, 2), float(h);
  }
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  return std::memcpy(&value, &wide, 4), value;
}

/// A matrix on both sides: the card's elements, and the same numbers as floats.
struct Matrix {
  Matrix(const Card &card, plan::DType type, uint64_t count, uint64_t seed)
      : card(card), type(type), elements(noise(type, count, seed)), values(floats(elements)),
        memory(card.driver, elements.size()) {
    put();
  }
  void put() const {
    check(card.driver,
          card.driver.memcpyHtoDAsync(memory.address(), elements.data(), elements.size(), card.stream),
          "put");
    card.synchronize();
  }
  std::vector<float> get() const {
    std::vector<std::byte> out(elements.size());
    check(card.driver, card.driver.memcpyDtoHAsync(out.data(), memory.address(), out.size(), card.stream),
          "get");
    card.synchronize();
    return floats(out);
  }
  std::vector<float> floats(const std::vector<std::byte> &from) const {
    std::vector<float> out(from.size() / elementBytes(type));
    for (size_t k = 0; k < out.size(); ++k) {
      uint16_t half;
      if (type == plan::DType::F32)
        std::memcpy(&out[k], from.data() + 4 * k, 4);
      else
        out[k] = (std::memcpy(&half, from.data() + 2 * k, 2), fromBits(half, type));
    }
    return out;
  }

  const Card &card;
  plan::DType type;
  std::vector<std::byte> elements;
  std::vector<float> values;
  DeviceBuffer memory;
};

/// Largest error of C relative to the sum of absolute products, over all elements.
double errorOf(const ProductShape &s, const Matrix &a, const Matrix &b, const std::vector<float> &before,
               const std::vector<float> &after, float alpha, float beta) {
  double worst = 0;
  for (uint64_t i = 0; i < s.m; ++i)
    for (uint64_t j = 0; j < s.n; ++j) {
      double sum = 0, size = 0;
      for (uint64_t l = 0; l < s.k; ++l) {
        double product = double(a.values[s.transA ? l * s.lda + i : i * s.lda + l]) *
                         double(b.values[s.transB ? j * s.ldb + l : l * s.ldb + j]);
        sum += product, size += std::abs(product);
      }
      double wanted = double(alpha) * sum + double(beta) * double(before[i * s.ldc + j]);
      size = double(alpha) * size + std::abs(double(beta) * double(before[i * s.ldc + j]));
      worst = std::max(worst, std::abs(double(after[i * s.ldc + j]) - wanted) / size);
    }
  return worst;
}

struct Types {
  plan::DType factor, result;
};

class CardProducts : public OnCard, public testing::WithParamInterface<Types> {};

TEST_P(CardProducts, MatchFloat64InEveryTransposition) {
  Card card(machineDriver());
  std::string reason;
  if (!findMachineBlasLt(reason)) GTEST_SKIP() << reason;
  Products products(card, machineBlasLt(), "");
  auto [factor, result] = GetParam();
  double unit = result == plan::DType::F32 ? 2e-6 : result == plan::DType::F16 ? 0x1p-10 : 0x1p-7;
  struct Extents {
    uint64_t m, n, k, pad;
  };
  for (auto [m, n, k, pad] : {Extents{64, 96, 128, 0}, {17, 24, 40, 8}, {5, 3, 7, 0}, {128, 1, 33, 1}})
    for (bool transA : {false, true})
      for (bool transB : {false, true})
        for (float beta : {0.0f, 1.0f}) {
          ProductShape s{.a = factor, .b = factor, .c = result, .transA = transA, .transB = transB};
          s.m = m, s.n = n, s.k = k, s.accumulate = beta != 0;
          s.lda = (transA ? m : k) + pad, s.ldb = (transB ? k : n) + pad, s.ldc = n + pad;
          Matrix a(card, factor, (transA ? k : m) * s.lda, 1), b(card, factor, (transB ? n : k) * s.ldb, 2),
              c(card, result, m * s.ldc, 3);
          Product p =
              products.prepare(s, a.memory.address(), b.memory.address(), c.memory.address(), 0.5f, beta);
          c.put(); // choosing an algorithm writes C
          auto before = c.get();
          products.run(p);
          auto after = c.get();
          EXPECT_LE(errorOf(s, a, b, before, after, 0.5f, beta), unit) << s.text();
          for (uint64_t i = 0; i < m; ++i) // what lies between rows stays
            for (uint64_t j = n; j < s.ldc; ++j)
              ASSERT_EQ(after[i * s.ldc + j], before[i * s.ldc + j]) << s.text();
        }
}

TEST_P(CardProducts, HaveTheSameBitsFromRunToRun) {
  Card card(machineDriver());
  std::string reason;
  if (!findMachineBlasLt(reason)) GTEST_SKIP() << reason;
  Products products(card, machineBlasLt(), "");
  auto [factor, result] = GetParam();
  ProductShape s{.a = factor, .b = factor, .c = result, .transA = true}; // a weight gradient: long sums
  s.m = 256, s.n = 192, s.k = 8192;
  s.lda = s.m, s.ldb = s.n, s.ldc = s.n;
  Matrix a(card, factor, s.k * s.lda, 1), b(card, factor, s.k * s.ldb, 2), c(card, result, s.m * s.ldc, 3);
  Product p = products.prepare(s, a.memory.address(), b.memory.address(), c.memory.address(), 1, 0);
  products.run(p);
  auto first = c.get();
  for (int k = 0; k < 20; ++k) {
    products.run(p);
    auto again = c.get();
    ASSERT_EQ(std::memcmp(first.data(), again.data(), first.size() * sizeof(float)), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, CardProducts,
                         testing::Values(Types{plan::DType::F32, plan::DType::F32},
                                         Types{plan::DType::BF16, plan::DType::BF16},
                                         Types{plan::DType::BF16, plan::DType::F32},
                                         Types{plan::DType::F16, plan::DType::F16},
                                         Types{plan::DType::F16, plan::DType::F32}),
                         [](auto &info) {
                           return std::string(plan::EnumNameDType(info.param.factor)) + "To" +
                                  plan::EnumNameDType(info.param.result);
                         });

} // namespace
} // namespace drawloom::test
