// What cannot be given a buffer is an error.
// RUN: drawloom-opt %s --split-input-file --verify-diagnostics --drawloom-plan-memory

// expected-error@+1 {{argument 0 of @f needs drawloom.name}}
func.func @f(%x: tensor<4xf32>) {
  return
}

// -----

// expected-error@+1 {{result 0 of @f needs drawloom.name}}
func.func @f(%x: tensor<4xf32> {drawloom.name = "x"}) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// expected-error@+1 {{argument 0 of @f has an unknown role 'weight'}}
func.func @f(%x: tensor<4xf32> {drawloom.name = "x", drawloom.role = "weight"}) {
  return
}

// -----

// expected-error@+1 {{two results of @f are named 'x'}}
func.func @f(%x: tensor<4xf32> {drawloom.name = "x"}) -> (tensor<4xf32> {drawloom.name = "x"}, tensor<4xf32> {drawloom.name = "x"}) {
  return %x, %x : tensor<4xf32>, tensor<4xf32>
}

// -----

func.func @f(%x: tensor<4xf32> {drawloom.name = "x"}) {
  return
}
// expected-error@+1 {{buffer 'x' has two types: 'tensor<4xf32>' and 'tensor<5xf32>'}}
func.func @g(%x: tensor<5xf32> {drawloom.name = "x"}) {
  return
}

// -----

func.func @f(%x: tensor<4xf32> {drawloom.name = "x", drawloom.role = "io"}) {
  return
}
// expected-error@+1 {{buffer 'x' has two roles: io and cache}}
func.func @g(%x: tensor<4xf32> {drawloom.name = "x", drawloom.role = "cache"}) {
  return
}

// -----

// expected-error@+1 {{buffer 'x' must be a tensor of static shape and known element type, got 'tensor<4xi1>'}}
func.func @f(%x: tensor<4xi1> {drawloom.name = "x"}) {
  return
}

// -----

// expected-error@+1 {{buffer 'x.grad' has role gradient but belongs to no parameter of its type}}
module {
  func.func @f(%x: tensor<4xf32> {drawloom.name = "x.grad", drawloom.role = "gradient"}) {
    return
  }
}

// -----

// expected-error@+1 {{internal error: no memory for 'y' in @f; drawloom-insert-copies must run before drawloom-plan-memory}}
func.func @f(%x: tensor<4xf32> {drawloom.name = "x"}) -> (tensor<4xf32> {drawloom.name = "y"}) {
  return %x : tensor<4xf32>
}
