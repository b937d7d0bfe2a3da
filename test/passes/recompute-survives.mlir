// CSE, canonicalization and code motion neither merge a recomputed forward op with the original nor lift it out.
// RUN: drawloom-opt %s --drawloom-form-segments=mode=block --drawloom-differentiate --drawloom-inline-segments -cse -canonicalize -loop-invariant-code-motion -cse | FileCheck %s

// CHECK-LABEL: func.func @gradient
// CHECK: drawloom.gelu %
// CHECK: drawloom.recompute
// CHECK: drawloom.gelu %
// CHECK: drawloom.gelu_grad
// CHECK: drawloom.yield
// CHECK: return
func.func @loss(%w: tensor<2x2xf32> {drawloom.name = "w", drawloom.role = "parameter"}, %x: tensor<4x2xf32> {drawloom.name = "x", drawloom.role = "io"})
    -> (tensor<4x2xf32> {drawloom.name = "nll"}) {
  %0 = drawloom.linear %x, %w {drawloom.segment = "layers.0.ff"} : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
  %1 = drawloom.gelu %0 {drawloom.segment = "layers.0.ff"} : tensor<4x2xf32>
  %2 = drawloom.linear %1, %w {drawloom.segment = "layers.0.ff"} : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
  return %2 : tensor<4x2xf32>
}
