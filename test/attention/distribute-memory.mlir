// RUN: drawloom-opt %s --drawloom-distribute-tiles --split-input-file | FileCheck %s
// Tiles are views of one array; those that never hold something at the same time share it.

// CHECK-LABEL: func.func @one_after_the_other
// CHECK-SAME: drawloom.shared = 1152 : i64, drawloom.threads = 128 : i64
// CHECK: %[[ALL:.*]] = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
// CHECK-COUNT-2: memref.view %[[ALL]][%c0{{[_0-9]*}}][] : {{.*}} to memref<8x36xf32
// CHECK-NOT: memref.alloca
func.func @one_after_the_other(%from: memref<1x8x32xf32>, %to: memref<1x8x32xf32>) {
  %a = memref.alloca() : memref<8x32xf32>
  %b = memref.alloca() : memref<8x32xf32>
  %c0 = arith.constant 0 : index
  drawloom.tile.load %a from %from[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x32xf32>, memref<1x8x32xf32>
  drawloom.tile.store %a to %to[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x32xf32>, memref<1x8x32xf32>
  drawloom.tile.load %b from %from[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x32xf32>, memref<1x8x32xf32>
  drawloom.tile.store %b to %to[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x32xf32>, memref<1x8x32xf32>
  return
}

// -----

// What the next trip of a loop still needs stays.
// CHECK-LABEL: func.func @across_trips
// CHECK-SAME: drawloom.shared = 2304 : i64
func.func @across_trips(%from: memref<1x8x32xf32>, %to: memref<1x8x32xf32>, %n: index) {
  %a = memref.alloca() : memref<8x32xf32>
  %b = memref.alloca() : memref<8x32xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  drawloom.tile.load %a from %from[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x32xf32>, memref<1x8x32xf32>
  scf.for %i = %c0 to %n step %c1 {
    drawloom.tile.store %a to %to[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x32xf32>, memref<1x8x32xf32>
    drawloom.tile.load %b from %from[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x32xf32>, memref<1x8x32xf32>
    drawloom.tile.store %b to %to[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x32xf32>, memref<1x8x32xf32>
  }
  return
}
