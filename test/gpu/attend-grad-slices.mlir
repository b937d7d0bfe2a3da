// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention=target=sm_90a | FileCheck %s
// Columns of 40 rows: a block has a slice and makes all its gradients with five products; dS^T goes to shared memory for dQ.

// CHECK: launch @kernels::@attend_grad_slices grid 64(
// CHECK: func.func @attend_grad_slices({{.*}}dims = [64, 40, 16, 2, 2]{{.*}}drawloom.threads = 128
// CHECK-COUNT-4: tma_load
// CHECK: wgmma {{.*}} {transpose_b}
// CHECK: wgmma {{.*}} {transpose_b}
// CHECK: wgmma {{.*}} init
// CHECK: wgmma {{.*}} init
// CHECK: store_fragment
// CHECK: fence_async_shared
// CHECK: wgmma {{.*}} {transpose_a}
// CHECK-NOT: wgmma {{.*}} ->
func.func @f(%q: tensor<2x640x128xbf16>, %d: tensor<2x640x128xbf16>, %lse: tensor<2x2x640xf32>) -> (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %q, %lse {pattern = #drawloom.pattern<"column(16)">, heads = 2 : i64, scale = 0.125 : f64}
    : (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x2x640xf32>)
    -> (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>)
  return %dq, %dk, %dv : tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>
}
