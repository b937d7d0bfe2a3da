// What is not a loss is an error.
// RUN: drawloom-opt %s --split-input-file --verify-diagnostics --drawloom-differentiate

// expected-error@+1 {{@loss must have one result, the tensor of negative log-likelihoods, got}}
func.func @loss(%x: tensor<4x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  return %x, %x : tensor<4x2xf32>, tensor<4x2xf32>
}

// -----

// expected-error@+1 {{parameter 0 of @loss has no drawloom.name}}
func.func @loss(%x: tensor<4x2xf32> {drawloom.role = "parameter"}) -> tensor<4x2xf32> {
  return %x : tensor<4x2xf32>
}

// -----

// expected-error@+1 {{@loss must have a body of one block}}
func.func private @loss(%x: tensor<4x2xf32> {drawloom.role = "parameter"}) -> tensor<4x2xf32>
