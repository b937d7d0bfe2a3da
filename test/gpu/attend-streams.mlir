// RUN: drawloom-opt %s --drawloom-split-pieces "--drawloom-lower-attention=target=sm_90a" | FileCheck %s
// Blocks and summaries have the same queries: one kernel with two streams of keys. Each 64 queries meet one tile of their block's keys, so its
// probabilities are multiplied with their values beside the scores of the first summaries: scores alone, and then one loop over summaries.

// CHECK: launch @kernels::@attend grid
// CHECK-NOT: launch @kernels::@attend
// CHECK: func.func @attend(
// CHECK: set_max_registers 160 increase
// The block's scores. Then the loop: scores, and outputs that go on from nothing.
// CHECK: wgmma {{.*}} {transpose_b}
// CHECK-NEXT: wgmma_wait 0,
// CHECK: scf.for {{.*}} iter_args
// CHECK: wgmma {{.*}} {transpose_b}
// CHECK: wgmma {{.*}} init
// CHECK: wgmma_wait 1,
// CHECK: wgmma_wait 0,
// CHECK: scf.yield {{.*}} : vector<8x2x2xf32>, f32, f32, f32, f32, vector<16x2x2xbf16>
// What is pending of the last tile.
// CHECK: wgmma {{.*}} init
// CHECK-NEXT: wgmma_wait 0,
// CHECK-NOT: = drawloom_gpu.wgmma 
func.func @f(%q: tensor<1x3072x128xbf16>) -> (tensor<1x3072x128xbf16>, tensor<1x2x3072xf32>) {
  %o, %l = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"fixed(128, c=32)">, heads = 2 : i64, scale = 0.125 : f64}
    : (tensor<1x3072x128xbf16>, tensor<1x3072x128xbf16>, tensor<1x3072x128xbf16>) -> (tensor<1x3072x128xbf16>, tensor<1x2x3072xf32>)
  return %o, %l : tensor<1x3072x128xbf16>, tensor<1x2x3072xf32>
}
