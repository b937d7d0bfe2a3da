// A phase's verify pass names what is left.
// RUN: drawloom-opt %s --split-input-file --verify-diagnostics --drawloom-verify-graph --drawloom-verify-loops

func.func @linear(%x: tensor<4x3xf32>, %w: tensor<5x3xf32>) -> tensor<4x5xf32> {
  // expected-error@+1 {{'drawloom.linear' op is left after the graph phase}}
  %0 = drawloom.linear %x, %w : (tensor<4x3xf32>, tensor<5x3xf32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// -----

func.func @segment(%x: tensor<4x3xf32>) -> tensor<4x3xf32> {
  // expected-error@+1 {{'drawloom.segment' op is left after the graph phase}}
  %0 = drawloom.segment(%x) : (tensor<4x3xf32>) -> tensor<4x3xf32> {
  ^bb0(%a: tensor<4x3xf32>):
    drawloom.yield %a : tensor<4x3xf32>
  }
  return %0 : tensor<4x3xf32>
}

// -----

func.func @attention(%q: tensor<1x4x2xf32>) -> tensor<1x4x2xf32> {
  // expected-error@+1 {{'drawloom.attention' op is left after the graph phase}}
  %o, %l = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"dense">, heads = 1 : i64, scale = 1.0 : f64}
    : (tensor<1x4x2xf32>, tensor<1x4x2xf32>, tensor<1x4x2xf32>) -> (tensor<1x4x2xf32>, tensor<1x1x4xf32>)
  return %o : tensor<1x4x2xf32>
}

// -----

func.func @row_op(%x: tensor<4x3xf32>) -> tensor<4x3xf32> {
  // expected-error@+1 {{'drawloom.gelu' op is left after the loops phase}}
  %0 = drawloom.gelu %x : tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}
