// RUN: drawloom-opt %s --drawloom-split-edge-tiles | FileCheck %s
// A loop over key tiles becomes edge tiles, whole tiles without extents, mask and limits, and edge tiles.

#view = #drawloom.view<heads = [0], slices = (h) -> (1), rows = (h, s) -> (64), query = (h, s, r) -> (r), keys = (h, s) -> (64),
  key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (64)>

// CHECK-DAG: #[[UP:.*]] = affine_map<(d0, d1) -> (d0 + ((d1 - d0) ceildiv 8) * 8)>
// CHECK-DAG: #[[DOWN:.*]] = affine_map<(d0, d1) -> (d0 + ((d1 - d0) floordiv 8) * 8)>
// CHECK-LABEL: func.func @f
// CHECK-SAME: %[[FROM:.*]]: index, %[[TO:.*]]: index, %[[WFROM:.*]]: index, %[[WTO:.*]]: index,
// CHECK: %[[A0:.*]] = affine.apply #[[UP]](%[[FROM]], %[[WFROM]])
// CHECK: %[[A1:.*]] = arith.maxsi %[[A0]], %[[FROM]]
// CHECK: %[[A:.*]] = arith.minsi %[[A1]], %[[TO]]
// CHECK: %[[END:.*]] = arith.minsi %[[WTO]], %[[TO]]
// CHECK: %[[B0:.*]] = affine.apply #[[DOWN]](%[[A]], %[[END]])
// CHECK: %[[B:.*]] = arith.maxsi %[[B0]], %[[A]]
// CHECK: scf.for %{{.*}} = %[[FROM]] to %[[A]]
// CHECK: tile.load {{.*}} to %[[TO]]
// CHECK: tile.mask
// CHECK: scf.for %{{.*}} = %[[A]] to %[[B]]
// CHECK-NEXT: tile.load %{{[a-z_0-9]*}} from %{{[a-z_0-9]*}}[%{{[a-z_0-9]*}}, %{{[a-z_0-9]*}}] at #{{[a-z0-9]*}}(%{{[a-z_0-9]*}}) :
// CHECK-NEXT: tile.matmul %{{[a-z_0-9]*}}, %{{[a-z_0-9]*}}, %{{[a-z_0-9]*}} {pairs = "row-column"} :
// CHECK-NEXT: tile.softmax_step %{{[a-z_0-9]*}}, %{{[a-z_0-9]*}}, %{{[a-z_0-9]*}}, %{{[a-z_0-9]*}} :
// CHECK-NEXT: }
// CHECK: scf.for %{{.*}} = %[[B]] to %[[TO]]
// CHECK: tile.mask
func.func @f(%from: index, %to: index, %wfrom: index, %wto: index, %k: memref<1x64x8xf32>, %keys: memref<8x8xf32>, %q: memref<8x16xf32>,
             %s: memref<8x16xf32>, %m: memref<16xf32>, %l: memref<16xf32>, %r: memref<16xf32>, %e: memref<1x2xindex>) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %n = arith.constant 64 : index
  scf.for %t = %from to %to step %c8 {
    drawloom.tile.load %keys from %k[%c0, %c0] at affine_map<(t) -> (t)>(%t) to %to : memref<8x8xf32>, memref<1x64x8xf32>
    drawloom.tile.extents %e at (%c0, %c0, %c0, %t) of %n x %n whole [%wfrom, %wto) in #view keys 8 : memref<1x2xindex>
    drawloom.tile.matmul %s, %keys, %q within %e : memref<1x2xindex> {pairs = "row-column"} : memref<8x16xf32>, memref<8x8xf32>, memref<8x16xf32>
    drawloom.tile.mask %s within %e at (%c0, %c0, %c0, %t) of %n x %n in #view {positions = 64 : i64} : memref<8x16xf32>, memref<1x2xindex>
    drawloom.tile.softmax_step %s, %m, %l, %r within %e : memref<1x2xindex> : memref<8x16xf32>, memref<16xf32>
  }
  return
}
