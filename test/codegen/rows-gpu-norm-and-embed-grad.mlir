// On a GPU: global_norm reads all tensors in one launch; embed_grad looks for a row's tokens by ballot, in segments that a second launch adds.
// RUN: drawloom-opt %s --drawloom-lower-rows=target=sm_90a | FileCheck %s

// CHECK-LABEL: func.func @norm
// CHECK: %[[S:.*]] = drawloom.launch @kernels::@sum_squares grid 4(%arg0, %arg1) {{.*}} -> tensor<4xf64>
// CHECK: drawloom.launch @kernels::@root_of_sum grid 1(%[[S]])
func.func @norm(%x: tensor<200x100xf32>, %y: tensor<12xf32>) -> tensor<1xf32> {
  %0 = drawloom.global_norm %x, %y : (tensor<200x100xf32>, tensor<12xf32>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// CHECK-LABEL: func.func @embed_grad
// CHECK: %[[T:.*]] = drawloom.launch @kernels::@embed_grad_tokens grid 15(%arg0, %arg1) {{.*}} -> tensor<3x200xf32>
// CHECK: drawloom.launch @kernels::@sum_partials grid 7(%[[T]], %arg2)
// CHECK: drawloom.launch @kernels::@embed_grad_positions
// CHECK: drawloom.launch @kernels::@sum_partials
func.func @embed_grad(%d: tensor<2x6000x40xbf16>, %t: tensor<2x6000xi32>, %old: tensor<5x40xf32>) -> (tensor<5x40xf32>, tensor<3x40xf32>) {
  %0:2 = drawloom.embed_grad %d, %t divisors [2] : (tensor<2x6000x40xbf16>, tensor<2x6000xi32>) -> (tensor<5x40xf32>, tensor<3x40xf32>)
  %1 = drawloom.add %0#0, %old : tensor<5x40xf32>
  return %1, %0#1 : tensor<5x40xf32>, tensor<3x40xf32>
}

// CHECK-LABEL: func.func @embed_grad_tokens
// CHECK: llvm.call_intrinsic "llvm.nvvm.vote.ballot.sync"
// CHECK: scf.while
// CHECK: math.cttz
// CHECK: vector.load %{{.*}} {alignment = 16 : i64} : memref<12000x40xbf16>, vector<8xbf16>
