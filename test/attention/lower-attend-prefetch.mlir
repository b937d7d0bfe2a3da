// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention="query-tile=16 key-tile=16" | FileCheck %s
// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention="target=sm_80" --drawloom-distribute-tiles="target=sm_80" | FileCheck %s --check-prefix=GPU
// A product asks for rows and slots that are needed soon, some with each pair of tiles: with many slices those of the next head's slice, after the
// last head of the next slice; with one slice those that the next tile of queries needs and this one does not. On a GPU nothing does.

// CHECK-DAG: #[[HEAD:.*]] = affine_map<(d0) -> ((d0 + 1) mod 2)>
// CHECK-DAG: #[[SLICE:.*]] = affine_map<(d0, d1) -> (d0 + (d1 + 1) floordiv 2)>
// CHECK-DAG: #[[PART:.*]] = affine_map<(d0, d1) -> (d0 + d1 * 16)>
// CHECK: func.func @attend(%[[Q:.*]]: memref<1x64x32xf32>, %[[K:.*]]: memref<1x64x32xf32>, %[[V:.*]]: memref<1x64x32xf32>, %{{.*}}: memref<1x64x32xf32>, %{{.*}}: memref<1x2x64xf32>
// Nothing has been asked for when a thread begins, which may be in the middle of a slice, and when a slice begins.
// CHECK: memref.store %c0, %[[PAIRS:.*]][%c0] : memref<1xindex>
// CHECK: scf.for
// CHECK: memref.store %c0, %[[PAIRS]][%c0] : memref<1xindex>
// CHECK: %[[H:.*]] = affine.apply #[[HEAD]]
// CHECK: %[[S:.*]] = affine.apply #[[SLICE]]
// CHECK: scf.for
// CHECK: %[[PAIR:.*]] = memref.load %[[PAIRS]]
// CHECK: memref.store %{{.*}}, %[[PAIRS]]
// CHECK: %[[FROM:.*]] = affine.apply #[[PART]](%c0, %[[PAIR]])
// CHECK: tile.prefetch %[[K]][{{.*}}] at #{{.*}}(%[[H]], %[[S]], %[[FROM]]) to %c16 {channels = 16 : i64, rows = 16 : i64}
// CHECK-NEXT: tile.prefetch %[[Q]][{{.*}}] at #{{.*}}(%[[H]], %[[S]], %[[FROM]]) to %c16 {channels = 16 : i64, rows = 16 : i64}
// CHECK-NEXT: tile.matmul
// CHECK: tile.prefetch %[[V]]
// CHECK-NEXT: tile.matmul
// GPU-NOT: prefetch
func.func @f(%q: tensor<1x64x32xf32>, %k: tensor<1x64x32xf32>, %v: tensor<1x64x32xf32>) -> (tensor<1x64x32xf32>, tensor<1x2x64xf32>) {
  %out, %lse = drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"column(4)">, heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x64x32xf32>) -> (tensor<1x64x32xf32>, tensor<1x2x64xf32>)
  return %out, %lse : tensor<1x64x32xf32>, tensor<1x2x64xf32>
}
