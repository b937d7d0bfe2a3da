// What cannot be lowered is an error at the op.
// RUN: drawloom-opt %s --drawloom-lower-rows --split-input-file --verify-diagnostics

func.func @f(%x: tensor<4x8xf64>) -> tensor<4x8xf64> {
  // expected-error @+1 {{compiled row operations compute in f32, got 'tensor<4x8xf64>'}}
  %0 = drawloom.gelu %x : tensor<4x8xf64>
  return %0 : tensor<4x8xf64>
}

// -----

func.func @f(%x: tensor<4x8xf64>) -> tensor<1xf64> {
  // expected-error @+1 {{compiled row operations compute in f32, got 'tensor<4x8xf64>'}}
  %0 = drawloom.global_norm %x : (tensor<4x8xf64>) -> tensor<1xf64>
  return %0 : tensor<1xf64>
}

// -----

func.func @f(%x: tensor<4x8xf32>, %y: tensor<3x8xf32>, %b: tensor<8xf32>) -> (tensor<4x8xf32>, tensor<3x8xf32>) {
  %r:2 = drawloom.fusion(%x, %y, %b) : (tensor<4x8xf32>, tensor<3x8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<3x8xf32>) {
  ^bb0(%a0: tensor<4x8xf32>, %a1: tensor<3x8xf32>, %a2: tensor<8xf32>):
    %0 = drawloom.bias_add %a0, %a2 : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
    // expected-error @+1 {{expected 4 rows as in the fusion's first op, got 3}}
    %1 = drawloom.bias_add %a1, %a2 : (tensor<3x8xf32>, tensor<8xf32>) -> tensor<3x8xf32>
    drawloom.yield %0, %1 : tensor<4x8xf32>, tensor<3x8xf32>
  }
  return %r#0, %r#1 : tensor<4x8xf32>, tensor<3x8xf32>
}
