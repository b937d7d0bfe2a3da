// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention="query-tile=16 key-tile=16" | FileCheck %s
// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention="target=sm_80" --drawloom-distribute-tiles="target=sm_80" | FileCheck %s --check-prefix=GPU
// Where slices lie apart in memory, a product asks for what the next head's slice, after the last head the next slice, will touch: keys with every tile,
// queries and results with the first one. A GPU drops that.

// CHECK-DAG: #[[HEAD:.*]] = affine_map<(d0) -> ((d0 + 1) mod 2)>
// CHECK-DAG: #[[SLICE:.*]] = affine_map<(d0, d1) -> (d0 + (d1 + 1) floordiv 2)>
// CHECK: func.func @attend(%[[Q:.*]]: memref<1x64x32xf32>, %[[K:.*]]: memref<1x64x32xf32>, %[[V:.*]]: memref<1x64x32xf32>, %[[OUT:.*]]: memref<1x64x32xf32>, %{{.*}}: memref<1x2x64xf32>
// CHECK: %[[H:.*]] = affine.apply #[[HEAD]]
// CHECK: %[[S:.*]] = affine.apply #[[SLICE]]
// CHECK: scf.for %[[T:.*]] = %[[FROM:.*]] to %[[TO:.*]] step
// CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[T]], %[[FROM]]
// CHECK: %[[ONCE:.*]] = arith.select %[[FIRST]], %[[LIMIT:.*]], %[[ROW:.*]] : index
// CHECK: tile.prefetch %[[K]][{{.*}}] at #{{.*}}(%[[H]], %[[S]], %[[T]]) to %[[TO]] {channels = 16 : i64, rows = 16 : i64}
// CHECK-NEXT: tile.prefetch %[[Q]][{{.*}}] at #{{.*}}(%[[H]], %[[S]], %[[ROW]]) to %[[ONCE]] {channels = 16 : i64, rows = 16 : i64}
// CHECK-NEXT: tile.matmul
// CHECK: tile.prefetch %[[V]]
// CHECK: tile.prefetch %[[OUT]]{{.*}} write}
// CHECK-NEXT: tile.matmul
// GPU-NOT: prefetch
func.func @f(%q: tensor<1x64x32xf32>, %k: tensor<1x64x32xf32>, %v: tensor<1x64x32xf32>) -> (tensor<1x64x32xf32>, tensor<1x2x64xf32>) {
  %out, %lse = drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"column(4)">, heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x64x32xf32>) -> (tensor<1x64x32xf32>, tensor<1x2x64xf32>)
  return %out, %lse : tensor<1x64x32xf32>, tensor<1x2x64xf32>
}
