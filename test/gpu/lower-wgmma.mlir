// RUN: drawloom-opt %s -drawloom-lower-gpu-ops -cse -canonicalize | FileCheck %s

// A product of two shared tiles: one piece of PTX with a fence, a step every 16 of the inner extent and a commit; without acc the
// first step writes without reading.
// CHECK: llvm.mlir.global external @shared() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
// CHECK-LABEL: func.func @shared_by_shared
func.func @shared_by_shared(%offset: i32) -> vector<16x2x2xf32> {
  // CHECK: llvm.inline_asm has_side_effects
  // CHECK-SAME: wgmma.fence.sync.aligned;
  // CHECK-SAME: add.s64 db, $64, 0;
  // CHECK-SAME: add.s64 da, $65, 0;
  // CHECK-SAME: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {{.*}}, da, db, none, 1, 1, 0, 0;
  // CHECK-SAME: add.s64 db, $64, 6;
  // CHECK-SAME: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {{.*}}, da, db, all, 1, 1, 0, 0;
  // CHECK-SAME: wgmma.commit_group.sync.aligned;
  // CHECK-SAME: "=&f,=&f
  %c0 = arith.constant 0 : i32
  %q = drawloom_gpu.shared_tile %c0 : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  %k = drawloom_gpu.shared_tile %offset : !drawloom_gpu.tile<128 x 64, bf16, swizzle 128, pitch 128>
  %s = drawloom_gpu.wgmma %q, %k {transpose_b} : (!drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>, !drawloom_gpu.tile<128 x 64, bf16, swizzle 128, pitch 128>) -> vector<16x2x2xf32>
  // CHECK: llvm.inline_asm has_side_effects
  // CHECK-SAME: wgmma.wait_group.sync.aligned 0;
  // CHECK-SAME: ,0,1,2,
  %done = drawloom_gpu.wgmma_wait 0, %s : vector<16x2x2xf32> -> vector<16x2x2xf32>
  return %done : vector<16x2x2xf32>
}

// A from registers: probabilities as they come out of a truncation; b contiguous in columns is transposed by the instruction, and a step of the inner extent is 16 rows.
// CHECK-LABEL: func.func @registers_by_shared
func.func @registers_by_shared(%p: vector<4x2x2xf16>, %acc: vector<8x2x2xf32>) -> vector<8x2x2xf32> {
  // CHECK: vector.bitcast {{.*}} : vector<4x2x2xf16> to vector<4x2x1xi32>
  // CHECK: wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 {{.*}}, {$65, $66, $67, $68}, db, all, 1, 1, 1;
  // CHECK-SAME: add.s64 db, $64, 128;
  // CHECK-SAME: {$69, $70, $71, $72}, db, all, 1, 1, 1;
  %c0 = arith.constant 0 : i32
  %v = drawloom_gpu.shared_tile %c0 : !drawloom_gpu.tile<32 x 64, f16, swizzle 128, pitch 32>
  %o = drawloom_gpu.wgmma %p, %v init %acc : (vector<4x2x2xf16>, !drawloom_gpu.tile<32 x 64, f16, swizzle 128, pitch 32>, vector<8x2x2xf32>) -> vector<8x2x2xf32>
  return %o : vector<8x2x2xf32>
}

// Panels: with 96 columns the widest swizzle is 64 bytes, 32 columns a panel, and a panel is 64 bytes a row.
// CHECK-LABEL: func.func @panels
func.func @panels() -> vector<8x2x2xf32> {
  // CHECK: add.s64 da, $33, 2;
  // CHECK: add.s64 db, $32, 256;
  // CHECK-SAME: add.s64 da, $33, 512;
  %c0 = arith.constant 0 : i32
  %c64 = arith.constant 64 : i32
  %all = drawloom_gpu.shared_tile %c0 : !drawloom_gpu.tile<128 x 96, bf16, swizzle 64, pitch 128>
  %q = drawloom_gpu.subtile %all[%c64] : !drawloom_gpu.tile<128 x 96, bf16, swizzle 64, pitch 128> -> !drawloom_gpu.tile<64 x 96, bf16, swizzle 64, pitch 128>
  %k = drawloom_gpu.shared_tile %c0 : !drawloom_gpu.tile<64 x 96, bf16, swizzle 64, pitch 64>
  %s = drawloom_gpu.wgmma %q, %k {transpose_b} : (!drawloom_gpu.tile<64 x 96, bf16, swizzle 64, pitch 128>, !drawloom_gpu.tile<64 x 96, bf16, swizzle 64, pitch 64>) -> vector<8x2x2xf32>
  return %s : vector<8x2x2xf32>
}
