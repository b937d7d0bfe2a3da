// RUN: drawloom-opt %s --drawloom-vectorize-tiles --split-input-file | FileCheck %s
// A block of the result stays in registers over the inner loop; terms are added in order with fused multiply-adds.

// 12 rows of 2 vectors cover 24 x 32 twice, in 24 of the 32 registers.
// CHECK-LABEL: func.func @product
// CHECK: %[[ACC:.*]]:24 = scf.for {{.*}} -> (vector<16xf32>
// CHECK-COUNT-2: vector.load {{.*}} vector<16xf32>
// CHECK-COUNT-12: memref.load
// CHECK: math.fma
// CHECK: scf.yield
// CHECK: vector.store
func.func @product(%c: memref<24x32xf32>, %a: memref<24x64xf32>, %b: memref<64x32xf32>) {
  drawloom.tile.matmul %c, %a, %b : memref<24x32xf32>, memref<24x64xf32>, memref<64x32xf32>
  return
}

// -----

// CHECK-LABEL: func.func @rescaled
// CHECK: %[[R:.*]] = vector.load %arg3
// CHECK: %[[C:.*]] = vector.load %arg0
// CHECK: arith.mulf %[[C]], %[[R]]
func.func @rescaled(%c: memref<8x16xf32>, %a: memref<8x8xf32>, %b: memref<8x16xf32>, %r: memref<16xf32>) {
  drawloom.tile.matmul %c, %a, %b rescale %r : memref<16xf32> {accumulate} : memref<8x16xf32>, memref<8x8xf32>, memref<8x16xf32>
  return
}

// -----

// Extents of what no multiple of the width holds: 24 columns are vectors of 16 and 8.
// CHECK-LABEL: func.func @narrow
// CHECK-DAG: vector<16xf32>
// CHECK-DAG: vector<8xf32>
// CHECK-NOT: drawloom
func.func @narrow(%c: memref<3x24xf32>, %a: memref<3x5xf32>, %b: memref<5x24xf32>) {
  drawloom.tile.matmul %c, %a, %b : memref<3x24xf32>, memref<3x5xf32>, memref<5x24xf32>
  return
}

// -----

// Rows of scores outside a group's extents are not computed.
// CHECK-LABEL: func.func @scores
// CHECK: %[[FROM:.*]] = memref.load %arg3[%c0{{.*}}, %c0
// CHECK: %[[TO:.*]] = memref.load %arg3[%c0{{.*}}, %c1
// CHECK: %[[WHOLE:.*]] = affine.apply #{{.*}}(%[[FROM]], %[[TO]])
// CHECK: %[[MIDDLE:.*]] = arith.maxsi %[[WHOLE]], %[[FROM]]
// CHECK: scf.for %{{.*}} = %[[FROM]] to %[[MIDDLE]] step %c16
// CHECK: scf.for %{{.*}} = %[[MIDDLE]] to %[[TO]] step %c8
func.func @scores(%c: memref<32x16xf32>, %a: memref<32x8xf32>, %b: memref<8x16xf32>, %e: memref<1x2xindex>) {
  drawloom.tile.matmul %c, %a, %b within %e : memref<1x2xindex> {pairs = "row-column"} : memref<32x16xf32>, memref<32x8xf32>, memref<8x16xf32>
  return
}

// -----

// Nor are the terms of keys that a group does not meet.
// CHECK-LABEL: func.func @sums_over_keys
// CHECK: %[[FROM:.*]] = memref.load %arg3
// CHECK: %[[TO:.*]] = memref.load %arg3
// CHECK: scf.for %{{.*}} = %[[FROM]] to %[[TO]] step %c4{{.*}} iter_args
func.func @sums_over_keys(%c: memref<8x16xf32>, %a: memref<32x8xf32>, %b: memref<32x16xf32>, %e: memref<1x2xindex>) {
  drawloom.tile.matmul %c, %a, %b within %e : memref<1x2xindex> {transpose_a, pairs = "inner-column"} : memref<8x16xf32>, memref<32x8xf32>, memref<32x16xf32>
  return
}

// -----

