// Matrix products through cuBLASLt, played by FakeCuda: the mapping of row-major products, the choice of
// algorithms and its cache.
#include "runtime/cuda/Products.h"
#include "runtime/support/Error.h"
#include "runtime/support/File.h"
#include "test/cuda/FakeCuda.h"
#include "test/runtime/TestArtifact.h"
#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>

namespace drawloom::test {
namespace {
using namespace cuda;

struct Matrix {
  Matrix(const Driver &driver, uint64_t count) : memory(driver, count * sizeof(float)), count(count) {}
  float &operator[](uint64_t i) {
    return reinterpret_cast<float *>(memory.address())[i];
  } // the fake's is the host's
  DeviceBuffer memory;
  uint64_t count;
};

ProductShape shapeOf(bool transA, bool transB) {
  ProductShape s{.transA = transA, .transB = transB};
  s.m = 3, s.n = 4, s.k = 5;
  s.lda = 7, s.ldb = 6, s.ldc = 9; // rows lie apart
  return s;
}

TEST(Products, EveryTranspositionIsTheRowMajorProduct) {
  FakeCuda fake;
  Card card(fake.driver());
  Products products(card, fake.blasLt(), "");
  for (bool transA : {false, true})
    for (bool transB : {false, true})
      for (float beta : {0.0f, 1.0f}) {
        ProductShape s = shapeOf(transA, transB);
        s.accumulate = beta != 0;
        Matrix a(fake.driver(), 5 * s.lda), b(fake.driver(), 5 * s.ldb), c(fake.driver(), 3 * s.ldc);
        for (uint64_t i = 0; i < a.count; ++i) a[i] = float(i % 11) - 5;
        for (uint64_t i = 0; i < b.count; ++i) b[i] = float(i % 7) - 3;
        Product p = products.prepare(s, a.memory.address(), b.memory.address(), c.memory.address(), 2, beta);
        for (uint64_t i = 0; i < c.count; ++i) c[i] = 100 + float(i);
        products.run(p);
        for (uint64_t i = 0; i < 3; ++i)
          for (uint64_t j = 0; j < s.ldc; ++j) {
            float expected = j < 4 ? beta * float(100 + i * s.ldc + j) : float(100 + i * s.ldc + j);
            for (uint64_t l = 0; l < 5 && j < 4; ++l)
              expected +=
                  2 * a[transA ? l * s.lda + i : i * s.lda + l] * b[transB ? j * s.ldb + l : l * s.ldb + j];
            ASSERT_EQ(c[i * s.ldc + j], expected) << transA << transB << beta << " at " << i << ", " << j;
          }
      }
}

TEST(Products, ABiasIsAddedToEveryRowAndEqualProductsHaveTheirOwn) {
  FakeCuda fake;
  Card card(fake.driver());
  Products products(card, fake.blasLt(), "");
  ProductShape s = shapeOf(false, true);
  s.bias = true;
  Matrix a(fake.driver(), 5 * s.lda), b(fake.driver(), 5 * s.ldb), c(fake.driver(), 3 * s.ldc);
  Matrix first(fake.driver(), 4), second(fake.driver(), 4);
  for (uint64_t i = 0; i < a.count; ++i) a[i] = b[i % b.count] = 1;
  for (uint64_t j = 0; j < 4; ++j) first[j] = float(j), second[j] = float(10 * j);
  auto prepare = [&](Matrix &bias) {
    return products.prepare(s, a.memory.address(), b.memory.address(), c.memory.address(), 1, 0,
                            bias.memory.address());
  };
  Product p = prepare(first), q = prepare(second);
  for (auto &[product, step] : {std::pair(q, 10), {p, 1}}) {
    products.run(product);
    for (uint64_t i = 0; i < 3; ++i)
      for (uint64_t j = 0; j < 4; ++j) EXPECT_EQ(c[i * s.ldc + j], 5 + float(uint64_t(step) * j));
  }
}

TEST(Products, TheTuningCacheTellsAProductWithABiasApart) {
  ProductShape s = shapeOf(false, true), with = s;
  with.bias = true;
  EXPECT_EQ(with.text(), s.text() + " bias");
}

class Tuning : public testing::Test {
protected:
  Product prepare(Products &products, const ProductShape &s) {
    return products.prepare(s, a.memory.address(), b.memory.address(), c.memory.address(), 1, 0);
  }
  int runsOf(int algorithm) { return fake.calls["matmul " + std::to_string(algorithm)]; }

