// Sums over rows on a GPU: a block keeps its rows' sums in registers and adds its teams' in shared memory; one second launch finishes
// all sums of a fusion, on top of what they are added to.
// RUN: drawloom-opt %s --drawloom-lower-rows=target=sm_90a | FileCheck %s

// CHECK: %[[P:.*]]:3 = drawloom.launch @kernels::@layer_norm_grad grid 63(
// CHECK-SAME: -> (tensor<2000x64xbf16>, tensor<63x64xf32>, tensor<63x64xf32>)
// CHECK: %[[S:.*]]:2 = drawloom.launch @kernels::@sum_partials grid 4(%[[P]]#1, %[[P]]#2, %arg5)
// CHECK-SAME: inplace = array<i64: 2, -1>
// CHECK-NOT: drawloom.launch
// CHECK: return %[[P]]#0, %[[S]]#0, %[[S]]#1

// CHECK-LABEL: func.func @layer_norm_grad
// CHECK-SAME: drawloom.min_blocks = 2 : i64
// CHECK-SAME: drawloom.shared = 8192 : i64
// CHECK: scf.for {{.*}} iter_args
// CHECK: gpu.dynamic_shared_memory
// CHECK: gpu.barrier

// CHECK-LABEL: func.func @sum_partials
// CHECK: arith.addf {{.*}} : f64
func.func @f(%dout: tensor<2000x64xbf16>, %x: tensor<2000x64xbf16>, %g: tensor<64xf32>, %mean: tensor<2000xf32>, %rstd: tensor<2000xf32>, %old: tensor<64xf32>) -> (tensor<2000x64xbf16>, tensor<64xf32>, tensor<64xf32>) {
  %dx, %dg, %db = drawloom.layer_norm_grad %dout, %x, %g, %mean, %rstd : (tensor<2000x64xbf16>, tensor<2000x64xbf16>, tensor<64xf32>, tensor<2000xf32>, tensor<2000xf32>) -> (tensor<2000x64xbf16>, tensor<64xf32>, tensor<64xf32>)
  %new = drawloom.add %old, %dg : tensor<64xf32>
  return %dx, %new, %db : tensor<2000x64xbf16>, tensor<64xf32>, tensor<64xf32>
}
