// On a GPU a warp does a row: vectors of 16 bytes, f32 arithmetic, what later passes need in registers, sums by shuffles.
// RUN: drawloom-opt %s --drawloom-lower-rows=target=sm_90a | FileCheck %s

// CHECK: drawloom.launch @kernels::@layer_norm grid 100(
// CHECK: func.func @layer_norm
// CHECK-SAME: attributes {drawloom.items = 8 : i64, drawloom.threads = 256 : i64}
// CHECK: %[[THREAD:.*]] = gpu.thread_id x
// CHECK: %[[LANE:.*]] = arith.remui %[[THREAD]], %c32
// CHECK: %[[WARP:.*]] = arith.divui %[[THREAD]], %c32
// CHECK: scf.for %[[FIRST:.*]] = %arg5 to %arg6 step %c8
// CHECK: %[[ROW:.*]] = arith.addi %[[FIRST]], %[[WARP]]
// 100 rows are no multiple of 8: a warp without a row repeats the last.
// CHECK: %[[ACTIVE:.*]] = arith.cmpi ult, %[[ROW]], %arg6
// CHECK: %[[COLUMN:.*]] = arith.muli %[[LANE]], %c8
// CHECK: vector.load %arg0[%{{.*}}, %[[COLUMN]]] {alignment = 16 : i64} : memref<100x512xbf16>, vector<8xbf16>
// CHECK: arith.extf
// CHECK: vector.load %arg0{{.*}} {alignment = 16 : i64}
// CHECK-COUNT-10: gpu.shuffle xor
// The row is not read again.
// CHECK-NOT: vector.load %arg0
// CHECK: vector.load %arg1[%[[COLUMN]]] {alignment = 16 : i64} : memref<512xf32>, vector<8xf32>
// CHECK-COUNT-4: "llvm.nvvm.ff2bf16x2.rn"
// CHECK: scf.if %[[ACTIVE]]
// CHECK: vector.store
// CHECK: memref.store
func.func @f(%x: tensor<100x512xbf16>, %g: tensor<512xf32>, %b: tensor<512xf32>) -> (tensor<100x512xbf16>, tensor<100xf32>) {
  %o, %mean, %rstd = drawloom.layer_norm %x, %g, %b : (tensor<100x512xbf16>, tensor<512xf32>, tensor<512xf32>) -> (tensor<100x512xbf16>, tensor<100xf32>, tensor<100xf32>)
  return %o, %mean : tensor<100x512xbf16>, tensor<100xf32>
}
