// global_norm: sums of squares of fixed chunks, joined, then one root. embed_grad: one launch a table; items own columns.
// RUN: drawloom-opt %s --drawloom-lower-rows | FileCheck %s

// CHECK-LABEL: func.func @norm
// CHECK: %[[A:.*]] = drawloom.launch @kernels::@sum_squares grid 2(%arg0) {{.*}} -> tensor<2xf64>
// CHECK: %[[B:.*]] = drawloom.launch @kernels::@sum_squares_1 grid 1(%arg1) {{.*}} -> tensor<1xf64>
// CHECK: %[[C:.*]] = drawloom.concat %[[A]], %[[B]] : (tensor<2xf64>, tensor<1xf64>) -> tensor<3xf64>
// CHECK: drawloom.launch @kernels::@root_of_sum grid 1(%[[C]])
func.func @norm(%x: tensor<200x100xf32>, %y: tensor<9xf32>) -> tensor<1xf32> {
  %0 = drawloom.global_norm %x, %y : (tensor<200x100xf32>, tensor<9xf32>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// CHECK-LABEL: func.func @embed_grad
// CHECK: drawloom.launch @kernels::@embed_grad_tokens grid 3(%arg0, %arg1)
// CHECK: drawloom.launch @kernels::@embed_grad_positions grid 3(%arg0)
func.func @embed_grad(%d: tensor<2x6x40xf32>, %t: tensor<2x6xi32>) -> (tensor<5x40xf32>, tensor<3x40xf32>) {
  %0:2 = drawloom.embed_grad %d, %t divisors [2] : (tensor<2x6x40xf32>, tensor<2x6xi32>) -> (tensor<5x40xf32>, tensor<3x40xf32>)
  return %0#0, %0#1 : tensor<5x40xf32>, tensor<3x40xf32>
}