  FakeCuda fake;
  Card card{fake.driver()};
  Matrix a{fake.driver(), 64}, b{fake.driver(), 64}, c{fake.driver(), 64};
  TemporaryFolder folder;
};

TEST_F(Tuning, TakesTheFastestProposal) {
  Products products(card, fake.blasLt(), "");
  Product p = prepare(products, shapeOf(false, true));
  EXPECT_EQ(products.measured(), 1);
  fake.calls.erase("matmul 2");
  products.run(p);
  EXPECT_EQ(runsOf(2), 1);
}

TEST_F(Tuning, KeepsTheLibrarysFirstChoiceWithoutAClearReason) {
  fake.fastest = -1; // all take the same time
  Products products(card, fake.blasLt(), "");
  Product p = prepare(products, shapeOf(false, true));
  int before = runsOf(0);
  products.run(p);
  EXPECT_EQ(runsOf(0), before + 1);
}

TEST_F(Tuning, MeasuresEqualProductsOnce) {
  Products products(card, fake.blasLt(), "");
  prepare(products, shapeOf(false, true));
  prepare(products, shapeOf(false, true));
  EXPECT_EQ(products.measured(), 1);
  prepare(products, shapeOf(true, true));
  EXPECT_EQ(products.measured(), 2);
}

TEST_F(Tuning, RemembersFromRunToRun) {
  std::string path = folder / "deep/products.json";
  {
    Products products(card, fake.blasLt(), path);
    prepare(products, shapeOf(false, true));
    products.save();
  }
  fake.fastest = 1; // a measurement would choose another one now
  Products again(card, fake.blasLt(), path);
  Product p = prepare(again, shapeOf(false, true));
  EXPECT_EQ(again.measured(), 0);
  int before = runsOf(2);
  again.run(p);
  EXPECT_EQ(runsOf(2), before + 1);
}

TEST_F(Tuning, AnotherCardsChoicesDoNotCount) {
  std::string path = folder / "products.json";
  {
    Products products(card, fake.blasLt(), path);
    prepare(products, shapeOf(false, true));
    products.save();
  }
  fake.name = "Other Card";
  Card other(fake.driver());
  Products products(other, fake.blasLt(), path);
  prepare(products, shapeOf(false, true));
  EXPECT_EQ(products.measured(), 1);
  products.save(); // beside the first card's
  Products first(card, fake.blasLt(), path);
  prepare(first, shapeOf(false, true));
  EXPECT_EQ(first.measured(), 0);
}

TEST_F(Tuning, AChoiceThatTheLibraryRefusesIsMeasuredAgain) {
  std::string path = folder / "products.json";
  {
    Products products(card, fake.blasLt(), path);
    prepare(products, shapeOf(false, true));
    products.save();
  }
  fake.proposals = 2; // algorithm 2 is gone
  Products products(card, fake.blasLt(), path);
  prepare(products, shapeOf(false, true));
  EXPECT_EQ(products.measured(), 1);
}

TEST_F(Tuning, ADamagedCacheCountsAsEmpty) {
  std::string path = folder / "products.json";
  for (const char *content : {"", "{", "[]", R"({"products": {"x": ["a"]}})", R"({"products": 7})"}) {
    writeFileAtomically(path, std::string_view(content));
    Products products(card, fake.blasLt(), path);
    prepare(products, shapeOf(false, true));
    EXPECT_EQ(products.measured(), 1) << content;
  }
}

TEST_F(Tuning, ACacheThatCannotBeWrittenIsNoError) {
  writeFileAtomically(folder / "file", std::string_view("x"));
  Products products(card, fake.blasLt(), folder / "file/products.json");
  prepare(products, shapeOf(false, true));
  products.save();
}

TEST_F(Tuning, TypesThatTheLibraryDoesNotMultiplyAreBadInput) {
  Products products(card, fake.blasLt(), "");
  ProductShape s = shapeOf(false, false);
  s.a = plan::DType::BF16;
  try {
    prepare(products, s);
    FAIL() << "no error";
  } catch (const Error &e) {
    EXPECT_EQ(e.exitCode, kBadInput);
    EXPECT_NE(std::string(e.what()).find("bf16 f32 f32 nn 3x4x5"), std::string::npos) << e.what();
  }
}

TEST(TuningCachePath, FollowsTheXdgVariable) {
  ::setenv("XDG_CACHE_HOME", "/elsewhere", 1);
  EXPECT_EQ(TuningCache::defaultPath(), "/elsewhere/drawloom/products.json");
  ::unsetenv("XDG_CACHE_HOME");
  ::setenv("HOME", "/home/weaver", 1);
  EXPECT_EQ(TuningCache::defaultPath(), "/home/weaver/.cache/drawloom/products.json");
}

TEST(BlasLtSearch, AVariableNamesTheOnlyCandidate) {
  ::setenv("DRAWLOOM_CUBLASLT", "/opt/libcublasLt.so.13", 1);
  EXPECT_EQ(blasLtCandidates(), (std::vector<std::string>{"/opt/libcublasLt.so.13"}));
  ::unsetenv("DRAWLOOM_CUBLASLT");
  EXPECT_EQ(blasLtCandidates()[0], "libcublasLt.so.13"); // where the loader looks
}

TEST(BlasLtSearch, FindsPythonsPackages) {
  TemporaryFolder folder;
  std::string lib = folder / "lib/python3.12/site-packages/nvidia/cu13/lib";
  std::filesystem::create_directories(lib);
  writeFileAtomically(lib + "/libcublasLt.so.13", std::string_view("x"));
  ::setenv("VIRTUAL_ENV", folder.path.c_str(), 1);
  auto candidates = blasLtCandidates();
  ::unsetenv("VIRTUAL_ENV");
  EXPECT_NE(std::find(candidates.begin(), candidates.end(), lib + "/libcublasLt.so.13"), candidates.end());
}

} // namespace
} // namespace drawloom::test
