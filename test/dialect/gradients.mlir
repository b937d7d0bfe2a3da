// The gradient of every differentiable op agrees with central differences in float64.
// RUN: drawloom-interp --check-gradients %s

func.func @embed(%t: tensor<2x5xi32> {drawloom.random = 1, drawloom.below = 3}, %w: tensor<3x4xf64> {drawloom.random = 2}, %p: tensor<3x4xf64> {drawloom.random = 3}, %q: tensor<2x4xf64> {drawloom.random = 4})
    -> tensor<2x5x4xf64> attributes {drawloom.test} {
  %o = drawloom.embed %t, %w positions (%p, %q) divisors [1, 3] : (tensor<2x5xi32>, tensor<3x4xf64>, tensor<3x4xf64>, tensor<2x4xf64>) -> tensor<2x5x4xf64>
  return %o : tensor<2x5x4xf64>
}

func.func @layer_norm(%x: tensor<2x3x5xf64> {drawloom.random = 1}, %g: tensor<5xf64> {drawloom.random = 2}, %b: tensor<5xf64> {drawloom.random = 3})
    -> tensor<2x3x5xf64> attributes {drawloom.test} {
  %o, %m, %r = drawloom.layer_norm %x, %g, %b : (tensor<2x3x5xf64>, tensor<5xf64>, tensor<5xf64>) -> (tensor<2x3x5xf64>, tensor<2x3xf64>, tensor<2x3xf64>)
  return %o : tensor<2x3x5xf64>
}

func.func @linear(%x: tensor<2x3x4xf64> {drawloom.random = 1}, %w: tensor<5x4xf64> {drawloom.random = 2}, %b: tensor<5xf64> {drawloom.random = 3})
    -> tensor<2x3x5xf64> attributes {drawloom.test} {
  %o = drawloom.linear %x, %w bias %b : (tensor<2x3x4xf64>, tensor<5x4xf64>, tensor<5xf64>) -> tensor<2x3x5xf64>
  return %o : tensor<2x3x5xf64>
}

func.func @linear_without_bias(%x: tensor<2x3x4xf64> {drawloom.random = 1}, %w: tensor<5x4xf64> {drawloom.random = 2})
    -> tensor<2x3x5xf64> attributes {drawloom.test} {
  %o = drawloom.linear %x, %w : (tensor<2x3x4xf64>, tensor<5x4xf64>) -> tensor<2x3x5xf64>
  return %o : tensor<2x3x5xf64>
}

func.func @add_to_itself(%x: tensor<3x4xf64> {drawloom.random = 1}, %y: tensor<3x4xf64> {drawloom.random = 2})
    -> tensor<3x4xf64> attributes {drawloom.test} {
  %a = drawloom.add %x, %y : tensor<3x4xf64>
  %b = drawloom.add %a, %a : tensor<3x4xf64>
  %c = drawloom.add %b, %x : tensor<3x4xf64>
  return %c : tensor<3x4xf64>
}

func.func @cast(%x: tensor<3x4xf64> {drawloom.random = 1}) -> tensor<3x4xf32> attributes {drawloom.test} {
  %a = drawloom.cast %x : tensor<3x4xf64> to tensor<3x4xbf16>
  %b = drawloom.gelu %a : tensor<3x4xbf16>
  %c = drawloom.cast %b : tensor<3x4xbf16> to tensor<3x4xf32>
  return %c : tensor<3x4xf32>
}

// The copy's gradients, one of them f32, are added up in f32.
func.func @a_16_bit_copy_read_by_a_product_and_by_rows(%x: tensor<4x4xf64> {drawloom.random = 1}, %w: tensor<4x4xf64> {drawloom.random = 2}, %b: tensor<4xf64> {drawloom.random = 3})
    -> (tensor<4x4xf32>, tensor<4x4xbf16>) attributes {drawloom.test} {
  %a = drawloom.cast %x : tensor<4x4xf64> to tensor<4x4xbf16>
  %c = drawloom.cast %w : tensor<4x4xf64> to tensor<4x4xbf16>
  %d = drawloom.gelu %c : tensor<4x4xbf16>
  %o = drawloom.linear %a, %c bias %b : (tensor<4x4xbf16>, tensor<4x4xbf16>, tensor<4xf64>) -> tensor<4x4xf32>
  return %o, %d : tensor<4x4xf32>, tensor<4x4xbf16>
}

