// RUN: not drawloom-opt %s -drawloom-lower-gpu-ops=target=sm_70 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not drawloom-opt %s -drawloom-lower-gpu-ops 2>&1 | FileCheck %s

// TARGET: error: expected target to be sm_90a or sm_80, got 'sm_70'
// CHECK: error: 'drawloom_gpu.load_fragment' op cannot be lowered: its tiles must come from shared_tile or subtile
func.func @argument(%t: !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>) -> vector<8x2x2xbf16> {
  %f = drawloom_gpu.load_fragment %t : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64> -> vector<8x2x2xbf16>
  return %f : vector<8x2x2xbf16>
}
