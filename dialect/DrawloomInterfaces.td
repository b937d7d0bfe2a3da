#ifndef DRAWLOOM_INTERFACES_TD
#define DRAWLOOM_INTERFACES_TD
include "mlir/IR/OpBase.td"

def Differentiable : OpInterface<"Differentiable"> {
  let cppNamespace = "::drawloom";
  let description = [{ Reverse-mode differentiation. }];
  let methods = [
    InterfaceMethod<[{
      Build, at the builder's insertion point, ops that compute the gradients of the operands from the gradients of the results.
      `resultGrads` has one entry a result (null: the result does not influence the objective). Returns one value an operand
      (null: no gradient, e.g. tokens). The forward op and its operands dominate the insertion point.
    }], "::llvm::SmallVector<::mlir::Value>", "buildGradient", (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$resultGrads)>
  ];
}
#endif
