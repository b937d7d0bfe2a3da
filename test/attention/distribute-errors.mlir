// RUN: not drawloom-opt %s --drawloom-distribute-tiles="threads=100" 2>&1 | FileCheck %s --check-prefix=THREADS
// RUN: not drawloom-opt %s --drawloom-distribute-tiles="shared-limit=1024" 2>&1 | FileCheck %s --check-prefix=SHARED
// RUN: not drawloom-opt %s --drawloom-distribute-tiles 2>&1 | FileCheck %s --check-prefix=FOREIGN

// THREADS: expected threads to be a multiple of 32 from 32 to 1024, got 100
// SHARED: expected tiles of at most 1024 bytes of shared memory a block, got 1152; choose smaller tiles
// FOREIGN: expected tiles to be allocations of the kernel, got {{.*}}memref<8x16xf32>
func.func @large() {
  %tile = memref.alloca() : memref<8x32xf32>
  drawloom.tile.fill %tile with 0.0 : memref<8x32xf32>
  return
}
func.func @foreign(%tile: memref<8x16xf32>) {
  drawloom.tile.fill %tile with 0.0 : memref<8x16xf32>
  return
}
