// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention="target=sm_90a" | FileCheck %s
// On a GPU a work item is a block's: tiles fill shared memory, and gradients are two kernels where one would leave the card empty.

// CHECK: func.func @main
// CHECK: drawloom.launch @kernels::@attend grid
// CHECK: drawloom.launch @kernels::@attend_grad_q grid
// CHECK: drawloom.launch @kernels::@attend_grad_kv grid
// CHECK: module @kernels
// CHECK: func.func @attend(
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<64x64xf32>
func.func @main(%q: tensor<1x2048x512xf32>, %lse: tensor<1x8x2048xf32>) -> (tensor<1x2048x512xf32>, tensor<1x2048x512xf32>, tensor<1x2048x512xf32>, tensor<1x2048x512xf32>) {
  %out, %l = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"dense">, heads = 8 : i64, scale = 0.125 : f64} : (tensor<1x2048x512xf32>, tensor<1x2048x512xf32>, tensor<1x2048x512xf32>) -> (tensor<1x2048x512xf32>, tensor<1x8x2048xf32>)
  %dq, %dk, %dv = drawloom.attention_grad %q, %q, %q, %q, %out, %lse {pattern = #drawloom.pattern<"dense">, heads = 8 : i64, scale = 0.125 : f64} : (tensor<1x2048x512xf32>, tensor<1x2048x512xf32>, tensor<1x2048x512xf32>, tensor<1x2048x512xf32>, tensor<1x2048x512xf32>, tensor<1x8x2048xf32>) -> (tensor<1x2048x512xf32>, tensor<1x2048x512xf32>, tensor<1x2048x512xf32>)
  return %out, %dq, %dk, %dv : tensor<1x2048x512xf32>, tensor<1x2048x512xf32>, tensor<1x2048x512xf32>, tensor<1x2048x512xf32>
}
