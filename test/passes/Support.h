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

  static std::string print(mlir::Operation *op) {
    std::string text;
    llvm::raw_string_ostream(text) << *op;
    return text;
  }
};

} // namespace drawloom::test
