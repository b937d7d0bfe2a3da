// RUN: drawloom-opt %s --drawloom-lower-attention | FileCheck %s
// The caches are written in place; each piece of the pattern is met if the position is one of its rows.

// CHECK: launch @kernels::@attention_decode grid 2({{.*}}) {{.*}} inplace = array<i64: -1, 3, 4>
func.func @f(%q: tensor<2x1x8xf32>, %kc: tensor<2x64x8xf32>, %vc: tensor<2x64x8xf32>, %p: tensor<1xi64>)
    -> (tensor<2x1x8xf32>, tensor<2x64x8xf32>, tensor<2x64x8xf32>) {
  %out, %k, %v = drawloom.attention_decode %q, %q, %q, %kc, %vc at %p {pattern = #drawloom.pattern<"strided(8)">, heads = 1 : i64, scale = 0.25 : f64}
    : (tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x64x8xf32>, tensor<2x64x8xf32>, tensor<1xi64>)
    -> (tensor<2x1x8xf32>, tensor<2x64x8xf32>, tensor<2x64x8xf32>)
  return %out, %k, %v : tensor<2x1x8xf32>, tensor<2x64x8xf32>, tensor<2x64x8xf32>
}

// CHECK: func.func @attention_decode({{.*}} %[[P:.*]]: memref<1xi64>, %[[OUT:.*]]: memref<2x1x8xf32>
// CHECK: memref.load %[[P]]
// CHECK: tile.store {{.*}} : memref<1x8xf32>, memref<2x64x8xf32>
// CHECK: tile.store {{.*}} : memref<1x8xf32>, memref<2x64x8xf32>
// CHECK-COUNT-2: tile.softmax_step
// CHECK: tile.softmax_finish
// CHECK-NEXT: tile.store {{.*}} to %[[OUT]]
