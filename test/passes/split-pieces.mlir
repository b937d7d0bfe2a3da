// A pattern's pieces are chained; the first one starts from nothing.
// RUN: drawloom-opt %s --drawloom-split-pieces | FileCheck %s

// The summaries continue from the block.
// CHECK-LABEL: func.func @fixed
// CHECK-NOT: drawloom.fill
// CHECK: %[[O1:.*]], %[[L1:.*]] = drawloom.attend %arg0, %arg1, %arg2 {drawloom.label = "layers.0.attention"
// CHECK: %[[O2:.*]], %[[L2:.*]] = drawloom.attend %arg0, %arg1, %arg2 from %[[O1]], %[[L1]]
// CHECK: return %[[O2]], %[[L2]]
func.func @fixed(%q: tensor<1x12x4xf32>, %k: tensor<1x12x4xf32>, %v: tensor<1x12x4xf32>) -> (tensor<1x12x4xf32>, tensor<1x2x12xf32>) {
  %o, %l = drawloom.attention %q, %k, %v {drawloom.label = "layers.0.attention", pattern = #drawloom.pattern<"fixed(4, c=2)">, heads = 2 : i64, scale = 1.0 : f64}
    : (tensor<1x12x4xf32>, tensor<1x12x4xf32>, tensor<1x12x4xf32>) -> (tensor<1x12x4xf32>, tensor<1x2x12xf32>)
  return %o, %l : tensor<1x12x4xf32>, tensor<1x2x12xf32>
}

// Before the first summary key there is nothing to attend to: 0 and -inf.
// CHECK-LABEL: func.func @nothing
// CHECK: %[[O:.*]] = drawloom.fill 0.000000e+00
// CHECK: %[[L:.*]] = drawloom.fill 0xFFF0000000000000
// CHECK-NOT: drawloom.attend
// CHECK: return %[[O]], %[[L]]
func.func @nothing(%q: tensor<1x2x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x1x2xf32>) {
  %o, %l = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"summary(4, c=2)">, heads = 1 : i64, scale = 1.0 : f64}
    : (tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x1x2xf32>)
  return %o, %l : tensor<1x2x4xf32>, tensor<1x1x2xf32>
}

// Backward: delta once, then a chain through dq, dk and dv.
// CHECK-LABEL: func.func @fixed_grad
// CHECK-NOT: drawloom.fill
// CHECK: %[[D:.*]] = drawloom.attention_delta %arg0, %arg4
// CHECK: %[[DQ:.*]], %[[DK:.*]], %[[DV:.*]] = drawloom.attend_grad %arg0, %arg1, %arg2, %arg3, %arg5, %[[D]]
// CHECK: %[[DQ2:.*]], %[[DK2:.*]], %[[DV2:.*]] = drawloom.attend_grad {{.*}} from %[[DQ]], %[[DK]], %[[DV]] 
// CHECK: return %[[DQ2]], %[[DK2]], %[[DV2]]
func.func @fixed_grad(%d: tensor<1x12x4xf32>, %q: tensor<1x12x4xf32>, %k: tensor<1x12x4xf32>, %v: tensor<1x12x4xf32>, %o: tensor<1x12x4xf32>, %l: tensor<1x2x12xf32>)
    -> (tensor<1x12x4xf32>, tensor<1x12x4xf32>, tensor<1x12x4xf32>) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %k, %v, %o, %l {pattern = #drawloom.pattern<"fixed(4, c=2)">, heads = 2 : i64, scale = 1.0 : f64}
    : (tensor<1x12x4xf32>, tensor<1x12x4xf32>, tensor<1x12x4xf32>, tensor<1x12x4xf32>, tensor<1x12x4xf32>, tensor<1x2x12xf32>) -> (tensor<1x12x4xf32>, tensor<1x12x4xf32>, tensor<1x12x4xf32>)
  return %dq, %dk, %dv : tensor<1x12x4xf32>, tensor<1x12x4xf32>, tensor<1x12x4xf32>
}

// What a view leaves out is 0 by the meaning of the op.
// CHECK-LABEL: func.func @summary_grad
// CHECK-NOT: drawloom.fill
// CHECK: drawloom.attend_grad
// CHECK-NOT: from
func.func @summary_grad(%d: tensor<1x12x4xf32>, %o: tensor<1x12x4xf32>, %l: tensor<1x2x12xf32>) -> (tensor<1x12x4xf32>, tensor<1x12x4xf32>, tensor<1x12x4xf32>) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %d, %d, %d, %o, %l {pattern = #drawloom.pattern<"summary(4, c=2)">, heads = 2 : i64, scale = 1.0 : f64}
    : (tensor<1x12x4xf32>, tensor<1x12x4xf32>, tensor<1x12x4xf32>, tensor<1x12x4xf32>, tensor<1x12x4xf32>, tensor<1x2x12xf32>) -> (tensor<1x12x4xf32>, tensor<1x12x4xf32>, tensor<1x12x4xf32>)
  return %dq, %dk, %dv : tensor<1x12x4xf32>, tensor<1x12x4xf32>, tensor<1x12x4xf32>
}

// Pieces of different heads are one chain too.
// CHECK-LABEL: func.func @by_head
// CHECK: drawloom.attend %arg0, %arg0, %arg0 {
// CHECK-SAME: heads = [0],
// CHECK: drawloom.attend {{.*}} from
// CHECK-SAME: heads = [1],
func.func @by_head(%q: tensor<1x12x4xf32>) -> (tensor<1x12x4xf32>, tensor<1x2x12xf32>) {
  %o, %l = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"heads(local(4), block(4))">, heads = 2 : i64, scale = 1.0 : f64}
    : (tensor<1x12x4xf32>, tensor<1x12x4xf32>, tensor<1x12x4xf32>) -> (tensor<1x12x4xf32>, tensor<1x2x12xf32>)
  return %o, %l : tensor<1x12x4xf32>, tensor<1x2x12xf32>
}
