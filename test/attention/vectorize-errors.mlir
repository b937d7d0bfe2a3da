// RUN: not drawloom-opt %s --drawloom-vectorize-tiles 2>&1 | FileCheck %s

// CHECK: expected memory of f32 on a CPU, got 'memref<1x8x8xbf16>'
func.func @load(%tile: memref<8x8xf32>, %from: memref<1x8x8xbf16>, %x: index) {
  drawloom.tile.load %tile from %from[%x, %x] at affine_map<(d0) -> (d0)>(%x) : memref<8x8xf32>, memref<1x8x8xbf16>
  return
}
