// An elementwise op that is marked is computed again beside the backward ops that read its operand, not where that operand was made.
// RUN: drawloom-opt %s --drawloom-form-segments=mode=elementwise --drawloom-differentiate | FileCheck %s --check-prefix=GRADIENT
// RUN: drawloom-opt %s --drawloom-form-segments=mode=elementwise --drawloom-differentiate --drawloom-decompose --drawloom-fuse | FileCheck %s --check-prefix=FUSED
// RUN: drawloom-opt %s --drawloom-form-segments=mode=none --drawloom-differentiate --drawloom-decompose --drawloom-fuse | FileCheck %s --check-prefix=KEPT

// GRADIENT-LABEL: func.func @gradient
// GRADIENT: %[[H:.*]] = drawloom.linear %{{.*}} bias
// GRADIENT: %[[G:.*]] = drawloom.gelu %[[H]] {drawloom.segment = "layers.0.ff"}
// GRADIENT: drawloom.linear %[[G]]
// GRADIENT: %[[AGAIN:.*]] = drawloom.gelu %[[H]] {drawloom.repeat
// GRADIENT: drawloom.matmul %{{.*}}, %[[AGAIN]] {{.*}}transpose_a
// GRADIENT: drawloom.gelu_grad %{{.*}}, %[[H]]

// The forward fusion gives gelu(h) alone, the backward one gelu(h) and dh; the weight's gradient comes after it.
// FUSED-LABEL: func.func @gradient
// FUSED: drawloom.fusion
// FUSED: drawloom.bias_add
// FUSED: drawloom.gelu
// FUSED: drawloom.cross_entropy_grad
// FUSED: drawloom.yield
// FUSED: %[[BACK:.*]]:2 = drawloom.fusion
// FUSED: drawloom.gelu
// FUSED: drawloom.gelu_grad
// FUSED: drawloom.matmul %{{.*}}, %[[BACK]]#{{[01]}} {{.*}}transpose_a

// KEPT-LABEL: func.func @gradient
// KEPT: drawloom.gelu
// KEPT-NOT: drawloom.gelu %
func.func @loss(%w: tensor<6x2xf32> {drawloom.name = "w", drawloom.role = "parameter"}, %b: tensor<6xf32> {drawloom.name = "b", drawloom.role = "io"},
                %v: tensor<2x6xf32> {drawloom.name = "v", drawloom.role = "parameter"}, %x: tensor<1x4x2xf32> {drawloom.name = "x", drawloom.role = "io"},
                %t: tensor<1x4xi32> {drawloom.name = "targets", drawloom.role = "io"}) -> (tensor<1x4xf32> {drawloom.name = "nll"}) {
  %0 = drawloom.linear %x, %w bias %b {drawloom.segment = "layers.0.ff"} : (tensor<1x4x2xf32>, tensor<6x2xf32>, tensor<6xf32>) -> tensor<1x4x6xf32>
  %1 = drawloom.gelu %0 {drawloom.segment = "layers.0.ff"} : tensor<1x4x6xf32>
  %2 = drawloom.linear %1, %v {drawloom.segment = "layers.0.ff"} : (tensor<1x4x6xf32>, tensor<2x6xf32>) -> tensor<1x4x2xf32>
  %nll = drawloom.cross_entropy %2, %t : (tensor<1x4x2xf32>, tensor<1x4xi32>) -> tensor<1x4xf32>
  return %nll : tensor<1x4xf32>
}
