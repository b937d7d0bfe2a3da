// RUN: drawloom-opt %s -split-input-file -drawloom-lower-gpu-ops -canonicalize -cse | FileCheck %s
// RUN: drawloom-opt %s -split-input-file -drawloom-lower-gpu-ops=target=sm_80 -canonicalize -cse | FileCheck %s --check-prefix=OLD

// Four 8 x 8 matrices at a time, to and from the warp's rows.
// CHECK-LABEL: func.func @copy
// OLD-LABEL: func.func @copy
func.func @copy(%offset: i32) {
  // CHECK-COUNT-4: "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {$0, $1, $2, $3}, [$4];"
  // CHECK-COUNT-4: "stmatrix.sync.aligned.m8n8.x4.shared.b16 [$0], {$1, $2, $3, $4};"
  // OLD-COUNT-4: "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {$0, $1, $2, $3}, [$4];"
  // OLD-NOT: stmatrix
  // OLD-COUNT-16: "st.shared.b32 [$0], $1;"
  %t = drawloom_gpu.shared_tile %offset : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  %f = drawloom_gpu.load_fragment %t : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64> -> vector<8x2x2xbf16>
  drawloom_gpu.store_fragment %f, %t : vector<8x2x2xbf16>, !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  return
}

// -----

// Keys lie row by row, so they are read as they are; values are transposed on the way.
// CHECK-LABEL: func.func @products
func.func @products(%q: vector<2x2x2xf16>, %offset: i32) -> vector<2x2x2xf32> {
  // CHECK: "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {$0, $1, $2, $3}, [$4];"
  // CHECK-COUNT-2: llvm.inline_asm asm_dialect = att "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {$0, $1, $2, $3}, {$8, $9, $10, $11}, {$12, $13}, {$0, $1, $2, $3};", "=f,=f,=f,=f,0,1,2,3,r,r,r,r,r,r"
  // CHECK: "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {$0, $1, $2, $3}, [$4];"
  %t = drawloom_gpu.shared_tile %offset : !drawloom_gpu.tile<16 x 16, f16, swizzle 32, pitch 16>
  %s = drawloom_gpu.mma_sync %q, %t {transpose_b} : (vector<2x2x2xf16>, !drawloom_gpu.tile<16 x 16, f16, swizzle 32, pitch 16>) -> vector<2x2x2xf32>
  %p = arith.truncf %s : vector<2x2x2xf32> to vector<2x2x2xf16>
  %o = drawloom_gpu.mma_sync %p, %t init %s : (vector<2x2x2xf16>, !drawloom_gpu.tile<16 x 16, f16, swizzle 32, pitch 16>, vector<2x2x2xf32>) -> vector<2x2x2xf32>
  return %o : vector<2x2x2xf32>
}

// -----

// CHECK-LABEL: func.func @approximations
func.func @approximations(%x: vector<1x2x2xf32>, %y: f32) -> (vector<1x2x2xf32>, f32, f32) {
  // CHECK-COUNT-4: llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"
  // CHECK: llvm.call_intrinsic "llvm.nvvm.lg2.approx.ftz.f"
  // CHECK: llvm.call_intrinsic "llvm.nvvm.rcp.approx.ftz.f"
  %e = drawloom_gpu.exp2 %x : vector<1x2x2xf32>
  %l = drawloom_gpu.log2 %y : f32
  %r = drawloom_gpu.rcp %y : f32
  return %e, %l, %r : vector<1x2x2xf32>, f32, f32
}
