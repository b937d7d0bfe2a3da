// RUN: drawloom-opt %s --drawloom-vectorize-tiles --split-input-file | FileCheck %s

#view = #drawloom.view<heads = [0], slices = (h) -> (1), rows = (h, s) -> (64), query = (h, s, r) -> (r), keys = (h, s) -> (64),
  key = (h, s, t) -> (t), key_lo = (h, s, r) -> (r - 7), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (t + 8)>

// Bounds are worked out once for a vector of queries, then compared with each slot.
// CHECK-LABEL: func.func @mask
// CHECK: arith.maxsi {{.*}} : vector<16xi32>
// CHECK: arith.minsi {{.*}} : vector<16xi32>
// CHECK: scf.for
// CHECK: arith.cmpi sge
// CHECK: arith.cmpi slt
// CHECK: arith.select {{.*}} : vector<16xi1>, vector<16xf32>
func.func @mask(%s: memref<8x16xf32>, %e: memref<1x2xindex>, %r: index, %t: index) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 64 : index
  drawloom.tile.mask %s within %e at (%c0, %c0, %r, %t) of %n x %n in #view {positions = 64 : i64} : memref<8x16xf32>, memref<1x2xindex>
  return
}

// -----

// Where coordinates could leave 32 bits, arithmetic has 64.
#view = #drawloom.view<heads = [0], slices = (h) -> (1), rows = (h, s) -> (64), query = (h, s, r) -> (r), keys = (h, s) -> (64),
  key = (h, s, t) -> (t), key_lo = (h, s, r) -> (r - 7), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (t + 8),
  predicate = ["(h, i, j) : (i * 4096 - j * 4096 - 1 >= 0)"]>
// CHECK-LABEL: func.func @wide
// CHECK: vector<16xi64>
// CHECK: arith.muli {{.*}} : vector<16xi64>
// CHECK: arith.andi
func.func @wide(%s: memref<8x16xf32>, %e: memref<1x2xindex>, %r: index, %t: index) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 64 : index
  drawloom.tile.mask %s within %e at (%c0, %c0, %r, %t) of %n x %n in #view {positions = 1048576 : i64} : memref<8x16xf32>, memref<1x2xindex>
  return
}

// -----

#view = #drawloom.view<heads = [0], slices = (h) -> (1), rows = (h, s) -> (64), query = (h, s, r) -> (r), keys = (h, s) -> (64),
  key = (h, s, t) -> (t), key_lo = (h, s, r) -> (r - 7), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (t + 8)>
// Extents: the bounds of a group's first and last row, relative to the tile, rounded outwards to multiples of 8.
// CHECK-LABEL: func.func @extents
// CHECK: %[[LO:.*]] = affine.max
// CHECK: %[[HI:.*]] = affine.min
// CHECK: arith.subi %[[LO]], %arg2
// CHECK: memref.store %{{.*}}, %arg0[%c0{{.*}}, %c0
// CHECK: memref.store %{{.*}}, %arg0[%c0{{.*}}, %c1
func.func @extents(%e: memref<1x2xindex>, %r: index, %t: index) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 64 : index
  drawloom.tile.extents %e at (%c0, %c0, %r, %t) of %n x %n whole [%c0, %c0) in #view keys 16 : memref<1x2xindex>
  return
}
