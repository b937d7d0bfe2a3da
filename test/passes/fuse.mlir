// Row ops on the same rows become one fusion; nothing is computed twice and values used outside become results.
// RUN: drawloom-opt %s --drawloom-fuse | FileCheck %s

// A chain from a product to the next product is one fusion with one result.
// CHECK-LABEL: func.func @chain
// CHECK: %[[P:.*]] = drawloom.matmul
// CHECK: %[[F:.*]] = drawloom.fusion(%[[P]], %arg2, %arg3, %arg0) {drawloom.label = "proj + residual"}
// CHECK: drawloom.bias_add
// CHECK: drawloom.dropout
// CHECK: %[[S:.*]] = drawloom.add
// CHECK: drawloom.yield %[[S]]
// CHECK: return %[[F]]
func.func @chain(%x: tensor<2x4x3xf32>, %w: tensor<3x3xf32>, %b: tensor<3xf32>, %rng: tensor<2xi64>) -> tensor<2x4x3xf32> {
  %0 = drawloom.matmul %x, %w {transpose_b} : (tensor<2x4x3xf32>, tensor<3x3xf32>) -> tensor<2x4x3xf32>
  %1 = drawloom.bias_add %0, %b {drawloom.label = "proj"} : (tensor<2x4x3xf32>, tensor<3xf32>) -> tensor<2x4x3xf32>
  %2 = drawloom.dropout %1, %rng {rate = 0.5 : f64, site = 0 : i64, drawloom.label = "residual"} : (tensor<2x4x3xf32>, tensor<2xi64>) -> tensor<2x4x3xf32>
  %3 = drawloom.add %x, %2 {drawloom.label = "residual"} : tensor<2x4x3xf32>
  return %3 : tensor<2x4x3xf32>
}

// A value that is also used outside is a result as well.
// CHECK-LABEL: func.func @used_outside
// CHECK: %[[F:.*]]:2 = drawloom.fusion(%arg0)
// CHECK: drawloom.matmul %[[F]]#0
// CHECK: return %[[F]]#1
func.func @used_outside(%x: tensor<4x3xf32>, %w: tensor<3x3xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>) {
  %0 = drawloom.gelu %x : tensor<4x3xf32>
  %1 = drawloom.gelu %0 : tensor<4x3xf32>
  %2 = drawloom.matmul %0, %w : (tensor<4x3xf32>, tensor<3x3xf32>) -> tensor<4x3xf32>
  return %1, %2 : tensor<4x3xf32>, tensor<4x3xf32>
}

// Joining the two gelus around the product would close a cycle.
// CHECK-LABEL: func.func @no_cycle
// CHECK-NOT: drawloom.fusion
// CHECK: %[[A:.*]] = drawloom.gelu
// CHECK: %[[B:.*]] = drawloom.matmul %[[A]]
// CHECK: drawloom.add %[[A]], %[[B]]
func.func @no_cycle(%x: tensor<4x3xf32>, %w: tensor<3x3xf32>) -> tensor<4x3xf32> {
  %0 = drawloom.gelu %x : tensor<4x3xf32>
  %1 = drawloom.matmul %0, %w : (tensor<4x3xf32>, tensor<3x3xf32>) -> tensor<4x3xf32>
  %2 = drawloom.add %0, %1 : tensor<4x3xf32>
  return %2 : tensor<4x3xf32>
}

// The same with a cycle through two groups: the first fusion takes in the sum, the second may not then join it.
// CHECK-LABEL: func.func @no_cycle_through_a_group
// CHECK: %[[A:.*]]:2 = drawloom.fusion(%arg0, %arg1)
// CHECK: drawloom.gelu
// CHECK: drawloom.add
// CHECK: drawloom.yield
// CHECK: %[[M:.*]] = drawloom.matmul %[[A]]#0
// CHECK: drawloom.add %[[A]]#1, %[[M]]
func.func @no_cycle_through_a_group(%x: tensor<4x3xf32>, %y: tensor<4x3xf32>, %w: tensor<3x3xf32>) -> tensor<4x3xf32> {
  %0 = drawloom.gelu %x : tensor<4x3xf32>
  %1 = drawloom.matmul %0, %w : (tensor<4x3xf32>, tensor<3x3xf32>) -> tensor<4x3xf32>
  %2 = drawloom.add %0, %y : tensor<4x3xf32>
  %3 = drawloom.add %2, %1 : tensor<4x3xf32>
  return %3 : tensor<4x3xf32>
}

