// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention | FileCheck %s
// A later piece is written over the earlier one's out and lse, and starts from what they hold.

// CHECK-LABEL: func.func @chain
// CHECK: %[[FIRST:.*]]:2 = drawloom.launch @kernels::@attend grid
// CHECK-SAME: inplace = array<i64: -1, -1>
// CHECK: drawloom.launch @kernels::@attend_1 grid {{.*}}, %[[FIRST]]#0, %[[FIRST]]#1)
// CHECK-SAME: inplace = array<i64: 3, 4>
func.func @chain(%q: tensor<1x64x16xf32>) -> (tensor<1x64x16xf32>, tensor<1x1x64xf32>) {
  %out, %lse = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"strided(8)">, heads = 1 : i64, scale = 0.25 : f64}
    : (tensor<1x64x16xf32>, tensor<1x64x16xf32>, tensor<1x64x16xf32>) -> (tensor<1x64x16xf32>, tensor<1x1x64xf32>)
  return %out, %lse : tensor<1x64x16xf32>, tensor<1x1x64xf32>
}

// CHECK: func.func @attend_1(%{{.*}}: {{.*}}, %{{.*}}: {{.*}}, %{{.*}}: {{.*}}, %[[OUT:.*]]: memref<1x64x16xf32>, %[[LSE:.*]]: memref<1x1x64xf32>
// CHECK: tile.load %[[M:.*]] from %[[LSE]]
// CHECK: tile.load %[[ACC:.*]] from %[[OUT]]
// CHECK: tile.store %[[ACC]] to %[[OUT]]
// CHECK: tile.store %[[M]] to %[[LSE]]
