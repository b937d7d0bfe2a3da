// RUN: drawloom-opt %s --drawloom-distribute-tiles --split-input-file | FileCheck %s
// A query is shared by a few threads, which combine their maxima and sums through shared memory in a fixed order.

// CHECK-NOT: gpu.shuffle
// CHECK-NOT: math.exp

// CHECK-LABEL: func.func @step
// CHECK: vector.store {{.*}} memref<8x32xf32, #gpu.address_space<workgroup>>, vector<1xf32>
// CHECK: gpu.barrier
// CHECK-COUNT-4: vector.load {{.*}} memref<8x32xf32, #gpu.address_space<workgroup>>, vector<1xf32>
// CHECK: gpu.barrier
func.func @step() {
  %s = memref.alloca() : memref<64x32xf32>
  %m = memref.alloca() : memref<32xf32>
  %l = memref.alloca() : memref<32xf32>
  %r = memref.alloca() : memref<32xf32>
  drawloom.tile.softmax_step %s, %m, %l, %r : memref<64x32xf32>, memref<32xf32>
  return
}

// -----

// CHECK-LABEL: func.func @finish
// CHECK: arith.divf
// CHECK: arith.cmpf ole
// CHECK: arith.select
func.func @finish() {
  %acc = memref.alloca() : memref<8x16xf32>
  %m = memref.alloca() : memref<16xf32>
  %l = memref.alloca() : memref<16xf32>
  drawloom.tile.softmax_finish %acc, %m, %l : memref<8x16xf32>, memref<16xf32>
  return
}

// -----

// CHECK-LABEL: func.func @grad
// CHECK: arith.cmpf oeq
// CHECK: arith.subf
// CHECK-NOT: gpu.barrier
// CHECK: return
func.func @grad() {
  %s = memref.alloca() : memref<8x16xf32>
  %g = memref.alloca() : memref<8x16xf32>
  %lse = memref.alloca() : memref<16xf32>
  %delta = memref.alloca() : memref<16xf32>
  drawloom.tile.softmax_grad %s, %g, %lse, %delta : memref<8x16xf32>, memref<16xf32>
  return
}

// -----

// CHECK-LABEL: func.func @dot
// CHECK: math.fma
// CHECK: gpu.barrier
// CHECK: arith.addf
func.func @dot() {
  %out = memref.alloca() : memref<16xf32>
  %a = memref.alloca() : memref<8x16xf32>
  %b = memref.alloca() : memref<8x16xf32>
  drawloom.tile.dot %out, %a, %b : memref<16xf32>, memref<8x16xf32>
  return
}
