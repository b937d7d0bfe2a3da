// RUN: drawloom-opt %s --drawloom-lower-attention=target=sm_90a | FileCheck %s
// Eight lanes read a row of 64 channels in one go; their sum goes around by shuffles, and each lane ends with a row of its own.

// CHECK: launch @kernels::@attention_delta grid 12(
// CHECK: func.func @attention_delta({{.*}}drawloom.threads = 256
// CHECK-COUNT-24: gpu.shuffle
// CHECK-NOT: gpu.shuffle
// CHECK: memref.store
// CHECK-NOT: memref.store
func.func @f(%d: tensor<2x640x128xbf16>, %o: tensor<2x640x128xbf16>) -> tensor<2x2x640xf32> {
  %delta = drawloom.attention_delta %d, %o {heads = 2 : i64} : (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>) -> tensor<2x2x640xf32>
  return %delta : tensor<2x2x640xf32>
}
