// RUN: drawloom-opt %s --drawloom-distribute-tiles --split-input-file | FileCheck %s
// RUN: drawloom-opt %s --drawloom-distribute-tiles=takes-turns --split-input-file | FileCheck %s --check-prefix=TURNS
// A barrier stands where a thread touches what others wrote or writes what others read, and nowhere else.

// TURNS-NOT: gpu.

// Two loads of different tiles need none between them.
// CHECK-LABEL: func.func @once
// CHECK: vector.store
// CHECK-NOT: gpu.barrier
// CHECK: vector.store
// CHECK: gpu.barrier
// CHECK: math.fma
// CHECK-NOT: gpu.barrier
// CHECK: return
// TURNS-LABEL: func.func @once
// TURNS: scf.for %{{.*}} = %c0{{.*}} to %c128{{.*}} step %c1
func.func @once(%from: memref<1x8x32xf32>) {
  %a = memref.alloca() : memref<8x8xf32>
  %b = memref.alloca() : memref<8x32xf32>
  %c = memref.alloca() : memref<8x32xf32>
  %c0 = arith.constant 0 : index
  drawloom.tile.load %a from %from[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x8xf32>, memref<1x8x32xf32>
  drawloom.tile.load %b from %from[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x32xf32>, memref<1x8x32xf32>
  drawloom.tile.matmul %c, %a, %b : memref<8x32xf32>, memref<8x8xf32>, memref<8x32xf32>
  return
}

// -----

// The next trip's load waits for this trip's reads.
// CHECK-LABEL: func.func @each_trip
// CHECK: scf.for
// CHECK-NEXT: gpu.barrier
// CHECK: vector.load %arg0
// CHECK: gpu.barrier
// CHECK: vector.store {{.*}}, %arg1
func.func @each_trip(%from: memref<1x8x32xf32>, %to: memref<1x8x32xf32>, %n: index) {
  %a = memref.alloca() : memref<8x32xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    drawloom.tile.load %a from %from[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x32xf32>, memref<1x8x32xf32>
    drawloom.tile.store %a to %to[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x32xf32>, memref<1x8x32xf32>
  }
  return
}

// -----

// Memory counts too: a load waits for the store of what it reads.
// CHECK-LABEL: func.func @through_memory
// CHECK: vector.store {{.*}}, %arg0
// CHECK: gpu.barrier
// CHECK: vector.load %arg0
func.func @through_memory(%memory: memref<1x8x32xf32>) {
  %a = memref.alloca() : memref<8x32xf32>
  %b = memref.alloca() : memref<8x32xf32>
  %c0 = arith.constant 0 : index
  drawloom.tile.fill %a with 0.0 : memref<8x32xf32>
  drawloom.tile.store %a to %memory[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x32xf32>, memref<1x8x32xf32>
  drawloom.tile.load %b from %memory[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x32xf32>, memref<1x8x32xf32>
  return
}
