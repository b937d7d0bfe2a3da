// A recompute region is dissolved in place; the order of ops stays.
// RUN: drawloom-opt %s --drawloom-inline-recompute | FileCheck %s

// CHECK-LABEL: func.func @f
// CHECK: %[[A:.*]] = drawloom.gelu %arg0
// CHECK: %[[B:.*]] = drawloom.gelu %arg0
// CHECK: %[[C:.*]] = drawloom.gelu_grad %[[A]], %[[B]]
// CHECK: return %[[C]]
func.func @f(%x: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %0 = drawloom.gelu %x : tensor<4x2xf32>
  %1 = drawloom.recompute(%x, %0) : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32> {
  ^bb0(%a: tensor<4x2xf32>, %b: tensor<4x2xf32>):
    %2 = drawloom.gelu %a : tensor<4x2xf32>
    %3 = drawloom.gelu_grad %b, %2 : tensor<4x2xf32>
    drawloom.yield %3 : tensor<4x2xf32>
  }
  return %1 : tensor<4x2xf32>
}
