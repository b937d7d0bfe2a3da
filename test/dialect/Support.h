// What the dialect's unit tests share: a context, parsing, and running one function on tensors.
#pragma once
#include "dialect/interp/Interpreter.h"
#include "dialect/ir/Dialect.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

namespace drawloom::test {

class DialectTest : public ::testing::Test {
protected:
  DialectTest() {
    context.loadDialect<DrawloomDialect, mlir::func::FuncDialect, mlir::arith::ArithDialect>();
  }

  mlir::OwningOpRef<mlir::ModuleOp> parse(const std::string &text) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (module) return module;
    ADD_FAILURE() << "the test's module does not parse:\n" << text;
    return mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  }

  std::vector<Tensor> run(mlir::ModuleOp module, llvm::StringRef function, const std::vector<Tensor> &args) {
    auto results = Interpreter(module).run(function, args);
    if (failed(results)) {
      ADD_FAILURE() << "@" << function.str() << " does not run";
      return {};
    }
    return *results;
  }

  mlir::MLIRContext context;
};

} // namespace drawloom::test
