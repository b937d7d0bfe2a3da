// RUN: drawloom-opt %s --drawloom-split-pieces "--drawloom-lower-attention=target=sm_90a relay=false" | FileCheck %s
// A long slice: blocks own tiles of keys (four products a pair of tiles) and tiles of queries (three), in one launch that alternates.
// The left operands of the products that add to gradients come from registers.

// CHECK: launch @kernels::@attention_delta
// CHECK: launch @kernels::@attend_grad grid 80(
// CHECK: func.func @attend_grad({{.*}}drawloom.min_blocks = {{[12]}} : i64, {{.*}}tensor_maps
// CHECK: wgmma {{.*}} {transpose_b}
// CHECK: wgmma {{.*}} {transpose_b}
// CHECK: wgmma {{.*}} init {{.*}} : (vector<8x2x2xbf16>, {{.*}}vector<8x2x2xf32>)
// CHECK: wgmma {{.*}} init {{.*}} : (vector<8x2x2xbf16>, {{.*}}vector<8x2x2xf32>)
// CHECK: wgmma {{.*}} {transpose_b}
// CHECK: wgmma {{.*}} {transpose_b}
// CHECK: wgmma {{.*}} init
// CHECK-NOT: wgmma {{.*}} init
func.func @f(%q: tensor<2x640x128xbf16>, %d: tensor<2x640x128xbf16>, %lse: tensor<2x2x640xf32>) -> (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %q, %lse {pattern = #drawloom.pattern<"local(512)">, heads = 2 : i64, scale = 0.125 : f64}
    : (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x2x640xf32>)
    -> (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>)
  return %dq, %dk, %dv : tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>
}