// Two readers of the same rows are one fusion, though neither feeds the other; what stands between them moves before.
// CHECK-LABEL: func.func @siblings
// CHECK: drawloom.matmul
// CHECK: %[[F:.*]]:2 = drawloom.fusion(%arg0, %arg1)
// CHECK: drawloom.column_sum
// CHECK: drawloom.gelu_grad
// CHECK: drawloom.yield
func.func @siblings(%d: tensor<4x3xf32>, %x: tensor<4x3xf32>) -> (tensor<3xf32>, tensor<3x3xf32>, tensor<4x3xf32>) {
  %0 = drawloom.column_sum %d : (tensor<4x3xf32>) -> tensor<3xf32>
  %1 = drawloom.matmul %d, %x {transpose_a} : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<3x3xf32>
  %2 = drawloom.gelu_grad %d, %x : tensor<4x3xf32>
  return %0, %1, %2 : tensor<3xf32>, tensor<3x3xf32>, tensor<4x3xf32>
}

// A sum over rows is known after the last row, so nothing that needs it joins.
// CHECK-LABEL: func.func @not_across_a_column_sum
// CHECK-NOT: drawloom.fusion
// CHECK: return
func.func @not_across_a_column_sum(%x: tensor<1x3xf32>) -> tensor<1x3xf32> {
  %0 = drawloom.column_sum %x : (tensor<1x3xf32>) -> tensor<3xf32>
  %1 = drawloom.bias_add %x, %0 : (tensor<1x3xf32>, tensor<3xf32>) -> tensor<1x3xf32>
  return %1 : tensor<1x3xf32>
}

// Nor does an op that goes through other rows: a row of one here is an element of the other.
// CHECK-LABEL: func.func @not_other_rows
// CHECK-NOT: drawloom.fusion
// CHECK: return
func.func @not_other_rows(%x: tensor<2x4x3xf32>, %t: tensor<2x4xi32>, %y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = drawloom.cross_entropy %x, %t : (tensor<2x4x3xf32>, tensor<2x4xi32>) -> tensor<2x4xf32>
  %1 = drawloom.add %0, %y : tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// Statistics of a row travel inside; the loss and its gradient read the logits once.
// CHECK-LABEL: func.func @statistics
// CHECK: %[[F:.*]]:2 = drawloom.fusion(%arg0, %arg1, %arg2)
// CHECK: drawloom.cross_entropy
// CHECK: drawloom.cross_entropy_grad
// CHECK: drawloom.yield
// CHECK: drawloom.fusion
// CHECK: drawloom.layer_norm
// CHECK: drawloom.layer_norm_grad
// CHECK: drawloom.yield
func.func @statistics(%l: tensor<2x4x3xf32>, %t: tensor<2x4xi32>, %d: tensor<2x4xf32>, %x: tensor<2x4x3xf32>, %g: tensor<3xf32>)
    -> (tensor<2x4xf32>, tensor<2x4x3xf32>, tensor<2x4x3xf32>) {
  %0 = drawloom.cross_entropy %l, %t : (tensor<2x4x3xf32>, tensor<2x4xi32>) -> tensor<2x4xf32>
  %1 = drawloom.cross_entropy_grad %d, %l, %t : (tensor<2x4xf32>, tensor<2x4x3xf32>, tensor<2x4xi32>) -> tensor<2x4x3xf32>
  %o, %m, %r = drawloom.layer_norm %x, %g, %g : (tensor<2x4x3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<2x4x3xf32>, tensor<2x4xf32>, tensor<2x4xf32>)
  %dx, %dg, %db = drawloom.layer_norm_grad %o, %x, %g, %m, %r : (tensor<2x4x3xf32>, tensor<2x4x3xf32>, tensor<3xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4x3xf32>, tensor<3xf32>, tensor<3xf32>)
  return %0, %1, %dx : tensor<2x4xf32>, tensor<2x4x3xf32>, tensor<2x4x3xf32>
}

// CHECK-LABEL: func.func @inside_recompute
// CHECK: drawloom.recompute
// CHECK: drawloom.fusion
// CHECK: drawloom.yield
// CHECK: drawloom.yield
func.func @inside_recompute(%x: tensor<4x3xf32>) -> tensor<4x3xf32> {
  %0 = drawloom.recompute(%x) : (tensor<4x3xf32>) -> tensor<4x3xf32> {
  ^bb0(%a: tensor<4x3xf32>):
    %1 = drawloom.gelu %a : tensor<4x3xf32>
    %2 = drawloom.gelu %1 : tensor<4x3xf32>
    drawloom.yield %2 : tensor<4x3xf32>
  }
  return %0 : tensor<4x3xf32>
}

// CHECK-LABEL: func.func @update_and_average
// CHECK: drawloom.fusion
// CHECK: drawloom.adam
// CHECK: drawloom.ema
func.func @update_and_average(%p: tensor<2x3xf32>, %n: tensor<1xf32>, %h: tensor<16xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %a, %b, %c, %d = drawloom.adam %p, %p, %p, %p, %n, %h : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<1xf32>, tensor<16xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>)
  %e = drawloom.ema %p, %a, %n, %h : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<1xf32>, tensor<16xf32>) -> tensor<2x3xf32>
  return %a, %e : tensor<2x3xf32>, tensor<2x3xf32>
}
