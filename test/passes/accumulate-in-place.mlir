// Products and column sums are added to the accumulated gradients where they are made, also inside recompute regions.
// RUN: drawloom-opt %s --drawloom-accumulate-in-place | FileCheck %s

// CHECK-LABEL: func.func @fold
// CHECK: %[[W:.*]] = drawloom.matmul %arg2, %arg3 init %arg0 {transpose_a}
// CHECK: %[[B:.*]] = drawloom.column_sum %arg2 init %arg1
// CHECK-NOT: drawloom.add
// CHECK: return %[[W]], %[[B]]
func.func @fold(%w: tensor<3x2xf32> {drawloom.role = "gradient"}, %b: tensor<3xf32> {drawloom.role = "gradient"}, %d: tensor<4x3xf32>, %x: tensor<4x2xf32>) -> (tensor<3x2xf32>, tensor<3xf32>) {
  %0 = drawloom.matmul %d, %x {transpose_a} : (tensor<4x3xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
  %1 = drawloom.add %w, %0 : tensor<3x2xf32>
  %2 = drawloom.column_sum %d : (tensor<4x3xf32>) -> tensor<3xf32>
  %3 = drawloom.add %b, %2 : tensor<3xf32>
  return %1, %3 : tensor<3x2xf32>, tensor<3xf32>
}

// CHECK-LABEL: func.func @sink
// CHECK: %[[R:.*]] = drawloom.recompute(%arg1, %arg2, %arg0)
// CHECK: ^bb0(%[[D:.*]]: tensor<4x3xf32>, %[[X:.*]]: tensor<4x2xf32>, %[[G:.*]]: tensor<3x2xf32>):
// CHECK: %[[P:.*]] = drawloom.matmul %[[D]], %[[X]] init %[[G]]
// CHECK: drawloom.yield %[[P]]
// CHECK: return %[[R]]
func.func @sink(%w: tensor<3x2xf32> {drawloom.role = "gradient"}, %d: tensor<4x3xf32>, %x: tensor<4x2xf32>) -> tensor<3x2xf32> {
  %0 = drawloom.recompute(%d, %x) : (tensor<4x3xf32>, tensor<4x2xf32>) -> tensor<3x2xf32> {
  ^bb0(%a: tensor<4x3xf32>, %b: tensor<4x2xf32>):
    %1 = drawloom.matmul %a, %b {transpose_a} : (tensor<4x3xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
    drawloom.yield %1 : tensor<3x2xf32>
  }
  %2 = drawloom.add %w, %0 : tensor<3x2xf32>
  return %2 : tensor<3x2xf32>
}

// A parameter that is used twice: the second product goes onto the first.
// CHECK-LABEL: func.func @twice
// CHECK: %[[A:.*]] = drawloom.matmul %arg1, %arg2 init %arg0
// CHECK: %[[B:.*]] = drawloom.matmul %arg1, %arg2 init %[[A]]
// CHECK: return %[[B]]
func.func @twice(%w: tensor<3x2xf32> {drawloom.role = "gradient"}, %d: tensor<4x3xf32>, %x: tensor<4x2xf32>) -> tensor<3x2xf32> {
  %0 = drawloom.matmul %d, %x {transpose_a} : (tensor<4x3xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
  %1 = drawloom.add %w, %0 : tensor<3x2xf32>
  %2 = drawloom.matmul %d, %x {transpose_a} : (tensor<4x3xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
  %3 = drawloom.add %1, %2 : tensor<3x2xf32>
  return %3 : tensor<3x2xf32>
}

// An activation is no accumulator: adding a product to it keeps its rounding. Nor is a product folded that is also used elsewhere.
// CHECK-LABEL: func.func @not_these
// CHECK-NOT: init
// CHECK: return
func.func @not_these(%w: tensor<3x2xf32> {drawloom.role = "gradient"}, %h: tensor<3x2xf32>, %d: tensor<4x3xf32>, %x: tensor<4x2xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>) {
  %0 = drawloom.matmul %d, %x {transpose_a} : (tensor<4x3xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
  %1 = drawloom.add %h, %0 : tensor<3x2xf32>
  %2 = drawloom.matmul %d, %x {transpose_a} : (tensor<4x3xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
  %3 = drawloom.add %w, %2 : tensor<3x2xf32>
  return %1, %2, %3 : tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>
}
