// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention | FileCheck %s
// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention=target=sm_90a | FileCheck %s

// A piece without pairs needs no kernel: position 0 is no summary of its block, so there is nothing to attend to.
// CHECK-LABEL: func.func @forward
// CHECK-NOT: drawloom.launch
// CHECK-DAG: drawloom.fill 0.0
// CHECK-DAG: drawloom.fill 0xFFF0000000000000
// CHECK-NOT: drawloom.launch
func.func @forward(%q: tensor<2x1x256xbf16>) -> (tensor<2x1x256xbf16>, tensor<2x4x1xf32>) {
  %out, %lse = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"summary(48, c=3)">, heads = 4 : i64, scale = 0.125 : f64} : (tensor<2x1x256xbf16>, tensor<2x1x256xbf16>, tensor<2x1x256xbf16>) -> (tensor<2x1x256xbf16>, tensor<2x4x1xf32>)
  return %out, %lse : tensor<2x1x256xbf16>, tensor<2x4x1xf32>
}

// CHECK-LABEL: func.func @backward
// CHECK-NOT: attend_grad
// CHECK: drawloom.fill 0.0
// CHECK-NOT: attend_grad
func.func @backward(%q: tensor<2x1x256xbf16>, %lse: tensor<2x4x1xf32>) -> (tensor<2x1x256xbf16>, tensor<2x1x256xbf16>, tensor<2x1x256xbf16>) {
  %dq, %dk, %dv = drawloom.attention_grad %q, %q, %q, %q, %q, %lse {pattern = #drawloom.pattern<"summary(48, c=3)">, heads = 4 : i64, scale = 0.125 : f64} : (tensor<2x1x256xbf16>, tensor<2x1x256xbf16>, tensor<2x1x256xbf16>, tensor<2x1x256xbf16>, tensor<2x1x256xbf16>, tensor<2x4x1xf32>) -> (tensor<2x1x256xbf16>, tensor<2x1x256xbf16>, tensor<2x1x256xbf16>)
  return %dq, %dk, %dv : tensor<2x1x256xbf16>, tensor<2x1x256xbf16>, tensor<2x1x256xbf16>
}
