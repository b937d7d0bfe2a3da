// What cannot be lowered for a GPU is an error at the op.
// RUN: drawloom-opt %s --drawloom-lower-rows=target=sm_90a --split-input-file --verify-diagnostics

func.func @f(%x: tensor<4x8xf64>) -> tensor<4x8xf64> {
  // expected-error @+1 {{row operations on a GPU take f32, bf16 and f16, got 'tensor<4x8xf64>'}}
  %0 = drawloom.gelu %x : tensor<4x8xf64>
  return %0 : tensor<4x8xf64>
}

// -----

func.func @f(%x: tensor<4x8xf64>) -> tensor<1xf64> {
  // expected-error @+1 {{row operations on a GPU take f32, bf16 and f16, got 'tensor<4x8xf64>'}}
  %0 = drawloom.global_norm %x : (tensor<4x8xf64>) -> tensor<1xf64>
  return %0 : tensor<1xf64>
}

// -----

func.func @f(%d: tensor<1x4x8xbf16>, %t: tensor<1x4xi32>) -> tensor<5x8xbf16> {
  // expected-error @+1 {{gradients of tables are f32 on a GPU, got 'tensor<5x8xbf16>'}}
  %0 = drawloom.embed_grad %d, %t divisors [] : (tensor<1x4x8xbf16>, tensor<1x4xi32>) -> tensor<5x8xbf16>
  return %0 : tensor<5x8xbf16>
}
