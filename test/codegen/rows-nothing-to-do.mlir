// What a fusion yields unchanged is its operand, and what nobody uses is not computed.
// RUN: drawloom-opt %s --drawloom-lower-rows | FileCheck %s

// CHECK-LABEL: func.func @unchanged
// CHECK-NEXT: return %arg0
func.func @unchanged(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %r = drawloom.fusion(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%a: tensor<4x8xf32>):
    drawloom.yield %a : tensor<4x8xf32>
  }
  return %r : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @unused
// CHECK-NEXT: %[[R:.*]] = drawloom.launch @kernels::@layer_norm grid 1(%arg0, %arg1, %arg1) {{.*}} -> tensor<4xf32>
// CHECK-NEXT: return %[[R]]
// CHECK-LABEL: func.func @layer_norm
// CHECK-COUNT-2: scf.for {{.*}} iter_args
// CHECK-NOT: scf.for
func.func @unused(%x: tensor<4x16xf32>, %g: tensor<16xf32>) -> tensor<4xf32> {
  %o, %mean, %rstd = drawloom.layer_norm %x, %g, %g : (tensor<4x16xf32>, tensor<16xf32>, tensor<16xf32>) -> (tensor<4x16xf32>, tensor<4xf32>, tensor<4xf32>)
  return %rstd : tensor<4xf32>
}
