// What the compiler writes for a GPU: the plan's fields, PTX, a cubin where ptxas is installed.
#include "runtime/artifact/Artifact.h"
#include "codegen/Compiler.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "test/gpu/Support.h"
#include <gtest/gtest.h>

using namespace mlir;

namespace drawloom::test {
namespace {

/// A launch of a kernel with everything that a kernel may say, and a product in bf16 whose sum is f32.
constexpr char kModule[] = R"(
func.func @f(%x: tensor<64x64xbf16>, %w: tensor<32x64xbf16>) -> (tensor<64x64xbf16>, tensor<64x32xf32>) {
  %0 = drawloom.launch @kernels::@copy grid 10 (%x) {scalars = array<i64: 5>} : (tensor<64x64xbf16>) -> tensor<64x64xbf16>
  %1 = drawloom.matmul %x, %w {transpose_b} : (tensor<64x64xbf16>, tensor<32x64xbf16>) -> tensor<64x32xf32>
  return %0, %1 : tensor<64x64xbf16>, tensor<64x32xf32>
}
module @kernels {
  func.func @copy(%x: memref<64x64xbf16>, %y: memref<64x64xbf16>, %s: index, %begin: index, %end: index)
      attributes {drawloom.threads = 64, drawloom.items = 3, drawloom.shared = 4096, drawloom.tensor_maps = [
        #drawloom_gpu.tensor_map<place = 1, type = bf16, dims = [64, 64], strides = [128], box = [64, 32], swizzle = 128>]} {
    %t = gpu.thread_id x
    %v = memref.load %x[%begin, %t] : memref<64x64xbf16>
    memref.store %v, %y[%begin, %t] : memref<64x64xbf16>
    return
  }
}
)";

std::unique_ptr<MLIRContext> makeContext() {
  DialectRegistry registry;
  registerCompiler(registry);
  return std::make_unique<MLIRContext>(registry);
}

Artifact compileFor(const std::string &target, CompileReport *report = nullptr) {
  auto context = makeContext();
  auto module = parseSourceString<ModuleOp>(kModule, context.get());
  EXPECT_TRUE(module);
  CompileOptions options;
  options.target = Target::byName(target);
  auto bytes = compileToArtifact(*module, options, report);
  EXPECT_TRUE(succeeded(bytes));
  return Artifact::fromBytes(std::move(*bytes), "test.loom");
}

TEST(GpuArtifact, SaysHowKernelsAreLaunched) {
  Artifact artifact = compileFor("sm_90a");
  const plan::Plan &plan = artifact.plan();
  EXPECT_EQ(plan.target()->str(), "sm_90a");
  EXPECT_TRUE(!plan.cpu_features() || plan.cpu_features()->size() == 0);
  ASSERT_EQ(plan.kernels()->size(), 1u);
  auto &kernel = *plan.kernels()->Get(0);
  EXPECT_EQ(kernel.name()->str(), "copy");
  EXPECT_EQ(kernel.places(), 2u);
  EXPECT_EQ(kernel.scalars(), 1u);
  EXPECT_EQ(kernel.threads(), 64u);
  EXPECT_EQ(kernel.items(), 3u);
  EXPECT_EQ(kernel.shared_bytes(), 4096u);
  ASSERT_EQ(kernel.tensor_maps()->size(), 1u);
  auto &map = *kernel.tensor_maps()->Get(0);
  EXPECT_EQ(map.place(), 1u);
  EXPECT_EQ(map.dtype(), plan::DType::BF16);
  EXPECT_EQ(map.dims()->Get(1), 64u);
  EXPECT_EQ(map.strides()->Get(0), 128u);
  EXPECT_EQ(map.box()->Get(1), 32u);
  EXPECT_EQ(map.swizzle(), plan::Swizzle::B128);
}

TEST(GpuArtifact, ProductsHaveTheTypesOfTheirFactors) {
  Artifact artifact = compileFor("sm_90a");
  auto *commands = artifact.plan().functions()->Get(0)->commands();
  auto &command = *commands->Get(1);
  auto &gemm = *command.action_as_Gemm();
  EXPECT_EQ(gemm.a_type(), plan::DType::BF16);
  EXPECT_EQ(gemm.b_type(), plan::DType::BF16);
  EXPECT_EQ(gemm.c_type(), plan::DType::F32);
  EXPECT_EQ(command.bytes(), 2u * 64 * 64 + 2u * 32 * 64 + 4u * 64 * 32);
}

TEST(GpuArtifact, CodeIsPtxAndACubinWherePtxasIs) {
  {
    Environment none("DRAWLOOM_PTXAS", "");
    CompileReport report;
    Artifact artifact = compileFor("sm_80", &report);
    std::string_view ptx(reinterpret_cast<const char *>(artifact.code().data()), artifact.code().size());
    EXPECT_NE(ptx.find(".target sm_80"), std::string_view::npos);
    EXPECT_NE(ptx.find(".visible .entry copy("), std::string_view::npos);
    EXPECT_EQ(ptx.find('\0'), ptx.size() - 1);
    EXPECT_TRUE(artifact.sass().empty());
    EXPECT_EQ(report.cubinBytes, 0u);
  }
  CompileReport report;
  Artifact artifact = compileFor("sm_80", &report);
  if (report.cubinBytes == 0) GTEST_SKIP() << "no ptxas is installed";
  EXPECT_EQ(artifact.sass().size(), report.cubinBytes);
  ASSERT_EQ(report.resources.size(), 1u);
  EXPECT_EQ(report.resources[0].kernel, "copy");
  EXPECT_GT(report.resources[0].registers, 0u);
  auto modules = artifact.modules();
  ASSERT_EQ(modules.size(), 1u);
  EXPECT_EQ(modules[0].cubin.size(), report.cubinBytes);
}

/// A kernel @NAME that does `copies` loads and stores, and a launch of it.
std::string longKernel(const std::string &name, int copies) {
  std::string text = "func.func @" + name +
                     "(%x: memref<1024xf32>, %y: memref<1024xf32>, %begin: index, %end: index)"
                     " attributes {drawloom.threads = 32} {\n%t = gpu.thread_id x\n";
  for (int k = 0; k < copies; ++k) {
    std::string n = std::to_string(k);
    text += "%c" + n + " = arith.constant " + std::to_string(8 * k) + " : index\n%i" + n +
            " = arith.addi %t, %c" + n + " : index\n%v" + n + " = memref.load %x[%i" + n +
            "] : memref<1024xf32>\nmemref.store %v" + n + ", %y[%i" + n + "] : memref<1024xf32>\n";
  }
  return text + "return\n}\n";
}

/// Launches of @small0, @large and @small1.
std::string longModule() {
  std::string launches = "func.func @f(%x: tensor<1024xf32>) -> tensor<1024xf32> {\n",
              kernels = "module @kernels {\n";
  std::string last = "%x";
  for (auto [name, copies] : {std::pair("small0", 8), std::pair("large", 1000), std::pair("small1", 8)}) {
    kernels += longKernel(name, copies);
    launches += "%" + std::string(name) + " = drawloom.launch @kernels::@" + name + " grid 1 (" + last +
                ") : (tensor<1024xf32>) -> tensor<1024xf32>\n";
    last = "%" + std::string(name);
  }
  return launches + "return " + last + " : tensor<1024xf32>\n}\n" + kernels + "}\n";
}

TEST(GpuArtifact, ALongKernelIsAModuleOfItsOwn) {
  for (unsigned threads : {1u, 4u}) {
    auto context = makeContext();
    auto module = parseSourceString<ModuleOp>(longModule(), context.get());
    ASSERT_TRUE(module);
    CompileOptions options;
    options.target = Target::byName("sm_90a");
    options.threads = threads;
    auto bytes = compileToArtifact(*module, options);
    ASSERT_TRUE(succeeded(bytes));
    Artifact artifact = Artifact::fromBytes(std::move(*bytes), "test.loom");
    auto modules = artifact.modules();
    ASSERT_EQ(modules.size(), 2u);
    for (auto *kernel : *artifact.plan().kernels()) {
      std::string name = kernel->name()->str();
      EXPECT_EQ(kernel->code_module(), name == "large" ? 1u : 0u);
      auto &code = modules[kernel->code_module()];
      std::string_view ptx(reinterpret_cast<const char *>(code.ptx.data()), code.ptx.size());
      EXPECT_NE(ptx.find(".visible .entry " + name + "("), std::string_view::npos);
      EXPECT_EQ(code.cubin.empty(), artifact.sass().empty());
    }
  }
}

TEST(GpuArtifact, AnAssemblerThatRefusesModulesIsOneError) {
  Environment refuses("DRAWLOOM_PTXAS", "/bin/false");
  auto context = makeContext();
  auto module = parseSourceString<ModuleOp>(longModule(), context.get());
  int errors = 0;
  ScopedDiagnosticHandler handler(context.get(), [&](Diagnostic &d) {
    EXPECT_NE(d.str().find("/bin/false rejected the generated PTX"), std::string::npos) << d.str();
    return ++errors, success();
  });
  CompileOptions options;
  options.target = Target::byName("sm_90a");
  EXPECT_TRUE(failed(compileToArtifact(*module, options)));
  EXPECT_EQ(errors, 1);
}

TEST(GpuArtifact, MoreSharedMemoryThanABlockHasIsAnError) {
  std::string text = kModule;
  text.replace(text.find("4096"), 4, "200000");
  auto context = makeContext();
  std::string errors;
  ScopedDiagnosticHandler handler(context.get(), [&](Diagnostic &d) { return errors += d.str(), success(); });
  for (auto [target, fits] : {std::pair("sm_90a", true), std::pair("sm_80", false)}) {
    auto module = parseSourceString<ModuleOp>(text, context.get());
    CompileOptions options;
    options.target = Target::byName(target);
    EXPECT_EQ(succeeded(compileToArtifact(*module, options)), fits) << errors;
  }
  EXPECT_EQ(errors, "kernel 'copy' takes 200000 bytes of shared memory; a block of sm_80 has 166912");
}

TEST(GpuArtifact, ACpuHasProductsOfF32Alone) {
  auto context = makeContext();
  auto module = parseSourceString<ModuleOp>(
      "func.func @f(%a: tensor<2x2xbf16>) -> tensor<2x2xbf16> {\n"
      "  %0 = drawloom.matmul %a, %a : (tensor<2x2xbf16>, tensor<2x2xbf16>) -> tensor<2x2xbf16>\n"
      "  return %0 : tensor<2x2xbf16>\n}",
      context.get());
  ASSERT_TRUE(module);
  std::string errors;
  ScopedDiagnosticHandler handler(context.get(), [&](Diagnostic &d) { return errors += d.str(), success(); });
  CompileOptions options;
  options.target = Target::byName("x86-64-v3");
  EXPECT_TRUE(failed(compileToArtifact(*module, options)));
  EXPECT_NE(errors.find("compiled products are in f32, got 'tensor<2x2xbf16>'"), std::string::npos) << errors;
}

} // namespace
} // namespace drawloom::test
