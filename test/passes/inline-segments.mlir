// A segment's ops go back into the function; also an argument that it yields unchanged.
// RUN: drawloom-opt %s --drawloom-inline-segments | FileCheck %s

// CHECK-LABEL: func.func @f
// CHECK-NOT: drawloom.segment
// CHECK: %[[G:.*]] = drawloom.gelu %arg0
// CHECK: %[[S:.*]] = drawloom.add %[[G]], %arg0
// CHECK: return %[[S]]
func.func @f(%x: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %0:2 = drawloom.segment(%x) {kept = 0 : i64} : (tensor<4x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  ^bb0(%a: tensor<4x2xf32>):
    %1 = drawloom.gelu %a : tensor<4x2xf32>
    drawloom.yield %1, %a : tensor<4x2xf32>, tensor<4x2xf32>
  }
  %2 = drawloom.add %0#0, %0#1 : tensor<4x2xf32>
  return %2 : tensor<4x2xf32>
}
