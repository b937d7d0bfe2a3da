// Sums over rows on a GPU: a warp adds up a run of 16 rows, from zero; a block adds the runs of a partial sum in order, in shared memory; one second
// launch finishes all sums of a fusion, on top of what they are added to. A partial sum has a multiple of 64 rows.
// RUN: drawloom-opt %s --drawloom-lower-rows=target=sm_90a | FileCheck %s

// CHECK: %[[P:.*]]:3 = drawloom.launch @kernels::@layer_norm_grad grid 32(
// CHECK-SAME: -> (tensor<2000x64xbf16>, tensor<32x64xf32>, tensor<32x64xf32>)
// CHECK: %[[S:.*]]:2 = drawloom.launch @kernels::@sum_partials grid 4(%[[P]]#1, %[[P]]#2, %arg5)
// CHECK-SAME: inplace = array<i64: 2, -1>
// CHECK-NOT: drawloom.launch
// CHECK: return %[[P]]#0, %[[S]]#0, %[[S]]#1

// CHECK-LABEL: func.func @layer_norm_grad
// CHECK-SAME: drawloom.min_blocks = 3 : i64
// CHECK-SAME: drawloom.shared = 2048 : i64
// CHECK-SAME: drawloom.threads = 128 : i64
// CHECK: %[[THREAD:.*]] = gpu.thread_id
// CHECK: %[[WARP:.*]] = arith.divui %[[THREAD]], %c32
// CHECK: %[[PLACES:.*]] = memref.view {{.*}} to memref<512xf32
// CHECK: %[[OFFSET:.*]] = arith.muli %[[WARP]], %c16
// CHECK: %[[OWN:.*]] = arith.addi %{{.*}}, %[[OFFSET]]
// Four teams of 8 threads share a warp.
// CHECK: %[[LANE:.*]] = arith.remui %[[THREAD]], %c8
// CHECK: %[[RUNS:.*]]:10 = scf.for {{.*}} iter_args(%[[TOTAL:[a-z0-9]+]] = %cst{{.*}}, %{{.*}} = %cst
// CHECK: %[[SUMS:.*]]:10 = scf.for {{.*}} = %c0 to %c16 step %c8 iter_args(%{{.*}} = %[[ZERO:.*]], %{{.*}} = %[[ZERO]],
// CHECK: %[[AT:.*]] = arith.muli %[[WARP]], %c64
// CHECK: gpu.barrier
// A tree over the teams of a warp, then the warps in order.
// CHECK: gpu.shuffle xor %{{.*}}, %c8_i32
// CHECK: gpu.shuffle xor %{{.*}}, %c16_i32
// CHECK: vector.store {{.*}}, %[[PLACES]]
// CHECK: gpu.barrier
// CHECK: %[[R0:.*]] = memref.load %[[PLACES]]
// CHECK: %[[S0:.*]] = arith.addf %[[TOTAL]], %[[R0]]
// CHECK: %[[R1:.*]] = memref.load %[[PLACES]]
// CHECK: %[[S1:.*]] = arith.addf %[[S0]], %[[R1]]
// CHECK: memref.load %[[PLACES]]
// CHECK: memref.load %[[PLACES]]
// CHECK: scf.yield
// CHECK: memref.store %[[RUNS]]#0

// CHECK-LABEL: func.func @sum_partials
// CHECK: arith.addf {{.*}} : f64
func.func @f(%dout: tensor<2000x64xbf16>, %x: tensor<2000x64xbf16>, %g: tensor<64xf32>, %mean: tensor<2000xf32>, %rstd: tensor<2000xf32>, %old: tensor<64xf32>) -> (tensor<2000x64xbf16>, tensor<64xf32>, tensor<64xf32>) {
  %dx, %dg, %db = drawloom.layer_norm_grad %dout, %x, %g, %mean, %rstd : (tensor<2000x64xbf16>, tensor<2000x64xbf16>, tensor<64xf32>, tensor<2000xf32>, tensor<2000xf32>) -> (tensor<2000x64xbf16>, tensor<64xf32>, tensor<64xf32>)
  %new = drawloom.add %old, %dg : tensor<64xf32>
  return %dx, %new, %db : tensor<2000x64xbf16>, tensor<64xf32>, tensor<64xf32>
}
