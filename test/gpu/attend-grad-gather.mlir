// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention=target=sm_90a | FileCheck %s
// Columns of unequal length are no boxes: their rows come by 16-byte copies, with zeros for rows that a column does not have.

// CHECK: func.func @attend_grad_slices
// CHECK-NOT: tma_load
// CHECK: copy_async {{.*}} if
// CHECK: copy_async_wait 0
func.func @f(%q: tensor<2x650x128xbf16>, %d: tensor<2x650x128xbf16>, %lse: tensor<2x2x650xf32>) -> (tensor<2x650x128xbf16>, tensor<2x650x128xbf16>, tensor<2x650x128xbf16>) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %q, %lse {pattern = #drawloom.pattern<"column(16)">, heads = 2 : i64, scale = 0.125 : f64}
    : (tensor<2x650x128xbf16>, tensor<2x650x128xbf16>, tensor<2x650x128xbf16>, tensor<2x650x128xbf16>, tensor<2x650x128xbf16>, tensor<2x2x650xf32>)
    -> (tensor<2x650x128xbf16>, tensor<2x650x128xbf16>, tensor<2x650x128xbf16>)
  return %dq, %dk, %dv : tensor<2x650x128xbf16>, tensor<2x650x128xbf16>, tensor<2x650x128xbf16>
}