func.func @gelu(%x: tensor<3x4xf64> {drawloom.random = 1, drawloom.scale = 4.0}) -> tensor<3x4xf64> attributes {drawloom.test} {
  %o = drawloom.gelu %x : tensor<3x4xf64>
  return %o : tensor<3x4xf64>
}

func.func @dropout(%x: tensor<3x4xf64> {drawloom.random = 1}, %r: tensor<2xi64> {drawloom.value = dense<[5, 6]> : tensor<2xi64>})
    -> tensor<3x4xf64> attributes {drawloom.test} {
  %o = drawloom.dropout %x, %r {rate = 0.3 : f64, site = 2 : i64} : (tensor<3x4xf64>, tensor<2xi64>) -> tensor<3x4xf64>
  return %o : tensor<3x4xf64>
}

func.func @split(%x: tensor<2x3x5xf64> {drawloom.random = 1}) -> (tensor<2x3x2xf64>, tensor<2x3x3xf64>) attributes {drawloom.test} {
  %a, %b = drawloom.split %x : (tensor<2x3x5xf64>) -> (tensor<2x3x2xf64>, tensor<2x3x3xf64>)
  return %a, %b : tensor<2x3x2xf64>, tensor<2x3x3xf64>
}

func.func @split_with_an_unused_part(%x: tensor<2x3x5xf64> {drawloom.random = 1}) -> tensor<2x3x3xf64> attributes {drawloom.test} {
  %a, %b = drawloom.split %x : (tensor<2x3x5xf64>) -> (tensor<2x3x2xf64>, tensor<2x3x3xf64>)
  return %b : tensor<2x3x3xf64>
}

func.func @cross_entropy(%l: tensor<2x3x5xf64> {drawloom.random = 1, drawloom.scale = 3.0}, %t: tensor<2x3xi32> {drawloom.random = 2, drawloom.below = 5})
    -> tensor<2x3xf64> attributes {drawloom.test} {
  %o = drawloom.cross_entropy %l, %t : (tensor<2x3x5xf64>, tensor<2x3xi32>) -> tensor<2x3xf64>
  return %o : tensor<2x3xf64>
}

func.func @attention_fixed(%q: tensor<2x7x6xf64> {drawloom.random = 1}, %k: tensor<2x7x6xf64> {drawloom.random = 2}, %v: tensor<2x7x4xf64> {drawloom.random = 3})
    -> tensor<2x7x4xf64> attributes {drawloom.test} {
  %o, %l = drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"fixed(4, c=2)">, heads = 2 : i64, scale = 0.7 : f64} : (tensor<2x7x6xf64>, tensor<2x7x6xf64>, tensor<2x7x4xf64>) -> (tensor<2x7x4xf64>, tensor<2x2x7xf64>)
  return %o : tensor<2x7x4xf64>
}

func.func @attention_with_empty_rows(%q: tensor<1x7x6xf64> {drawloom.random = 1}, %k: tensor<1x7x6xf64> {drawloom.random = 2}, %v: tensor<1x7x4xf64> {drawloom.random = 3})
    -> tensor<1x7x4xf64> attributes {drawloom.test} {
  %o, %l = drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"summary(4, c=2)">, heads = 2 : i64, scale = 0.7 : f64} : (tensor<1x7x6xf64>, tensor<1x7x6xf64>, tensor<1x7x4xf64>) -> (tensor<1x7x4xf64>, tensor<1x2x7xf64>)
  return %o : tensor<1x7x4xf64>
}

func.func @attention_by_formula(%q: tensor<1x7x2xf64> {drawloom.random = 1}, %k: tensor<1x7x2xf64> {drawloom.random = 2}, %v: tensor<1x7x3xf64> {drawloom.random = 3})
    -> tensor<1x7x3xf64> attributes {drawloom.test} {
  %o, %l = drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"i + j < 9 and (i - j) mod 3 != 1">, heads = 1 : i64, scale = 0.7 : f64} : (tensor<1x7x2xf64>, tensor<1x7x2xf64>, tensor<1x7x3xf64>) -> (tensor<1x7x3xf64>, tensor<1x1x7xf64>)
  return %o : tensor<1x7x3xf64>
}

