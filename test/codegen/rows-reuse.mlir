// A result may take over an operand's memory only if the operand is read for the last time in the loop that writes the result.
// RUN: drawloom-opt %s --drawloom-lower-rows | FileCheck %s

// The sum is written in the first loop, its operands are not read again: it may lie over the first.
// CHECK: drawloom.launch @kernels::@add_layer_norm {{.*}}drawloom.reuse = array<i64: 0, 1>
func.func @sum(%x: tensor<3x32xf32>, %y: tensor<3x32xf32>, %g: tensor<32xf32>, %b: tensor<32xf32>) -> (tensor<3x32xf32>, tensor<3x32xf32>) {
  %r:2 = drawloom.fusion(%x, %y, %g, %b) : (tensor<3x32xf32>, tensor<3x32xf32>, tensor<32xf32>, tensor<32xf32>) -> (tensor<3x32xf32>, tensor<3x32xf32>) {
  ^bb0(%a0: tensor<3x32xf32>, %a1: tensor<3x32xf32>, %a2: tensor<32xf32>, %a3: tensor<32xf32>):
    %0 = drawloom.add %a0, %a1 : tensor<3x32xf32>
    %o, %mean, %rstd = drawloom.layer_norm %0, %a2, %a3 : (tensor<3x32xf32>, tensor<32xf32>, tensor<32xf32>) -> (tensor<3x32xf32>, tensor<3xf32>, tensor<3xf32>)
    drawloom.yield %0, %o : tensor<3x32xf32>, tensor<3x32xf32>
  }
  return %r#0, %r#1 : tensor<3x32xf32>, tensor<3x32xf32>
}

// The gelu is written in the first loop, but its operand is read again in the others.
// CHECK: drawloom.launch @kernels::@gelu_layer_norm {{.*}}drawloom.reuse = array<i64: -1, 0>
func.func @later(%x: tensor<3x32xf32>, %g: tensor<32xf32>, %b: tensor<32xf32>) -> (tensor<3x32xf32>, tensor<3x32xf32>) {
  %r:2 = drawloom.fusion(%x, %g, %b) : (tensor<3x32xf32>, tensor<32xf32>, tensor<32xf32>) -> (tensor<3x32xf32>, tensor<3x32xf32>) {
  ^bb0(%a0: tensor<3x32xf32>, %a2: tensor<32xf32>, %a3: tensor<32xf32>):
    %0 = drawloom.gelu %a0 : tensor<3x32xf32>
    %o, %mean, %rstd = drawloom.layer_norm %a0, %a2, %a3 : (tensor<3x32xf32>, tensor<32xf32>, tensor<32xf32>) -> (tensor<3x32xf32>, tensor<3xf32>, tensor<3xf32>)
    drawloom.yield %0, %o : tensor<3x32xf32>, tensor<3x32xf32>
  }
  return %r#0, %r#1 : tensor<3x32xf32>, tensor<3x32xf32>
}