// With queries in rows, group after group.
// CHECK-LABEL: func.func @queries_in_rows
// CHECK: %[[FROM:.*]] = memref.load %arg3[%c0{{.*}}, %c0
// CHECK: %[[TO:.*]] = memref.load %arg3[%c0{{.*}}, %c1
// CHECK: %[[R:.*]] = memref.load %arg4
// CHECK: %[[SPLAT:.*]] = vector.broadcast %[[R]]
// CHECK: arith.mulf %{{.*}}, %[[SPLAT]]
// CHECK: scf.for %{{.*}} = %[[FROM]] to %[[TO]] step %c4{{.*}} iter_args
// CHECK: memref.load %arg3[%c1{{.*}}, %c0
func.func @queries_in_rows(%c: memref<16x16xf32>, %a: memref<32x16xf32>, %b: memref<32x16xf32>, %e: memref<2x2xindex>, %r: memref<16xf32>) {
  drawloom.tile.matmul %c, %a, %b rescale %r : memref<16xf32> within %e : memref<2x2xindex> {transpose_a, accumulate, pairs = "inner-row"}
    : memref<16x16xf32>, memref<32x16xf32>, memref<32x16xf32>
  return
}

// -----

// Sums over queries: each block of rows once, with the queries from the first group that meets it to the last.
// CHECK-LABEL: func.func @sums_over_queries
// CHECK: scf.for %[[M:.*]] = %c0{{.*}} to %c32{{.*}} step %c8
// CHECK: %[[FROM:.*]] = memref.load %arg3
// CHECK: %[[TO:.*]] = memref.load %arg3
// CHECK: arith.cmpi sle, %[[FROM]], %[[M]]
// CHECK: arith.cmpi slt, %[[M]], %[[TO]]
// CHECK: %[[FIRST:.*]] = arith.minsi
// CHECK: %[[LAST:.*]] = arith.select
// CHECK-NOT: vector.load %arg0
// CHECK: scf.for %{{.*}} = %[[FIRST]] to %[[LAST]] step %c4{{.*}} iter_args
func.func @sums_over_queries(%c: memref<32x16xf32>, %a: memref<32x16xf32>, %b: memref<16x16xf32>, %e: memref<1x2xindex>) {
  drawloom.tile.matmul %c, %a, %b within %e : memref<1x2xindex> {pairs = "row-inner"} : memref<32x16xf32>, memref<32x16xf32>, memref<16x16xf32>
  return
}

// -----

// Prefetches before a product are spread over the steps of its loops, a part of a row with each; what is left follows. Others are bursts.
// CHECK-LABEL: func.func @prefetches
// CHECK: %[[DONE:.*]] = memref.alloca() : memref<1xindex>
// CHECK: scf.for
// CHECK: memref.prefetch %arg3[%{{.*}}, %{{.*}}, %{{.*}}], read, locality<2>, data : memref<1x99x32xf32>
// CHECK: memref.prefetch
// CHECK-NEXT: }
// CHECK: memref.store %{{.*}}, %[[DONE]]
// CHECK: scf.for
// CHECK: %[[STEP:.*]] = memref.load %[[DONE]]
// CHECK: %[[ROW:.*]] = affine.apply #{{.*}}(%[[STEP]])
// CHECK: arith.minsi %[[ROW]]
// CHECK: memref.prefetch %arg3{{.*}} write
// CHECK: %[[NEXT:.*]] = arith.addi %[[STEP]]
// CHECK: memref.store %[[NEXT]], %[[DONE]]
// CHECK: math.fma
// CHECK: %[[SOFAR:.*]] = memref.load %[[DONE]]
// CHECK: %[[REST:.*]] = affine.apply #{{.*}}(%[[SOFAR]])
// CHECK: scf.for %{{.*}} = %[[REST]] to
// CHECK: memref.prefetch
func.func @prefetches(%c: memref<24x32xf32>, %a: memref<24x64xf32>, %b: memref<64x32xf32>, %src: memref<1x99x32xf32>, %first: index, %limit: index) {
  %c0 = arith.constant 0 : index
  drawloom.tile.prefetch %src[%c0, %c0] at affine_map<(t) -> (3 * t)>(%first) to %limit {rows = 8 : i64, channels = 32 : i64} : memref<1x99x32xf32>
  drawloom.tile.fill %c with 0.0 : memref<24x32xf32>
  drawloom.tile.prefetch %src[%c0, %c0] at affine_map<(t) -> (3 * t)>(%first) to %limit {rows = 8 : i64, channels = 32 : i64, write} : memref<1x99x32xf32>
  drawloom.tile.matmul %c, %a, %b {accumulate} : memref<24x32xf32>, memref<24x64xf32>, memref<64x32xf32>
  return
}
