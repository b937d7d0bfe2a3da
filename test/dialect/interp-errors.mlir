// What has no meaning is an error that says why.
// RUN: drawloom-interp %s

func.func @a_token_outside_the_table(%t: tensor<1x2xi32> {drawloom.value = dense<[[1, 3]]> : tensor<1x2xi32>}, %w: tensor<3x2xf64> {drawloom.random = 1})
    -> tensor<1x2x2xf64> attributes {drawloom.test, drawloom.fails = "a token must be in [0, 3), got 3"} {
  %o = drawloom.embed %t, %w positions () divisors [] : (tensor<1x2xi32>, tensor<3x2xf64>) -> tensor<1x2x2xf64>
  return %o : tensor<1x2x2xf64>
}

func.func @a_negative_offset(%t: tensor<1x1xi32> {drawloom.value = dense<0> : tensor<1x1xi32>}, %w: tensor<3x2xf64> {drawloom.random = 1}, %p: tensor<1xi64> {drawloom.value = dense<-1> : tensor<1xi64>})
    -> tensor<1x1x2xf64> attributes {drawloom.test, drawloom.fails = "the offset must not be negative, got -1"} {
  %o = drawloom.embed %t, %w positions () offset %p divisors [] : (tensor<1x1xi32>, tensor<3x2xf64>, tensor<1xi64>) -> tensor<1x1x2xf64>
  return %o : tensor<1x1x2xf64>
}

func.func @a_target_outside_the_classes(%l: tensor<1x2x3xf64> {drawloom.random = 1}, %t: tensor<1x2xi32> {drawloom.value = dense<[[0, -1]]> : tensor<1x2xi32>})
    -> tensor<1x2xf64> attributes {drawloom.test, drawloom.fails = "a target must be in [0, 3), got -1"} {
  %o = drawloom.cross_entropy %l, %t : (tensor<1x2x3xf64>, tensor<1x2xi32>) -> tensor<1x2xf64>
  return %o : tensor<1x2xf64>
}

func.func @a_position_beyond_the_cache(%q: tensor<1x1x2xf64> {drawloom.random = 1}, %c: tensor<1x4x2xf64> {drawloom.random = 2}, %p: tensor<1xi64> {drawloom.value = dense<4> : tensor<1xi64>})
    -> tensor<1x1x2xf64> attributes {drawloom.test, drawloom.fails = "the position must be in [0, 4), got 4"} {
  %o, %k, %v = drawloom.attention_decode %q, %q, %q, %c, %c at %p {pattern = #drawloom.pattern<"dense">, heads = 1 : i64, scale = 1.0 : f64} : (tensor<1x1x2xf64>, tensor<1x1x2xf64>, tensor<1x1x2xf64>, tensor<1x4x2xf64>, tensor<1x4x2xf64>, tensor<1xi64>) -> (tensor<1x1x2xf64>, tensor<1x4x2xf64>, tensor<1x4x2xf64>)
  return %o : tensor<1x1x2xf64>
}

func.func @a_view_beyond_the_sequence(%q: tensor<1x4x2xf64> {drawloom.random = 1})
    -> tensor<1x4x2xf64> attributes {drawloom.test, drawloom.fails = "the view's query position 4 is outside [0, 4)"} {
  %o, %l = drawloom.attend %q, %q, %q {heads = 1 : i64, scale = 1.0 : f64, view = #drawloom.view<heads = [0], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5)>} : (tensor<1x4x2xf64>, tensor<1x4x2xf64>, tensor<1x4x2xf64>) -> (tensor<1x4x2xf64>, tensor<1x1x4xf64>)
  return %o : tensor<1x4x2xf64>
}

func.func @a_launch(%x: tensor<4xf64> {drawloom.random = 1}) -> tensor<4xf64>
    attributes {drawloom.test, drawloom.fails = "'drawloom.launch' has no meaning in the reference interpreter"} {
  %y = drawloom.launch @kernels::@k grid 1(%x) : (tensor<4xf64>) -> tensor<4xf64>
  return %y : tensor<4xf64>
}
module @kernels {
  func.func private @k(memref<4xf64>, memref<4xf64>, index, index)
}

func.func @endless(%x: tensor<4xf64> {drawloom.random = 1}) -> tensor<4xf64>
    attributes {drawloom.test, drawloom.fails = "calls are nested more than 100 deep"} {
  %y = func.call @endless(%x) : (tensor<4xf64>) -> tensor<4xf64>
  return %y : tensor<4xf64>
}

func.func private @declared(tensor<4xf64>) -> tensor<4xf64>
func.func @a_function_without_body(%x: tensor<4xf64> {drawloom.random = 1}) -> tensor<4xf64>
    attributes {drawloom.test, drawloom.fails = "function @declared has no body"} {
  %y = func.call @declared(%x) : (tensor<4xf64>) -> tensor<4xf64>
  return %y : tensor<4xf64>
}

func.func @arguments_of_another_shape(%x: tensor<4xf64> {drawloom.value = dense<1.0> : tensor<5xf64>}) -> tensor<4xf64>
    attributes {drawloom.test, drawloom.fails = "argument 0 must be a 'tensor<4xf64>', got a tensor of floats [5]"} {
  return %x : tensor<4xf64>
}

func.func @a_gradient_through_statistics(%x: tensor<2x4xf64> {drawloom.random = 1}, %g: tensor<4xf64> {drawloom.random = 2}) -> tensor<2xf64>
    attributes {drawloom.test, drawloom.gradients, drawloom.fails = "DIFF2: gradients flow through its first result alone"} {
  %o, %m, %r = drawloom.layer_norm %x, %g, %g : (tensor<2x4xf64>, tensor<4xf64>, tensor<4xf64>) -> (tensor<2x4xf64>, tensor<2xf64>, tensor<2xf64>)
  return %m : tensor<2xf64>
}

func.func @a_gradient_through_an_op_without_rule(%x: tensor<2x4xf64> {drawloom.random = 1}) -> tensor<2x4xf64>
    attributes {drawloom.test, drawloom.gradients, drawloom.fails = "DIFF1: has no gradient rule, and the objective depends on it"} {
  %o = drawloom.gelu_grad %x, %x : tensor<2x4xf64>
  return %o : tensor<2x4xf64>
}

func.func @a_gradient_of_decoding(%t: tensor<1x1xi32> {drawloom.value = dense<0> : tensor<1x1xi32>}, %w: tensor<3x2xf64> {drawloom.random = 1}, %p: tensor<1xi64> {drawloom.value = dense<0> : tensor<1xi64>})
    -> tensor<1x1x2xf64> attributes {drawloom.test, drawloom.gradients, drawloom.fails = "DIFF3: an embedding with an offset is for decoding and has no gradient"} {
  %o = drawloom.embed %t, %w positions () offset %p divisors [] : (tensor<1x1xi32>, tensor<3x2xf64>, tensor<1xi64>) -> tensor<1x1x2xf64>
  return %o : tensor<1x1x2xf64>
}
