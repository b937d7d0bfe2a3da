// Accuracy of exp, log and sigmoid in units in the last place, over their whole range, and their limits.
#include "passes/rows/VectorMath.h"
#include "codegen/CompileKernels.h"
#include "runtime/abi/Abi.h"
#include "test/codegen/OpHarness.h"
#include <cmath>
#include <cstring>
#include <sys/mman.h>

using namespace mlir;

namespace drawloom::test {
namespace {

using Function = Value (*)(OpBuilder &, Location, Value);
constexpr int64_t kCount = 4096;

/// Applies `function` to vectors of 16 elements of x.
std::vector<float> evaluate(Function function, const std::vector<float> &x) {
  Location loc = UnknownLoc::get(&context());
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(loc);
  OpBuilder b = OpBuilder::atBlockEnd(kernels->getBody());
  auto memref = MemRefType::get({kCount}, b.getF32Type());
  auto kernel = func::FuncOp::create(
      b, loc, "k", b.getFunctionType({memref, memref, b.getIndexType(), b.getIndexType()}, {}));
  b.setInsertionPointToStart(kernel.addEntryBlock());
  Value step = arith::ConstantIndexOp::create(b, loc, 16);
  auto loop = scf::ForOp::create(b, loc, kernel.getArgument(2), kernel.getArgument(3), step);
  func::ReturnOp::create(b, loc);
  b.setInsertionPointToStart(loop.getBody());
  auto type = VectorType::get({16}, b.getF32Type());
  Value in = vector::LoadOp::create(b, loc, type, kernel.getArgument(0), loop.getInductionVar());
  vector::StoreOp::create(b, loc, function(b, loc, in), kernel.getArgument(1), loop.getInductionVar());

  auto compiled = compileKernels(*kernels, Target::native(), 2, 1, true);
  EXPECT_TRUE(succeeded(compiled));
  size_t bytes = compiled->image.size();
  void *code = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::memcpy(code, compiled->image.data(), bytes);
  mprotect(code, bytes, PROT_READ | PROT_EXEC);
  auto run = reinterpret_cast<abi::KernelFn>(static_cast<std::byte *>(code) + compiled->kernels[0].entry);
  std::vector<float> result;
  for (size_t first = 0; first < x.size(); first += kCount) {
    std::vector<float> block(kCount), out(kCount);
    std::copy_n(x.begin() + first, std::min<size_t>(kCount, x.size() - first), block.begin());
    void *places[] = {block.data(), out.data()};
    run(places, nullptr, 0, kCount);
    result.insert(result.end(), out.begin(), out.end());
  }
  result.resize(x.size());
  munmap(code, bytes);
  return result;
}

double ulp(double value) {
  float magnitude = std::max(float(std::fabs(value)), 0x1p-126f);
  return double(std::nextafter(magnitude, INFINITY)) - double(magnitude);
}

/// The largest error over `x`, in ulps of the exact result.
double worst(Function function, double (*exact)(double), const std::vector<float> &x) {
  std::vector<float> y = evaluate(function, x);
  double most = 0;
  for (size_t i = 0; i < x.size(); ++i)
    most = std::max(most, std::fabs(double(y[i]) - exact(x[i])) / ulp(exact(x[i])));
  return most;
}

std::vector<float> linear(double from, double to) {
  std::vector<float> x;
  for (int i = 0; i <= 1000000; ++i) x.push_back(float(from + (to - from) * i / 1000000));
  return x;
}

/// Every exponent of f32, many mantissas.
std::vector<float> logarithmic() {
  std::vector<float> x;
  for (uint32_t bits = 1; bits < 0x7F800000u; bits += 3001) {
    float value;
    std::memcpy(&value, &bits, 4);
    x.push_back(value);
  }
  return x;
}

double exactExp2(double x) { return std::exp2(x); }
double exactExp(double x) { return std::exp(x); }
double exactLog2(double x) { return std::log2(x); }
double exactLog(double x) { return std::log(x); }
double exactSigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST(VectorMath, Exp2IsAccurate) { EXPECT_LE(worst(vecmath::exp2, exactExp2, linear(-125.9, 127.4)), 1.5); }
TEST(VectorMath, ExpIsAccurate) { EXPECT_LE(worst(vecmath::exp, exactExp, linear(-87.2, 88.3)), 1.5); }
TEST(VectorMath, Log2IsAccurate) { EXPECT_LE(worst(vecmath::log2, exactLog2, logarithmic()), 2.0); }
TEST(VectorMath, Log2IsAccurateNearOne) { EXPECT_LE(worst(vecmath::log2, exactLog2, linear(0.6, 1.6)), 2.0); }
TEST(VectorMath, LogIsAccurate) { EXPECT_LE(worst(vecmath::log, exactLog, logarithmic()), 1.5); }
TEST(VectorMath, LogIsAccurateNearOne) { EXPECT_LE(worst(vecmath::log, exactLog, linear(0.6, 1.6)), 1.5); }
TEST(VectorMath, SigmoidIsAccurate) {
  EXPECT_LE(worst(vecmath::sigmoid, exactSigmoid, linear(-80, 30)), 3.0);
}

TEST(VectorMath, Limits) {
  float inf = INFINITY, nan = NAN;
  std::vector<float> x = {0, inf, -inf, nan, 300, -300};
  auto exp2 = evaluate(vecmath::exp2, x), exp = evaluate(vecmath::exp, x);
  for (auto &y : {exp2, exp}) {
    EXPECT_EQ(y[0], 1);
    EXPECT_EQ(y[1], inf);
    EXPECT_EQ(y[2], 0);
    EXPECT_TRUE(std::isnan(y[3]));
    EXPECT_EQ(y[4], inf);
    EXPECT_EQ(y[5], 0);
  }
  std::vector<float> z = {1, 0, inf, nan, -1, -inf};
  for (auto &y : {evaluate(vecmath::log2, z), evaluate(vecmath::log, z)}) {
    EXPECT_EQ(y[0], 0);
    EXPECT_EQ(y[1], -inf);
    EXPECT_EQ(y[2], inf);
    EXPECT_TRUE(std::isnan(y[3]));
    EXPECT_TRUE(std::isnan(y[4]));
    EXPECT_TRUE(std::isnan(y[5]));
  }
}

} // namespace
} // namespace drawloom::test
