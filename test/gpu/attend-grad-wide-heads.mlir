// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention=target=sm_90a | FileCheck %s
// With 256 + 256 channels the accumulators of dK and dV do not fit a thread's registers together: dV has a launch of its own.

// CHECK: launch @kernels::@attend_grad grid
// CHECK: launch @kernels::@attend_grad_v grid
func.func @f(%q: tensor<1x200x256xbf16>, %lse: tensor<1x1x200xf32>) -> (tensor<1x200x256xbf16>, tensor<1x200x256xbf16>, tensor<1x200x256xbf16>) {
  %dq, %dk, %dv = drawloom.attention_grad %q, %q, %q, %q, %q, %lse {pattern = #drawloom.pattern<"dense">, heads = 1 : i64, scale = 0.0625 : f64}
    : (tensor<1x200x256xbf16>, tensor<1x200x256xbf16>, tensor<1x200x256xbf16>, tensor<1x200x256xbf16>, tensor<1x200x256xbf16>, tensor<1x1x200xf32>)
    -> (tensor<1x200x256xbf16>, tensor<1x200x256xbf16>, tensor<1x200x256xbf16>)
  return %dq, %dk, %dv : tensor<1x200x256xbf16>, tensor<1x200x256xbf16>, tensor<1x200x256xbf16>
}
