// RUN: drawloom-opt %s --drawloom-distribute-tiles --split-input-file | FileCheck %s
// Neighbouring threads take neighbouring channels of a row, 16 bytes each; a row of a tile is padded to begin in another bank.

// CHECK-LABEL: func.func @load
// CHECK: %[[T:.*]] = gpu.thread_id x
// CHECK: %[[TILE:.*]] = memref.view {{.*}} to memref<32x68xf32, #gpu.address_space<workgroup>>
// CHECK: vector.load %arg0[{{.*}}] {alignment = 16 : i64} : memref<2x100x128xf32>, vector<4xf32>
// CHECK: vector.store {{.*}}, %[[TILE]][{{.*}}] {alignment = 16 : i64} {{.*}}, vector<4xf32>
// CHECK: gpu.barrier
// CHECK: vector.load %[[TILE]]
// CHECK: vector.store {{.*}}, %arg1[{{.*}}] {alignment = 16 : i64}
func.func @load(%from: memref<2x100x128xf32>, %to: memref<2x100x128xf32>, %b: index, %first: index) {
  %tile = memref.alloca() : memref<32x64xf32>
  %c64 = arith.constant 64 : index
  drawloom.tile.load %tile from %from[%b, %c64] at affine_map<(d0) -> (d0)>(%first) : memref<32x64xf32>, memref<2x100x128xf32>
  drawloom.tile.store %tile to %to[%b, %c64] at affine_map<(d0) -> (d0)>(%first) : memref<32x64xf32>, memref<2x100x128xf32>
  return
}

// -----

// Rows that do not exist are zero and read a row that does; none is written.
// CHECK-LABEL: func.func @limit
// CHECK: %[[COUNT:.*]] = arith.minsi
// CHECK: %[[ROW:.*]] = arith.minsi
// CHECK: arith.select
// CHECK: gpu.barrier
// CHECK: scf.if
// CHECK: vector.store {{.*}}, %arg1
func.func @limit(%from: memref<2x100x64xf32>, %to: memref<2x100x64xf32>, %b: index, %first: index, %limit: index) {
  %tile = memref.alloca() : memref<32x64xf32>
  %c0 = arith.constant 0 : index
  drawloom.tile.load %tile from %from[%b, %c0] at affine_map<(d0) -> (d0)>(%first) to %limit : memref<32x64xf32>, memref<2x100x64xf32>
  drawloom.tile.store %tile to %to[%b, %c0] at affine_map<(d0) -> (d0)>(%first) to %limit : memref<32x64xf32>, memref<2x100x64xf32>
  return
}

// -----

// Tiles are f32 whatever memory holds.
// CHECK-LABEL: func.func @converts
// CHECK: %[[V:.*]] = vector.load %arg0[{{.*}}] {alignment = 8 : i64} : memref<1x64x64xbf16>, vector<4xbf16>
// CHECK: arith.extf %[[V]] : vector<4xbf16> to vector<4xf32>
// CHECK: arith.truncf {{.*}} : vector<4xf32> to vector<4xf16>
// CHECK: vector.store {{.*}}, %arg1[{{.*}}] {alignment = 8 : i64} : memref<1x64x64xf16>, vector<4xf16>
func.func @converts(%from: memref<1x64x64xbf16>, %to: memref<1x64x64xf16>) {
  %tile = memref.alloca() : memref<8x64xf32>
  %c0 = arith.constant 0 : index
  drawloom.tile.load %tile from %from[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x64xf32>, memref<1x64x64xbf16>
  drawloom.tile.store %tile to %to[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x64xf32>, memref<1x64x64xf16>
  return
}

// -----

// Channels that are not aligned are accessed one by one.
// CHECK-LABEL: func.func @unaligned
// CHECK: vector.load %arg0{{.*}} vector<1xf32>
func.func @unaligned(%from: memref<1x64x15xf32>) {
  %tile = memref.alloca() : memref<8x5xf32>
  %c0 = arith.constant 0 : index
  drawloom.tile.load %tile from %from[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x5xf32>, memref<1x64x15xf32>
  return
}

// -----

// A launch that places the memory 8 bytes from the start of a buffer allows for vectors of 8 bytes.
// CHECK-LABEL: func.func @placed
// CHECK: vector.load %arg0{{.*}} {alignment = 8 : i64} : memref<1x8x64xf32>, vector<2xf32>
module @kernels {
  func.func @placed(%from: memref<1x8x64xf32>, %begin: index, %end: index) {
    %tile = memref.alloca() : memref<8x64xf32>
    %c0 = arith.constant 0 : index
    drawloom.tile.load %tile from %from[%c0, %c0] at affine_map<(d0) -> (d0)>(%c0) : memref<8x64xf32>, memref<1x8x64xf32>
    return
  }
}
func.func @main(%x: tensor<1x8x64xf32> {drawloom.place = array<i64: 0, 8>}) {
  drawloom.launch @kernels::@placed grid 1(%x) : (tensor<1x8x64xf32>) -> ()
  return
}
