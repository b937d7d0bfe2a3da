// Elementwise ops of a fusion share one loop over the columns; the last vector of a row is masked.
// RUN: drawloom-opt %s --drawloom-lower-rows | FileCheck %s

// CHECK-LABEL: func.func @bias_add_add(%arg0: memref<3x20xf32>, %arg1: memref<20xf32>, %arg2: memref<3x20xf32>, %arg3: index, %arg4: index)
// CHECK: scf.for %[[ITEM:.*]] = %arg3 to %arg4
// CHECK: scf.for %[[ROW:.*]] =
// CHECK: scf.for %[[C:.*]] = %c0 to %c16 step %c16
// CHECK-NEXT: %[[X:.*]] = vector.load %arg0[%[[ROW]], %[[C]]]
// CHECK-NEXT: %[[B:.*]] = vector.load %arg1[%[[C]]]
// CHECK-NEXT: %[[S:.*]] = arith.addf %[[X]], %[[B]]
// CHECK-NEXT: %[[T:.*]] = arith.addf %[[S]], %[[X]]
// CHECK-NEXT: vector.store %[[T]], %arg2[%[[ROW]], %[[C]]]
// CHECK: %[[MASK:.*]] = vector.constant_mask [4] : vector<16xi1>
// CHECK: vector.maskedload %arg0[%[[ROW]], %c16], %[[MASK]]
// CHECK: vector.maskedstore %arg2[%[[ROW]], %c16], %[[MASK]]
// CHECK-NOT: scf.for
func.func @f(%x: tensor<3x20xf32>, %b: tensor<20xf32>) -> tensor<3x20xf32> {
  %r = drawloom.fusion(%x, %b) : (tensor<3x20xf32>, tensor<20xf32>) -> tensor<3x20xf32> {
  ^bb0(%a0: tensor<3x20xf32>, %a1: tensor<20xf32>):
    %0 = drawloom.bias_add %a0, %a1 : (tensor<3x20xf32>, tensor<20xf32>) -> tensor<3x20xf32>
    %1 = drawloom.add %0, %a0 : tensor<3x20xf32>
    drawloom.yield %1 : tensor<3x20xf32>
  }
  return %r : tensor<3x20xf32>
}
