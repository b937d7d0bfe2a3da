// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention="query-tile=16 key-tile=16" | FileCheck %s
// Loop bounds of key tiles are the view's affine maps at a query tile's first and last row; rows come longest first, heads side by side where what their tiles meet fits the cache.

// CHECK-DAG: #[[TILES:.*]] = affine_map<(d0) -> ((d0 floordiv 2) mod 4)>
// CHECK-DAG: #[[REVERSED:.*]] = affine_map<(d0) -> ((-d0 + 3) * 16)>
// CHECK-DAG: #[[LO:.*]] = affine_map<(d0, d1, d2) -> (d2 - 15)>
// CHECK-DAG: #[[HI:.*]] = affine_map<(d0, d1, d2) -> (d2 + 1)>

// 64 rows of up to 16 keys are 904 pairs a head; 2 batches, 2 heads, 2 (16 + 16) operations a pair; five tensors of 4 bytes an element.
// CHECK-LABEL: func.func @f
// CHECK: drawloom.launch @kernels::@attend grid 16(%{{.*}}, %{{.*}}, %{{.*}}) {bytes = 66560 : i64, flops = 231424 : i64, inplace = array<i64: -1, -1>, label = "layers.0.attention.attend"}
func.func @f(%q: tensor<2x64x32xf32>, %k: tensor<2x64x32xf32>, %v: tensor<2x64x32xf32>) -> (tensor<2x64x32xf32>, tensor<2x2x64xf32>) {
  %out, %lse = drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"local(16)">, heads = 2 : i64, scale = 0.25 : f64, drawloom.label = "layers.0.attention"}
    : (tensor<2x64x32xf32>, tensor<2x64x32xf32>, tensor<2x64x32xf32>) -> (tensor<2x64x32xf32>, tensor<2x2x64xf32>)
  return %out, %lse : tensor<2x64x32xf32>, tensor<2x2x64xf32>
}

// CHECK: func.func @attend(%[[Q:.*]]: memref<2x64x32xf32>, %[[K:.*]]: memref<2x64x32xf32>, %[[V:.*]]: memref<2x64x32xf32>, %[[OUT:.*]]: memref<2x64x32xf32>, %[[LSE:.*]]: memref<2x2x64xf32>, %[[BEGIN:.*]]: index, %[[END:.*]]: index)
// CHECK: scf.for %{{.*}} = %[[BEGIN]] to %[[END]]
// CHECK: %[[TILE:.*]] = affine.apply #[[TILES]]
// CHECK: %[[ROW:.*]] = affine.apply #[[REVERSED]](%[[TILE]])
// CHECK: affine.max #[[LO]](%{{.*}}, %{{.*}}, %[[ROW]])
// CHECK: affine.min #[[HI]]
// CHECK: drawloom.tile.load %{{.*}} from %[[Q]]{{.*}} {factor = 0.360673755 : f32, transpose}
// CHECK: scf.for
// CHECK: tile.load %{{.*}} from %[[K]]
// CHECK-NEXT: tile.extents
// CHECK: tile.prefetch %[[K]]
// CHECK-NEXT: tile.prefetch %[[Q]]
// CHECK-NEXT: tile.matmul {{.*}} {pairs = "row-column"}
// CHECK-NEXT: tile.mask
// CHECK-NEXT: tile.softmax_step
// CHECK-NEXT: tile.load %{{.*}} from %[[V]]
// CHECK-NEXT: tile.extents {{.*}} {group = 8 : i64}
// CHECK-NEXT: tile.prefetch %[[V]]
// CHECK-NEXT: tile.matmul {{.*}} rescale {{.*}} {accumulate, pairs = "inner-row", transpose_a}
// CHECK-NEXT: }
// CHECK-NEXT: tile.softmax_finish {{.*}} {by_row}
// CHECK-NEXT: tile.store %{{.*}} to %[[OUT]]
// CHECK-NEXT: tile.store %{{.*}} to %[[LSE]]
