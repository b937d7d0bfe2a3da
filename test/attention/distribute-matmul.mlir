// RUN: drawloom-opt %s --drawloom-distribute-tiles --split-input-file | FileCheck %s
// Each thread keeps a block of the result in registers and reads vectors of 16 bytes; terms are added in order.

// 128 threads cover 64 x 64 with blocks of 8 x 4.
// CHECK-LABEL: func.func @scores
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c32{{.*}} step %c4{{.*}} -> (vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<4xf32>)
// CHECK-COUNT-8: vector.load {{.*}} memref<64x36xf32, #gpu.address_space<workgroup>>, vector<4xf32>
// CHECK: vector.load {{.*}} memref<32x68xf32, #gpu.address_space<workgroup>>, vector<4xf32>
// CHECK-COUNT-8: math.fma {{.*}} vector<4xf32>
func.func @scores() {
  %c = memref.alloca() : memref<64x64xf32>
  %a = memref.alloca() : memref<64x32xf32>
  %b = memref.alloca() : memref<32x64xf32>
  drawloom.tile.matmul %c, %a, %b : memref<64x64xf32>, memref<64x32xf32>, memref<32x64xf32>
  return
}

// -----

// A sum over keys takes the keys that the group of queries meets; what was summed is scaled first.
// CHECK-LABEL: func.func @values
// CHECK: %[[SCALE:.*]] = vector.load {{.*}} memref<64xf32, #gpu.address_space<workgroup>>, vector<4xf32>
// CHECK: arith.mulf {{.*}}, %[[SCALE]]
// CHECK: %[[FROM:.*]] = memref.load {{.*}} memref<4x2xindex, #gpu.address_space<workgroup>>
// CHECK: %[[TO:.*]] = memref.load {{.*}} memref<4x2xindex, #gpu.address_space<workgroup>>
// CHECK: scf.for %{{.*}} = %[[FROM]] to %[[TO]] step %c4
func.func @values() {
  %acc = memref.alloca() : memref<32x64xf32>
  %v = memref.alloca() : memref<64x32xf32>
  %p = memref.alloca() : memref<64x64xf32>
  %r = memref.alloca() : memref<64xf32>
  %e = memref.alloca() : memref<4x2xindex>
  drawloom.tile.matmul %acc, %v, %p rescale %r : memref<64xf32> within %e : memref<4x2xindex> {transpose_a, accumulate, pairs = "inner-column"} : memref<32x64xf32>, memref<64x32xf32>, memref<64x64xf32>
  return
}

// -----

// Odd extents are covered element by element.
// CHECK-LABEL: func.func @odd
// CHECK: math.fma {{.*}} vector<1xf32>
func.func @odd() {
  %c = memref.alloca() : memref<3x5xf32>
  %a = memref.alloca() : memref<3x7xf32>
  %b = memref.alloca() : memref<7x5xf32>
  drawloom.tile.matmul %c, %a, %b : memref<3x5xf32>, memref<3x7xf32>, memref<7x5xf32>
  return
}
