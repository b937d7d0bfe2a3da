// RUN: not drawloom-opt %s --drawloom-distribute-tiles="target=sm_80" 2>&1 | FileCheck %s
// RUN: drawloom-opt %s --drawloom-distribute-tiles="target=sm_90a" | FileCheck %s --check-prefix=FITS
// A block of an A100 has less shared memory than one of an H100.

// CHECK: expected tiles of at most 166912 bytes of shared memory a block, got 198656
// FITS: drawloom.shared = 198656 : i64
func.func @tile() {
  %tile = memref.alloca() : memref<128x388xf32>
  drawloom.tile.fill %tile with 0.0 : memref<128x388xf32>
  return
}
