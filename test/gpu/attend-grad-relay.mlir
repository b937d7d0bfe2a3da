// RUN: drawloom-opt %s --drawloom-split-pieces "--drawloom-lower-attention=target=sm_90a" | FileCheck %s
// Five products a pair of tiles: blocks own 128 keys, and the dQ of 128 queries goes from one to the next. A word for each of the 5 pairs of query tiles of
// 4 sequences, and one for the number that a block takes.

// CHECK: %[[WORDS:.*]] = drawloom.fill {{.*}} : tensor<21xf32>
// CHECK: launch @kernels::@attend_grad_relay grid 20({{.*}}%[[WORDS]]
// CHECK-SAME: tensor<40x4096xf32>
// CHECK: func.func @attend_grad_relay({{.*}}drawloom.min_blocks = 1 : i64{{.*}}drawloom.threads = 384 : i64
// CHECK: take_number {{.*}} : memref<21xf32>
// One thread of the producers waits for the owner before, copies the shares of both tiles of a pair (the first owner's) or adds them, and lets the
// next owner go on.
// CHECK: set_max_registers 24
// CHECK: tma_load
// CHECK: await_word
// CHECK: mbarrier_arrive
// CHECK: mbarrier_wait
// CHECK-COUNT-2: bulk_store {{.*}}, %c16384_i32 to {{[^ ]*}} %c0] : memref<40x4096xf32>
// CHECK-COUNT-2: bulk_store {{.*}}, %c16384_i32 to {{[^ ]*}} %c0] add : memref<40x4096xf32>
// CHECK: bulk_wait 0 read
// CHECK: bulk_wait 0
// CHECK: publish_word
// CHECK: set_max_registers 232 increase
// The scores of a pair's first tile, the dQ of the pair before, then the gradients of keys.
// CHECK-COUNT-2: wgmma {{.*}} {transpose_b}
// CHECK: wgmma {{.*}} {transpose_a} : (!drawloom_gpu.tile<128 x 64, bf16{{.*}}>, !drawloom_gpu.tile<128 x 64, bf16{{.*}}>) -> vector<8x2x2xf32>
// CHECK-COUNT-2: wgmma {{.*}} init
// The last owner makes dQ of the sum, the others leave their share in shared memory.
// CHECK-COUNT-8: read_global
// CHECK-COUNT-8: vector.store {{.*}} #gpu.address_space<workgroup>>, vector<4xf32>
// The second tile; dQ of the last pair.
// CHECK-COUNT-2: wgmma {{.*}} {transpose_b}
// CHECK-COUNT-2: wgmma {{.*}} init
// CHECK: wgmma {{.*}} {transpose_a}
// CHECK-NOT: wgmma {{.*}} ->
func.func @f(%q: tensor<2x640x128xbf16>, %d: tensor<2x640x128xbf16>, %lse: tensor<2x2x640xf32>) -> (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %q, %lse {pattern = #drawloom.pattern<"local(512)">, heads = 2 : i64, scale = 0.125 : f64}
    : (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x2x640xf32>)
    -> (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>)
  return %dq, %dk, %dv : tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>
}
