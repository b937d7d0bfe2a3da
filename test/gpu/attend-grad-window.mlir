// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention=target=sm_90a | FileCheck %s
// A window: blocks slide along it. Each pair of tiles takes five products: S^T, dP^T, dV and dK in the loop over query tiles, and, once a
// query tile has met its three key tiles, dQ from their dS^T in shared memory. Gradients leave by bulk copies.

// CHECK: launch @kernels::@attend_grad_window grid [[BLOCKS:[0-9]+]](
// CHECK: func.func @attend_grad_window({{.*}}dims = [64, 640, 2, 2]{{.*}}drawloom.threads = 384
// CHECK: set_max_registers 32
// CHECK-COUNT-4: tma_load
// CHECK: set_max_registers 232 increase
// CHECK: wgmma {{.*}} {transpose_b}
// CHECK: wgmma {{.*}} {transpose_b}
// CHECK: wgmma {{.*}} init {{.*}} : (vector<8x2x2xbf16>, {{.*}}vector<8x2x2xf32>)
// CHECK: wgmma {{.*}} init {{.*}} : (vector<8x2x2xbf16>, {{.*}}vector<8x2x2xf32>)
// CHECK: store_fragment
// CHECK-COUNT-3: wgmma {{.*}} {transpose_a}
// CHECK-NOT: wgmma {{.*}} ->
// CHECK: tma_store
func.func @window(%q: tensor<2x640x128xbf16>, %d: tensor<2x640x128xbf16>, %lse: tensor<2x2x640xf32>) -> (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %q, %lse {pattern = #drawloom.pattern<"local(128)">, heads = 2 : i64, scale = 0.125 : f64}
    : (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x2x640xf32>)
    -> (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>)
  return %dq, %dk, %dv : tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>
}
