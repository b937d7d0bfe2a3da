// RUN: drawloom-opt %s --drawloom-vectorize-tiles --split-input-file | FileCheck %s
// The softmax is element-wise on vectors of queries: nothing is reduced across lanes, and no function is called.

// CHECK-NOT: vector.reduction
// CHECK-NOT: math.exp
// CHECK-NOT: call @

// CHECK-LABEL: func.func @step
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK: vector.store {{.*}}, %arg0
// CHECK: vector.store {{.*}}, %arg1
// CHECK-NEXT: vector.store {{.*}}, %arg2
// CHECK-NEXT: vector.store {{.*}}, %arg3
func.func @step(%s: memref<32x16xf32>, %m: memref<16xf32>, %l: memref<16xf32>, %r: memref<16xf32>) {
  drawloom.tile.softmax_step %s, %m, %l, %r : memref<32x16xf32>, memref<16xf32>
  return
}

// -----

// CHECK-LABEL: func.func @step_within
// CHECK: %[[FROM:.*]] = memref.load %arg4
// CHECK: %[[TO:.*]] = memref.load %arg4
// CHECK-COUNT-2: scf.for %{{.*}} = %[[FROM]] to %[[TO]] step %c4
func.func @step_within(%s: memref<32x16xf32>, %m: memref<16xf32>, %l: memref<16xf32>, %r: memref<16xf32>, %e: memref<1x2xindex>) {
  drawloom.tile.softmax_step %s, %m, %l, %r within %e : memref<1x2xindex> : memref<32x16xf32>, memref<16xf32>
  return
}

// -----

// A query without keys gets -inf.
// CHECK-LABEL: func.func @finish
// CHECK: arith.cmpf ole
// CHECK: arith.select
// CHECK: arith.divf
func.func @finish(%acc: memref<8x16xf32>, %m: memref<16xf32>, %l: memref<16xf32>) {
  drawloom.tile.softmax_finish %acc, %m, %l : memref<8x16xf32>, memref<16xf32>
  return
}

// -----

// With queries in rows, one division a query.
// CHECK-LABEL: func.func @finish_rows
// CHECK: scf.for %[[X:.*]] = %c0{{.*}} to %c16
// CHECK: %[[L:.*]] = memref.load %arg2[%[[X]]]
// CHECK: arith.divf %{{.*}}, %[[L]] : f32
// CHECK: vector.load %arg0[%[[X]], %c0{{.*}}] : memref<16x8xf32>, vector<8xf32>
// CHECK: arith.cmpf ole
func.func @finish_rows(%acc: memref<16x8xf32>, %m: memref<16xf32>, %l: memref<16xf32>) {
  drawloom.tile.softmax_finish %acc, %m, %l {by_row} : memref<16x8xf32>, memref<16xf32>
  return
}

// -----

// CHECK-LABEL: func.func @grad
// CHECK: arith.cmpf oeq
// CHECK: arith.subf
// CHECK: vector.store {{.*}}, %arg1
func.func @grad(%s: memref<8x16xf32>, %g: memref<8x16xf32>, %lse: memref<16xf32>, %delta: memref<16xf32>) {
  drawloom.tile.softmax_grad %s, %g, %lse, %delta : memref<8x16xf32>, memref<16xf32>
  return
}

// -----

// CHECK-LABEL: func.func @dot
// CHECK: math.fma
// CHECK: vector.store {{.*}}, %arg0
func.func @dot(%out: memref<16xf32>, %a: memref<8x16xf32>, %b: memref<8x16xf32>) {
  drawloom.tile.dot %out, %a, %b : memref<16xf32>, memref<8x16xf32>
  return
}

// -----

// CHECK-LABEL: func.func @fill
// CHECK: vector.store %cst{{.*}}, %arg0
func.func @fill(%t: memref<8x16xf32>) {
  drawloom.tile.fill %t with 0.0 : memref<8x16xf32>
  return
}
