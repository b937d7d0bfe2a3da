// Regions, calls and constants mean what their bodies mean.
// RUN: drawloom-interp %s

func.func @gelu_twice(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %a = drawloom.gelu %x : tensor<3x4xf64>
  %b = drawloom.gelu %a : tensor<3x4xf64>
  return %b : tensor<3x4xf64>
}

func.func @segment(%x: tensor<3x4xf64> {drawloom.random = 1}) -> tensor<3x4xf64> attributes {drawloom.test, drawloom.equals = @gelu_twice} {
  %y:2 = drawloom.segment(%x) {kept = 1 : i64} : (tensor<3x4xf64>) -> (tensor<3x4xf64>, tensor<3x4xf64>) {
  ^bb0(%r: tensor<3x4xf64>):
    %a = drawloom.gelu %r : tensor<3x4xf64>
    %b = drawloom.gelu %a : tensor<3x4xf64>
    drawloom.yield %b, %a : tensor<3x4xf64>, tensor<3x4xf64>
  }
  return %y#0 : tensor<3x4xf64>
}

func.func @recompute(%x: tensor<3x4xf64> {drawloom.random = 1}) -> tensor<3x4xf64> attributes {drawloom.test, drawloom.equals = @gelu_twice} {
  %y = drawloom.recompute(%x) : (tensor<3x4xf64>) -> tensor<3x4xf64> {
  ^bb0(%r: tensor<3x4xf64>):
    %a = drawloom.gelu %r : tensor<3x4xf64>
    %b = drawloom.gelu %a : tensor<3x4xf64>
    drawloom.yield %b : tensor<3x4xf64>
  }
  return %y : tensor<3x4xf64>
}

func.func @fusion(%x: tensor<3x4xf64> {drawloom.random = 1}) -> tensor<3x4xf64> attributes {drawloom.test, drawloom.equals = @gelu_twice} {
  %y = drawloom.fusion(%x) : (tensor<3x4xf64>) -> tensor<3x4xf64> {
  ^bb0(%r: tensor<3x4xf64>):
    %a = drawloom.gelu %r : tensor<3x4xf64>
    %b = drawloom.gelu %a : tensor<3x4xf64>
    drawloom.yield %b : tensor<3x4xf64>
  }
  return %y : tensor<3x4xf64>
}

func.func @call(%x: tensor<3x4xf64> {drawloom.random = 1}) -> tensor<3x4xf64> attributes {drawloom.test, drawloom.equals = @gelu_twice} {
  %y = func.call @gelu_twice(%x) : (tensor<3x4xf64>) -> tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}

func.func @constants() -> (tensor<3xf64> {drawloom.expect = dense<[4.0, 6.0, 8.0]> : tensor<3xf64>}, tensor<2xi64> {drawloom.expect = dense<[-1, 7]> : tensor<2xi64>}) attributes {drawloom.test} {
  %a = arith.constant dense<[1.0, 3.0, 5.0]> : tensor<3xf64>
  %b = arith.constant dense<3.0> : tensor<3xf64>
  %c = drawloom.add %a, %b : tensor<3xf64>
  %d = arith.constant dense<[-1, 7]> : tensor<2xi64>
  return %c, %d : tensor<3xf64>, tensor<2xi64>
}
