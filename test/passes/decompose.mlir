// linear is a product with the transposed weight, then the bias; both carry its label. In recompute regions too.
// RUN: drawloom-opt %s --drawloom-decompose | FileCheck %s

// CHECK-LABEL: func.func @with_bias
// CHECK: %[[P:.*]] = drawloom.matmul %arg0, %arg1 {drawloom.label = "ff1", transpose_b} : (tensor<2x4x3xf32>, tensor<5x3xf32>) -> tensor<2x4x5xf32>
// CHECK: %[[S:.*]] = drawloom.bias_add %[[P]], %arg2 {drawloom.label = "ff1"}
// CHECK: return %[[S]]
func.func @with_bias(%x: tensor<2x4x3xf32>, %w: tensor<5x3xf32>, %b: tensor<5xf32>) -> tensor<2x4x5xf32> {
  %0 = drawloom.linear %x, %w bias %b {drawloom.label = "ff1"} : (tensor<2x4x3xf32>, tensor<5x3xf32>, tensor<5xf32>) -> tensor<2x4x5xf32>
  return %0 : tensor<2x4x5xf32>
}

// CHECK-LABEL: func.func @without_bias
// CHECK: drawloom.recompute
// CHECK: %[[P:.*]] = drawloom.matmul
// CHECK-NOT: drawloom.bias_add
// CHECK: drawloom.yield %[[P]]
func.func @without_bias(%x: tensor<4x3xf32>, %w: tensor<5x3xf32>) -> tensor<4x5xf32> {
  %0 = drawloom.recompute(%x, %w) : (tensor<4x3xf32>, tensor<5x3xf32>) -> tensor<4x5xf32> {
  ^bb0(%a: tensor<4x3xf32>, %b: tensor<5x3xf32>):
    %1 = drawloom.linear %a, %b : (tensor<4x3xf32>, tensor<5x3xf32>) -> tensor<4x5xf32>
    drawloom.yield %1 : tensor<4x5xf32>
  }
  return %0 : tensor<4x5xf32>
}
