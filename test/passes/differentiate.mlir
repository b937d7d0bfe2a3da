// @loss becomes @gradient: accumulated gradients come in behind the parameters and go out, the cotangent of nll is the last
// argument, and each derivative is added to the old gradient.
// RUN: drawloom-opt %s --drawloom-differentiate | FileCheck %s

// CHECK-NOT: @loss
// CHECK-LABEL: func.func @gradient(
// CHECK-SAME: %[[W:[a-z0-9]+]]: tensor<3x2xf32> {drawloom.decay, drawloom.init = 5.000000e-01 : f64, drawloom.name = "w", drawloom.role = "parameter"}
// CHECK-SAME: %[[U:[a-z0-9]+]]: tensor<5xf32> {drawloom.name = "unused", drawloom.role = "parameter"}
// CHECK-SAME: %[[WG:[a-z0-9]+]]: tensor<3x2xf32> {drawloom.name = "w.grad", drawloom.role = "gradient"}
// CHECK-SAME: %[[UG:[a-z0-9]+]]: tensor<5xf32> {drawloom.name = "unused.grad", drawloom.role = "gradient"}
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<4x2xf32> {drawloom.name = "x", drawloom.role = "io"}
// CHECK-SAME: %[[D:[a-z0-9]+]]: tensor<4x3xf32> {drawloom.name = "loss_weights", drawloom.role = "io"}
// CHECK-SAME: -> (tensor<4x3xf32> {drawloom.name = "nll"}, tensor<3x2xf32> {drawloom.name = "w.grad"}, tensor<5xf32> {drawloom.name = "unused.grad"})
// CHECK: %[[NLL:.*]] = drawloom.linear %[[X]], %[[W]]
// CHECK: %[[DW:.*]] = drawloom.matmul %[[D]], %[[X]] {{.*}}transpose_a
// CHECK: %[[SUM:.*]] = drawloom.add %[[WG]], %[[DW]]
// CHECK: return %[[NLL]], %[[SUM]], %[[UG]]
func.func @loss(%w: tensor<3x2xf32> {drawloom.name = "w", drawloom.role = "parameter", drawloom.init = 0.5 : f64, drawloom.decay},
                %u: tensor<5xf32> {drawloom.name = "unused", drawloom.role = "parameter"},
                %x: tensor<4x2xf32> {drawloom.name = "x", drawloom.role = "io"}) -> (tensor<4x3xf32> {drawloom.name = "nll"}) {
  %0 = drawloom.linear %x, %w {drawloom.label = "out"} : (tensor<4x2xf32>, tensor<3x2xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}
