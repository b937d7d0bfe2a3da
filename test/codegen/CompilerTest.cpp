// compileToArtifact as its callers see it: options, errors, the plan, and that the runtime accepts what it
// writes.
#include "codegen/Compiler.h"
#include "mlir/IR/Diagnostics.h"
#include "runtime/abi/Abi.h"
#include "runtime/program/Program.h"
#include "test/codegen/OpHarness.h"
#include <cmath>
#include <filesystem>

using namespace mlir;

namespace drawloom::test {
namespace {

constexpr char kGelu[] = R"(
func.func @f(%x: tensor<2x70x33xf32>) -> tensor<2x70x33xf32> {
  %0 = drawloom.gelu %x : tensor<2x70x33xf32>
  return %0 : tensor<2x70x33xf32>
})";

/// The diagnostics of a compilation that fails.
std::string errorsOf(const std::string &text, const CompileOptions &options) {
  auto module = parse(text);
  std::string errors;
  ScopedDiagnosticHandler handler(&context(), [&](Diagnostic &diagnostic) {
    errors += diagnostic.str();
    return success();
  });
  EXPECT_TRUE(failed(compileToArtifact(*module, options)));
  return errors;
}

TEST(Compiler, TheRuntimeRunsWhatItWrites) {
  auto module = parse(kGelu);
  std::vector<std::vector<float>> results;
  for (int threads : {1, 2}) {
    auto program = Program::fromBytes(compile(*module), {.threads = threads});
    auto x = program->view<float>("arg0");
    for (size_t i = 0; i < x.size(); ++i) x[i] = float(i % 100) / 10 - 5;
    program->run("f");
    auto y = program->view<float>("result0");
    for (size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(y[i], x[i] / (1 + std::exp(-1.702 * x[i])), 1e-5);
    results.emplace_back(y.begin(), y.end());
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST(Compiler, StopsAfterAPhaseAndLeavesItsIr) {
  auto module = parse(kGelu);
  CompileOptions options;
  options.stopAfter = "loops";
  auto artifact = compileToArtifact(*module, options);
  ASSERT_TRUE(succeeded(artifact));
  EXPECT_TRUE(artifact->empty());
  EXPECT_TRUE(module->lookupSymbol<ModuleOp>("kernels"));
  EXPECT_FALSE((*module)->hasAttr("drawloom.buffers"));
}

TEST(Compiler, AnUnknownPhaseIsAnErrorThatNamesThePhases) {
  CompileOptions options;
  options.stopAfter = "magic";
  EXPECT_EQ(errorsOf(kGelu, options),
            "there is no phase 'magic'; the phases are graph, loops, memory, kernel\n");
}

TEST(Compiler, WhatItCannotCompileIsADiagnosticAtTheOp) {
  EXPECT_EQ(errorsOf("func.func @f(%a: tensor<2x2xf64>) -> tensor<2x2xf64> {\n"
                     "  %0 = drawloom.matmul %a, %a : (tensor<2x2xf64>, tensor<2x2xf64>) -> tensor<2x2xf64>\n"
                     "  return %0 : tensor<2x2xf64>\n}",
                     {}),
            "'drawloom.matmul' op compiled products are in f32, got 'tensor<2x2xf64>'");
}

TEST(Compiler, AProductOfACpuAddsNoBias) {
  EXPECT_EQ(errorsOf("func.func @f(%a: tensor<2x2xf32>, %b: tensor<2xf32>) -> tensor<2x2xf32> {\n"
                     "  %0 = drawloom.matmul %a, %a bias %b : (tensor<2x2xf32>, tensor<2x2xf32>, "
                     "tensor<2xf32>) -> tensor<2x2xf32>\n"
                     "  return %0 : tensor<2x2xf32>\n}",
                     {}),
            "'drawloom.matmul' op a product with a bias is for GPUs; leave out drawloom-fuse-epilogues");
}

TEST(Compiler, DumpsEachPhase) {
  auto folder = std::filesystem::temp_directory_path() / ("drawloom-dump-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  auto module = parse(kGelu);
  CompileOptions options;
  options.dumpPhases = folder.string();
  ASSERT_TRUE(succeeded(compileToArtifact(*module, options)));
  for (const char *name : {"1-graph.mlir", "2-loops.mlir", "3-memory.mlir", "4-kernel.mlir"})
    EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
  std::filesystem::remove_all(folder);
}

TEST(Compiler, ReportsWhereTheTimeWent) {
  auto module = parse(kGelu);
  CompileReport report;
  ASSERT_TRUE(succeeded(compileToArtifact(*module, {}, &report)));
  std::vector<std::string> stages;
  for (auto &[stage, milliseconds] : report.milliseconds) stages.push_back(stage);
  EXPECT_EQ(stages, (std::vector<std::string>{"graph", "loops", "memory", "kernel", "lower to LLVM",
                                              "machine code", "link", "artifact"}));
  EXPECT_EQ(report.kernels, 1u);
  EXPECT_GT(report.codeBytes, 0u);
}

TEST(Compiler, ParametersSayHowTheyBegin) {
  auto module = parse(R"(
func.func @f(%a: tensor<4xf32> {drawloom.name = "a", drawloom.role = "parameter", drawloom.init = 0.5 : f64, drawloom.decay},
             %b: tensor<4xf32> {drawloom.name = "b", drawloom.role = "parameter", drawloom.init = "ones"},
             %c: tensor<4xf32> {drawloom.name = "c", drawloom.role = "parameter"}) -> tensor<4xf32> {
  %0 = drawloom.add %a, %b : tensor<4xf32>
  %1 = drawloom.add %0, %c : tensor<4xf32>
  return %1 : tensor<4xf32>
})");
  PlanRunner runner(compile(*module));
  auto &parameters = runner.plan.parameters;
  ASSERT_EQ(parameters.size(), 3u);
  EXPECT_EQ(parameters[0]->init, plan::Init::Normal);
  EXPECT_EQ(parameters[0]->stddev, 0.5);
  EXPECT_TRUE(parameters[0]->decay);
  EXPECT_EQ(parameters[1]->init, plan::Init::Ones);
  EXPECT_FALSE(parameters[1]->decay);
  EXPECT_EQ(parameters[2]->init, plan::Init::Zeros);
  EXPECT_EQ(parameters[2]->gradient, abi::kNoBuffer);
}

TEST(Compiler, BuffersWithoutNamesAreNamedByFunctionAndNumber) {
  std::string function = "(%x: tensor<4xf32>) -> tensor<4xf32> {\n  %0 = drawloom.gelu %x : tensor<4xf32>\n  "
                         "return %0 : tensor<4xf32>\n}\n";
  auto module = parse("func.func @g" + function + "func.func @h" + function);
  PlanRunner runner(compile(*module));
  for (const char *name : {"g.arg0", "g.result0", "h.arg0", "h.result0"})
    EXPECT_TRUE(runner.has(name)) << name;
}

TEST(Compiler, TheSpecTravelsInThePlan) {
  auto module = parse(kGelu);
  (*module)->setAttr("drawloom.spec", StringAttr::get(&context(), "{\"model\": {\"n\": 4}}"));
  (*module)->setAttr("drawloom.spec_source", StringAttr::get(&context(), "[model]\nn = 4\n"));
  auto program = Program::fromBytes(compile(*module));
  EXPECT_EQ(program->specJson(), "{\"model\": {\"n\": 4}}");
  EXPECT_EQ(program->plan().spec_source()->str(), "[model]\nn = 4\n");
}

TEST(Compiler, TheSameModuleGivesTheSameBytes) {
  auto module = parse(kGelu);
  EXPECT_EQ(compile(*module), compile(*module));
}

} // namespace
} // namespace drawloom::test
