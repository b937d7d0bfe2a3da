// RUN: drawloom-opt %s --drawloom-split-pieces "--drawloom-lower-attention=target=sm_90a" | FileCheck %s
// A view whose keys are few of all, and whose first queries meet none: no gradient is filled first. Owners write zeros to dK and dV of the positions
// between their keys and the next ones; the owner of the first keys writes zeros to the dQ that nobody makes.

// CHECK-NOT: drawloom.fill {{.*}} : tensor<1x1024x128xbf16>
// CHECK: launch @kernels::@attend_grad_relay
// CHECK: func.func @attend_grad_relay
// CHECK: set_max_registers 232 increase
// Before the first key, then after each of the 16 keys of a warp: dK, dV.
// CHECK: scf.if
// CHECK: vector.store {{.*}} : memref<1x1024x128xbf16{{.*}}>, vector<8xbf16>
// CHECK: vector.store {{.*}} : memref<1x1024x128xbf16{{.*}}>, vector<8xbf16>
// CHECK: scf.for
// CHECK: vector.store {{.*}} : memref<1x1024x128xbf16{{.*}}>, vector<8xbf16>
// CHECK: vector.store {{.*}} : memref<1x1024x128xbf16{{.*}}>, vector<8xbf16>
// CHECK: wgmma
// dQ of pairs of tiles that meet no key, after the dQ of the last pair.
// CHECK: wgmma {{.*}} {transpose_a}
// CHECK: wgmma {{.*}} {transpose_a}
// CHECK: scf.for {{.*}} step %c1_i32  : i32 {
// CHECK: arith.cmpi sle
// CHECK: vector.store {{.*}} : memref<1x1024x128xbf16>, vector<8xbf16>
func.func @f(%q: tensor<1x1024x128xbf16>, %d: tensor<1x1024x128xbf16>, %lse: tensor<1x2x1024xf32>) -> (tensor<1x1024x128xbf16>, tensor<1x1024x128xbf16>, tensor<1x1024x128xbf16>) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %q, %lse {pattern = #drawloom.pattern<"summary(256, c=64)">, heads = 2 : i64, scale = 0.125 : f64}
    : (tensor<1x1024x128xbf16>, tensor<1x1024x128xbf16>, tensor<1x1024x128xbf16>, tensor<1x1024x128xbf16>, tensor<1x1024x128xbf16>, tensor<1x2x1024xf32>)
    -> (tensor<1x1024x128xbf16>, tensor<1x1024x128xbf16>, tensor<1x1024x128xbf16>)
  return %dq, %dk, %dv : tensor<1x1024x128xbf16>, tensor<1x1024x128xbf16>, tensor<1x1024x128xbf16>
}
