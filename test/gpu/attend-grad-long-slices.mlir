// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention=target=sm_90a | FileCheck %s
// Columns of 256 rows: three warp groups share the parts of a slice. dS^T has room for the 10 of 16 parts that a triangle has: with 128 KiB of
// operands and 2 KiB of statistics that makes 210 KiB and eight mbarriers.

// CHECK: launch @kernels::@attend_grad_slices grid 264(
// CHECK: func.func @attend_grad_slices({{.*}}drawloom.min_blocks = 1 : i64, drawloom.shared = 215104 : i64{{.*}}drawloom.threads = 384 : i64
// Parts arrive one after the other: 64 rows of K, Q, V, dO and O each, O where dS^T will be.
// CHECK-COUNT-8: mbarrier_init
// CHECK: mbarrier_arrive {{.*}} expect %c40960_i32
// CHECK-COUNT-5: tma_load
// CHECK: mbarrier_arrive {{.*}} expect %c40960_i32
// CHECK-COUNT-15: tma_load
// CHECK-NOT: tma_load
// Each warp group makes delta of the query parts that have the numbers of its key parts: four turns of three shuffles a part.
// CHECK-COUNT-12: gpu.shuffle
// CHECK-COUNT-12: gpu.shuffle
// CHECK-COUNT-24: gpu.shuffle
// A key part is waited for, then each of the query parts that it meets: its rows and their delta.
// CHECK: mbarrier_wait
// CHECK: scf.for
// CHECK: mbarrier_wait
// CHECK: mbarrier_wait
// CHECK-COUNT-2: wgmma {{.*}} {transpose_b}
// CHECK-COUNT-2: wgmma {{.*}} init
// dQ: the last query part meets four parts of keys, the others three, two and one.
// CHECK: gpu.barrier
// CHECK-COUNT-10: wgmma {{.*}}transpose_a
// CHECK-NOT: wgmma {{.*}} ->
func.func @f(%q: tensor<1x33792x128xbf16>, %d: tensor<1x33792x128xbf16>, %lse: tensor<1x2x33792xf32>) -> (tensor<1x33792x128xbf16>, tensor<1x33792x128xbf16>, tensor<1x33792x128xbf16>) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %q, %lse {pattern = #drawloom.pattern<"column(132)">, heads = 2 : i64, scale = 0.125 : f64}
    : (tensor<1x33792x128xbf16>, tensor<1x33792x128xbf16>, tensor<1x33792x128xbf16>, tensor<1x33792x128xbf16>, tensor<1x33792x128xbf16>, tensor<1x2x33792xf32>)
    -> (tensor<1x33792x128xbf16>, tensor<1x33792x128xbf16>, tensor<1x33792x128xbf16>)
  return %dq, %dk, %dv : tensor<1x33792x128xbf16>, tensor<1x33792x128xbf16>, tensor<1x33792x128xbf16>
}
