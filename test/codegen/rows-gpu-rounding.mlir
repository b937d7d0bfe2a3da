// Inside a fusion too, the result of an op is what its type can hold: fusing changes no bits. Two lanes are rounded by one instruction.
// RUN: drawloom-opt %s --drawloom-lower-rows=target=sm_90a | FileCheck %s

// CHECK-LABEL: func.func @add_gelu
// CHECK: %[[SUM:.*]] = arith.addf
// CHECK: %[[HIGH:.*]] = vector.extract %[[SUM]][1]
// CHECK: %[[LOW:.*]] = vector.extract %[[SUM]][0]
// CHECK: llvm.call_intrinsic "llvm.nvvm.ff2bf16x2.rn"(%[[HIGH]], %[[LOW]]) : (f32, f32) -> vector<2xbf16>
// CHECK-COUNT-3: "llvm.nvvm.ff2bf16x2.rn"
// CHECK: %[[NARROW:.*]] = vector.from_elements
// CHECK: %[[X:.*]] = arith.extf %[[NARROW]] : vector<8xbf16> to vector<8xf32>
// CHECK: arith.mulf %[[X]]
// CHECK: llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"
// CHECK: llvm.call_intrinsic "llvm.nvvm.rcp.approx.ftz.f"
func.func @f(%x: tensor<64x512xbf16>, %y: tensor<64x512xbf16>) -> tensor<64x512xbf16> {
  %r = drawloom.fusion(%x, %y) : (tensor<64x512xbf16>, tensor<64x512xbf16>) -> tensor<64x512xbf16> {
  ^bb0(%a: tensor<64x512xbf16>, %b: tensor<64x512xbf16>):
    %0 = drawloom.add %a, %b : tensor<64x512xbf16>
    %1 = drawloom.gelu %0 : tensor<64x512xbf16>
    drawloom.yield %1 : tensor<64x512xbf16>
  }
  return %r : tensor<64x512xbf16>
}
