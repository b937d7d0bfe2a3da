// The linker of kernels: what it joins and what it refuses.
#include "codegen/CompileKernels.h"
#include "codegen/LowerToLLVM.h"
#include "runtime/abi/Abi.h"
#include "runtime/support/Error.h"
#include "test/codegen/OpHarness.h"

using namespace mlir;

namespace drawloom::test {
namespace {

/// The object of the one function of a module in the LLVM dialect.
KernelObject object(const std::string &text) {
  auto module = parse(text);
  auto result = emitObject(*module, Target::native(), 2);
  EXPECT_TRUE(succeeded(result));
  return *result;
}

std::string linkError(const std::string &text) {
  try {
    linkKernels({object(text)});
  } catch (const Error &error) {
    EXPECT_EQ(error.exitCode, kInternal);
    return error.what();
  }
  return "";
}

constexpr char kPlain[] = R"(
llvm.func @plain(%p: !llvm.ptr, %begin: i64, %end: i64) {
  llvm.store %end, %p : i64, !llvm.ptr
  llvm.return
})";

TEST(FlatImage, RefusesUndefinedSymbolsByName) {
  EXPECT_EQ(linkError(R"(
llvm.func @expf(f32) -> f32
llvm.func @calls(%p: !llvm.ptr, %begin: i64, %end: i64) {
  %0 = llvm.load %p : !llvm.ptr -> f32
  %1 = llvm.call @expf(%0) : (f32) -> f32
  llvm.store %1, %p : f32, !llvm.ptr
  llvm.return
})"),
            "kernel 'calls' refers to 'expf', but a kernel may refer to nothing outside itself");
}

TEST(FlatImage, RefusesWritableData) {
  EXPECT_EQ(linkError(R"(
llvm.mlir.global internal @counter(0 : i64) : i64
llvm.func @counts(%p: !llvm.ptr, %begin: i64, %end: i64) {
  %0 = llvm.mlir.addressof @counter : !llvm.ptr
  %1 = llvm.load volatile %0 : !llvm.ptr -> i64
  llvm.store volatile %end, %0 : i64, !llvm.ptr
  llvm.store %1, %p : i64, !llvm.ptr
  llvm.return
})")
                .substr(0, 33),
            "kernel 'counts' has writable data");
}

TEST(FlatImage, MakesNoLibraryCallsOfLoops) { // which look like memset and memcpy
  EXPECT_EQ(linkError(R"(
llvm.func @clears(%p: !llvm.ptr, %q: !llvm.ptr, %begin: i64, %end: i64) {
  %one = llvm.mlir.constant(1 : i64) : i64
  %zero = llvm.mlir.constant(0.0 : f32) : f32
  llvm.br ^loop(%begin : i64)
^loop(%i: i64):
  %a = llvm.getelementptr %p[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  llvm.store %zero, %a : f32, !llvm.ptr
  %next = llvm.add %i, %one : i64
  %more = llvm.icmp "slt" %next, %end : i64
  llvm.cond_br %more, ^loop(%next : i64), ^done
^done:
  llvm.return
})"),
            "");
}

TEST(FlatImage, EntriesAreAlignedAndApart) {
  FlatImage image = linkKernels({object(kPlain), object(kPlain), object(kPlain)});
  ASSERT_EQ(image.entries.size(), 3u);
  for (uint64_t entry : image.entries) {
    EXPECT_EQ(entry % 64, 0u);
    EXPECT_LT(entry, image.bytes.size());
  }
  EXPECT_LT(image.entries[0], image.entries[1]);
  EXPECT_LT(image.entries[1], image.entries[2]);
}

TEST(CompileKernels, TheImageDoesNotDependOnTheNumberOfThreads) {
  auto module = parse(R"(
module {
  func.func @a(%x: memref<8xf32>, %s: index, %b: index, %e: index) {
    %0 = memref.load %x[%s] : memref<8xf32>
    memref.store %0, %x[%b] : memref<8xf32>
    return
  }
  func.func @b(%x: memref<8xf32>, %b: index, %e: index) {
    %0 = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : vector<4xf32>
    vector.store %0, %x[%b] : memref<8xf32>, vector<4xf32>
    return
  }
})");
  auto one = compileKernels(*module, Target::native(), 2, 1, true),
       four = compileKernels(*module, Target::native(), 2, 4, true);
  ASSERT_TRUE(succeeded(one) && succeeded(four));
  EXPECT_EQ(one->image, four->image);
  ASSERT_EQ(one->kernels.size(), 2u);
  EXPECT_EQ(one->kernels[0].name, "a");
  EXPECT_EQ(one->kernels[0].places, 1u);
  EXPECT_EQ(one->kernels[0].scalars, 1u);
  EXPECT_EQ(one->kernels[1].scalars, 0u);
}

TEST(Target, UnknownNamesAreErrorsWithTheKnownOnes) {
  try {
    Target::byName("sparc");
    FAIL();
  } catch (const Error &error) {
    EXPECT_EQ(error.exitCode, kUsage);
    EXPECT_EQ(error.text(), "unknown target 'sparc'\nhint: known targets: native, x86-64-v4, x86-64-v3, sm_90a, sm_80");
  }
}

TEST(Target, IsRecordedInThePlan) {
  auto module = parse("func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {\n  %0 = drawloom.gelu %x : "
                      "tensor<4xf32>\n  return %0 : tensor<4xf32>\n}");
  CompileOptions options;
  options.target = Target::byName("x86-64-v3");
  PlanRunner runner(compile(*module, options));
  EXPECT_EQ(runner.plan.target, "x86_64");
  EXPECT_EQ(runner.plan.cpu_features, Target::byName("x86-64-v3").features);
}

} // namespace
} // namespace drawloom::test
