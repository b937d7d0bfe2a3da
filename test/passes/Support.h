// Modules and pass pipelines as text, for the tests of the passes.
#pragma once
#include "dialect/interp/Interpreter.h"
#include "mlir/Parser/Parser.h"
#include "passes/Passes.h"
#include <gtest/gtest.h>
#include <random>

namespace drawloom::test {

/// A context with every dialect of the passes, and what a test needs to run them.
struct Passes : ::testing::Test {
  mlir::DialectRegistry registry;
  std::unique_ptr<mlir::MLIRContext> context;

  Passes() {
    registerAllDialects(registry);
    registerAllPasses();
    context = std::make_unique<mlir::MLIRContext>(registry, mlir::MLIRContext::Threading::DISABLED);
    context->loadAllAvailableDialects();
  }

  mlir::OwningOpRef<mlir::ModuleOp> parse(const std::string &text) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, context.get());
    EXPECT_TRUE(module) << text;
    return module;
  }

  /// Runs passes given as pipeline text, with the verifier after each.
  void run(mlir::ModuleOp module, const std::string &passes) {
    mlir::PassManager pm(context.get(), mlir::ModuleOp::getOperationName());
    ASSERT_TRUE(mlir::succeeded(mlir::parsePassPipeline(passes, pm))) << passes;
    ASSERT_TRUE(mlir::succeeded(pm.run(module))) << passes;
  }

  /// What @gradient gives for random arguments, the same in every module whose arguments have these types.
  std::vector<Tensor> gradients(mlir::ModuleOp module) {
    std::vector<Tensor> args;
    for (auto [k, type] :
         llvm::enumerate(module.lookupSymbol<mlir::func::FuncOp>("gradient").getArgumentTypes())) {
      auto tensor = llvm::cast<mlir::RankedTensorType>(type);
      args.push_back(llvm::isa<mlir::FloatType>(tensor.getElementType())
                         ? Tensor::random(tensor.getShape(), 10 + k)
                         : Tensor::randomIntegers(tensor.getShape(), 10 + k, 5));
    }
    auto results = Interpreter(module).run("gradient", args);
    EXPECT_TRUE(succeeded(results));
    return succeeded(results) ? *results : std::vector<Tensor>();
  }

  static std::string print(mlir::Operation *op) {
    std::string text;
    llvm::raw_string_ostream(text) << *op;
    return text;
  }
};

} // namespace drawloom::test