func.func @an_argument_without_influence(%x: tensor<3xf64> {drawloom.random = 1}, %y: tensor<3xf64> {drawloom.random = 2}) -> tensor<3xf64> attributes {drawloom.test} {
  %o = drawloom.gelu %x : tensor<3xf64>
  %p = drawloom.gelu %y : tensor<3xf64>
  return %o : tensor<3xf64>
}

func.func @segment(%x: tensor<2x3x4xf64> {drawloom.random = 1}, %w: tensor<4x4xf64> {drawloom.random = 2}, %r: tensor<2xi64> {drawloom.value = dense<[5, 6]> : tensor<2xi64>})
    -> tensor<2x3x4xf64> attributes {drawloom.test} {
  %y = drawloom.segment(%x, %w, %r) : (tensor<2x3x4xf64>, tensor<4x4xf64>, tensor<2xi64>) -> tensor<2x3x4xf64> {
  ^bb0(%a: tensor<2x3x4xf64>, %b: tensor<4x4xf64>, %rng: tensor<2xi64>):
    %c = drawloom.linear %a, %b : (tensor<2x3x4xf64>, tensor<4x4xf64>) -> tensor<2x3x4xf64>
    %d = drawloom.gelu %c : tensor<2x3x4xf64>
    %e = drawloom.linear %d, %b : (tensor<2x3x4xf64>, tensor<4x4xf64>) -> tensor<2x3x4xf64>
    %f = drawloom.dropout %e, %rng {rate = 0.3 : f64, site = 2 : i64} : (tensor<2x3x4xf64>, tensor<2xi64>) -> tensor<2x3x4xf64>
    %g = drawloom.add %f, %a : tensor<2x3x4xf64>
    drawloom.yield %g : tensor<2x3x4xf64>
  }
  return %y : tensor<2x3x4xf64>
}

func.func @segment_that_keeps_attention(%x: tensor<2x7x4xf64> {drawloom.random = 1}, %w: tensor<4x4xf64> {drawloom.random = 2}) -> tensor<2x7x4xf64> attributes {drawloom.test} {
  %y:3 = drawloom.segment(%x, %w) {kept = 2 : i64} : (tensor<2x7x4xf64>, tensor<4x4xf64>) -> (tensor<2x7x4xf64>, tensor<2x7x4xf64>, tensor<2x2x7xf64>) {
  ^bb0(%a: tensor<2x7x4xf64>, %b: tensor<4x4xf64>):
    %q = drawloom.linear %a, %b : (tensor<2x7x4xf64>, tensor<4x4xf64>) -> tensor<2x7x4xf64>
    %o, %l = drawloom.attention %q, %q, %a {drawloom.keep, pattern = #drawloom.pattern<"strided(3)">, heads = 2 : i64, scale = 0.7 : f64} : (tensor<2x7x4xf64>, tensor<2x7x4xf64>, tensor<2x7x4xf64>) -> (tensor<2x7x4xf64>, tensor<2x2x7xf64>)
    %c = drawloom.linear %o, %b : (tensor<2x7x4xf64>, tensor<4x4xf64>) -> tensor<2x7x4xf64>
    %d = drawloom.add %c, %a : tensor<2x7x4xf64>
    drawloom.yield %d, %o, %l : tensor<2x7x4xf64>, tensor<2x7x4xf64>, tensor<2x2x7xf64>
  }
  return %y#0 : tensor<2x7x4xf64>
}

func.func @segment_within_a_segment(%x: tensor<2x3xf64> {drawloom.random = 1}) -> tensor<2x3xf64> attributes {drawloom.test} {
  %y = drawloom.segment(%x) : (tensor<2x3xf64>) -> tensor<2x3xf64> {
  ^bb0(%a: tensor<2x3xf64>):
    %b = drawloom.gelu %a : tensor<2x3xf64>
    %c = drawloom.segment(%b) : (tensor<2x3xf64>) -> tensor<2x3xf64> {
    ^bb0(%d: tensor<2x3xf64>):
      %e = drawloom.gelu %d : tensor<2x3xf64>
      %f = drawloom.add %e, %d : tensor<2x3xf64>
      drawloom.yield %f : tensor<2x3xf64>
    }
    drawloom.yield %c : tensor<2x3xf64>
  }
  return %y : tensor<2x3xf64>
}
