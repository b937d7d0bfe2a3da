// Functions that cannot do without copies, compiled and run: swapped buffers, parts used twice, operands read
// later. Rows are no multiple of a vector.
#include "codegen/Compiler.h"
#include "dialect/interp/Interpreter.h"
#include "mlir/Parser/Parser.h"
#include "passes/Names.h"
#include "passes/Passes.h"
#include "runtime/program/Program.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace drawloom;

namespace {

struct Case {
  const char *name, *text;
};

const Case kCases[] = {
    {"Swap",
     R"(func.func @f(%a: tensor<2x3x11xf32> {drawloom.name = "a"}, %b: tensor<2x3x11xf32> {drawloom.name = "b"})
      -> (tensor<2x3x11xf32> {drawloom.name = "a"}, tensor<2x3x11xf32> {drawloom.name = "b"}) {
    return %b, %a : tensor<2x3x11xf32>, tensor<2x3x11xf32>
  })"},
    {"OneValueInThreePlaces",
     R"(func.func @f(%a: tensor<2x3x11xf32> {drawloom.name = "a"}, %b: tensor<2x3x11xf32> {drawloom.name = "b"})
      -> (tensor<2x3x33xf32> {drawloom.name = "c"}, tensor<2x3x11xf32> {drawloom.name = "d"}) {
    %s = drawloom.add %a, %b : tensor<2x3x11xf32>
    %c = drawloom.concat %s, %a, %s : (tensor<2x3x11xf32>, tensor<2x3x11xf32>, tensor<2x3x11xf32>) -> tensor<2x3x33xf32>
    return %c, %s : tensor<2x3x33xf32>, tensor<2x3x11xf32>
  })"},
    {"PartsOfASplitJoinedInAnotherOrder",
     R"(func.func @f(%a: tensor<2x3x24xf32> {drawloom.name = "a"}) -> (tensor<2x3x24xf32> {drawloom.name = "a"}) {
    %p, %q = drawloom.split %a : (tensor<2x3x24xf32>) -> (tensor<2x3x7xf32>, tensor<2x3x17xf32>)
    %c = drawloom.concat %q, %p : (tensor<2x3x17xf32>, tensor<2x3x7xf32>) -> tensor<2x3x24xf32>
    return %c : tensor<2x3x24xf32>
  })"},
    {"PartReadAfterItIsAddedTo",
     R"(func.func @f(%a: tensor<6x22xf32> {drawloom.name = "a"}, %w: tensor<11x11xf32> {drawloom.name = "w"})
      -> (tensor<6x11xf32> {drawloom.name = "b"}, tensor<6x11xf32> {drawloom.name = "c"}) {
    %x = drawloom.gelu %a : tensor<6x22xf32>
    %p, %q = drawloom.split %x : (tensor<6x22xf32>) -> (tensor<6x11xf32>, tensor<6x11xf32>)
    %m = drawloom.matmul %q, %w init %p : (tensor<6x11xf32>, tensor<11x11xf32>, tensor<6x11xf32>) -> tensor<6x11xf32>
    %n = drawloom.matmul %p, %w : (tensor<6x11xf32>, tensor<11x11xf32>) -> tensor<6x11xf32>
    return %m, %n : tensor<6x11xf32>, tensor<6x11xf32>
  })"},
};

class CompiledCopies : public ::testing::TestWithParam<Case> {};

TEST_P(CompiledCopies, ComputeWhatTheFunctionMeans) {
  DialectRegistry registry;
  registerCompiler(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  auto module = parseSourceString<ModuleOp>(GetParam().text, &context);
  ASSERT_TRUE(module);
  OwningOpRef<ModuleOp> reference = module->clone();
  auto bytes = compileToArtifact(*module, {});
  ASSERT_TRUE(succeeded(bytes));
  bool copies = false;
  module->walk([&](LaunchOp launch) { copies |= launch.getLabel() == "copy"; });
  EXPECT_TRUE(copies);

  auto program = Program::fromBytes(std::move(*bytes), {.threads = 2});
  auto func = reference->lookupSymbol<func::FuncOp>("f");
  std::vector<Tensor> args;
  for (auto [k, type] : llvm::enumerate(func.getArgumentTypes())) {
    args.push_back(Tensor::random(cast<RankedTensorType>(type).getShape(), k + 1));
    auto view = program->view<float>(func.getArgAttrOfType<StringAttr>(k, kNameAttr).str());
    for (size_t e = 0; e < view.size(); ++e) args.back().values[e] = view[e] = float(args.back().values[e]);
  }
  auto expected = Interpreter(*reference).run("f", args);
  ASSERT_TRUE(succeeded(expected));
  program->run("f");
  for (unsigned k = 0; k < func.getNumResults(); ++k) {
    auto view = program->view<float>(func.getResultAttrOfType<StringAttr>(k, kNameAttr).str());
    Tensor actual = Tensor::of((*expected)[k].shape, {view.begin(), view.end()});
    EXPECT_LE(relativeError(actual, (*expected)[k]), 1e-6) << "result " << k;
  }
}

INSTANTIATE_TEST_SUITE_P(Passes, CompiledCopies, ::testing::ValuesIn(kCases),
                         [](const auto &info) { return info.param.name; });

} // namespace
