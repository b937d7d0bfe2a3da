// The check of a memory plan finds each kind of mistake. The plans here are written by hand.
// RUN: drawloom-opt %s --split-input-file --verify-diagnostics --drawloom-verify-memory

module attributes {drawloom.buffers = [{arena = "io", name = "a", dtype = "f32", offset = 0 : i64, bytes = 64 : i64, shape = array<i64: 4, 4>}]} {
  func.func @no_place(%a: tensor<4x4xf32> {drawloom.name = "a", drawloom.place = array<i64: 0, 0>}) -> (tensor<4x4xf32> {drawloom.name = "a"}) {
    // expected-error@+1 {{@no_place: MEM1: a value has no place}}
    %0 = drawloom.matmul %a, %a : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    return %0 : tensor<4x4xf32>
  }
}

// -----

module attributes {drawloom.buffers = [{arena = "io", name = "a", dtype = "f32", offset = 0 : i64, bytes = 60 : i64, shape = array<i64: 4, 4>}]} {
  // expected-error@+1 {{MEM1: a value of 'tensor<4x4xf32>' at offset 0 exceeds its buffer of 60 bytes}}
  func.func @too_small(%a: tensor<4x4xf32> {drawloom.name = "a", drawloom.place = array<i64: 0, 0>}) {
    return
  }
}

// -----

module attributes {drawloom.buffers = [{arena = "io", name = "a", dtype = "f32", offset = 0 : i64, bytes = 64 : i64, shape = array<i64: 4, 4>}]} {
  func.func @outside_its_lifetime(%a: tensor<4x4xf32> {drawloom.name = "a", drawloom.place = array<i64: 0, 0>}) -> (tensor<4x4xf32> {drawloom.name = "a"})
      attributes {drawloom.locals = [{dtype = "f32", offset = 0 : i64, bytes = 64 : i64, shape = array<i64: 4, 4>, first = 0 : i64, last = 0 : i64}]} {
    %0 = drawloom.matmul %a, %a {drawloom.places = array<i64: 1, 0>} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    // expected-error@+1 {{MEM2: command 1 touches local 0 outside its lifetime [0, 0]}}
    %1 = drawloom.matmul %0, %0 {drawloom.places = array<i64: 0, 0>} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    return %1 : tensor<4x4xf32>
  }
}

// -----

module attributes {drawloom.buffers = [{arena = "io", name = "a", dtype = "f32", offset = 0 : i64, bytes = 64 : i64, shape = array<i64: 4, 4>}]} {
  func.func @wrong_buffer(%a: tensor<4x4xf32> {drawloom.name = "a", drawloom.place = array<i64: 0, 0>}) -> (tensor<4x4xf32> {drawloom.name = "a"})
      attributes {drawloom.locals = [{dtype = "f32", offset = 0 : i64, bytes = 64 : i64, shape = array<i64: 4, 4>, first = 0 : i64, last = 0 : i64}]} {
    // expected-error@+1 {{MEM3: does not lie in buffer "a"}}
    %0 = drawloom.matmul %a, %a {drawloom.places = array<i64: 1, 0>} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    return %0 : tensor<4x4xf32>
  }
}

// -----

module attributes {drawloom.buffers = [{arena = "io", name = "a", dtype = "f32", offset = 0 : i64, bytes = 64 : i64, shape = array<i64: 4, 4>}]} {
  func.func @written_over_its_own_operand(%a: tensor<4x4xf32> {drawloom.name = "a", drawloom.place = array<i64: 0, 0>}) -> (tensor<4x4xf32> {drawloom.name = "a"}) {
    // expected-error@+1 {{MEM4:}}
    %0 = drawloom.matmul %a, %a {drawloom.places = array<i64: 0, 0>} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    return %0 : tensor<4x4xf32>
  }
}

// -----

// Two locals of one arena overlap by half while both are alive.
module attributes {drawloom.buffers = [{arena = "io", name = "a", dtype = "f32", offset = 0 : i64, bytes = 64 : i64, shape = array<i64: 4, 4>}]} {
  func.func @overlapping_locals(%a: tensor<4x4xf32> {drawloom.name = "a", drawloom.place = array<i64: 0, 0>}) -> (tensor<4x4xf32> {drawloom.name = "a"})
      attributes {drawloom.locals = [{dtype = "f32", offset = 0 : i64, bytes = 64 : i64, shape = array<i64: 4, 4>, first = 0 : i64, last = 2 : i64},
                                     {dtype = "f32", offset = 32 : i64, bytes = 64 : i64, shape = array<i64: 4, 4>, first = 1 : i64, last = 2 : i64}]} {
    %0 = drawloom.matmul %a, %a {drawloom.places = array<i64: 1, 0>} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    // expected-error@+1 {{MEM4:}}
    %1 = drawloom.matmul %a, %a {drawloom.places = array<i64: 2, 0>} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %2 = drawloom.matmul %0, %1 {drawloom.places = array<i64: 0, 0>} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    return %2 : tensor<4x4xf32>
  }
}

// -----

// Columns of one buffer side by side do not overlap, overlapping columns do.
module attributes {drawloom.buffers = [{arena = "io", name = "a", dtype = "f32", offset = 0 : i64, bytes = 64 : i64, shape = array<i64: 4, 4>},
                                       {arena = "io", name = "b", dtype = "f32", offset = 64 : i64, bytes = 128 : i64, shape = array<i64: 4, 8>}]} {
  func.func @side_by_side(%a: tensor<4x4xf32> {drawloom.name = "a", drawloom.place = array<i64: 0, 0>}) -> (tensor<4x8xf32> {drawloom.name = "b"}) {
    %0 = drawloom.matmul %a, %a {drawloom.places = array<i64: 1, 0>} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %1 = drawloom.matmul %a, %a {drawloom.places = array<i64: 1, 16>} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %2 = drawloom.concat %0, %1 {drawloom.places = array<i64: 1, 0>} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x8xf32>
    return %2 : tensor<4x8xf32>
  }
  func.func @one_column_too_far_left(%a: tensor<4x4xf32> {drawloom.name = "a", drawloom.place = array<i64: 0, 0>}) -> (tensor<4x8xf32> {drawloom.name = "b"}) {
    %0 = drawloom.matmul %a, %a {drawloom.places = array<i64: 1, 0>} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    // expected-error@+1 {{MEM4:}}
    %1 = drawloom.matmul %a, %a {drawloom.places = array<i64: 1, 12>} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %2 = drawloom.concat %0, %1 {drawloom.places = array<i64: 1, 0>} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x8xf32>
    return %2 : tensor<4x8xf32>
  }
}

// -----

module attributes {drawloom.buffers = [{arena = "io", name = "a", dtype = "f32", offset = 0 : i64, bytes = 64 : i64, shape = array<i64: 4, 4>},
                                       {arena = "io", name = "b", dtype = "f32", offset = 64 : i64, bytes = 64 : i64, shape = array<i64: 4, 4>}]} {
  func.func @two_results_in_one_place(%a: tensor<4x4xf32> {drawloom.name = "a", drawloom.place = array<i64: 0, 0>}) {
    // expected-error@+1 {{MEM4: two results of one op share memory}}
    %0:2 = drawloom.launch @kernels::@two grid 1(%a) {drawloom.places = array<i64: 1, 0, 1, 0>} : (tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>)
    return
  }
  module @kernels {
    func.func @two(%a: memref<4x4xf32>, %b: memref<4x4xf32>, %c: memref<4x4xf32>, %begin: index, %end: index) {
      return
    }
  }
}

// -----

module attributes {drawloom.buffers = [{arena = "io", name = "a", dtype = "f32", offset = 0 : i64, bytes = 128 : i64, shape = array<i64: 4, 8>},
                                       {arena = "io", name = "b", dtype = "f32", offset = 128 : i64, bytes = 64 : i64, shape = array<i64: 4, 4>}]} {
  func.func @wrong_stride(%a: tensor<4x8xf32> {drawloom.name = "a", drawloom.place = array<i64: 0, 0>}) -> (tensor<4x4xf32> {drawloom.name = "b"}) {
    %p:2 = drawloom.split %a {drawloom.places = array<i64: 0, 0, 0, 16>} : (tensor<4x8xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>)
    // expected-error@+1 {{MEM5: kernel @kernels::@one takes 'memref<4x4xf32>' where rows are 8 elements apart}}
    %0 = drawloom.launch @kernels::@one grid 1(%p#1) {drawloom.places = array<i64: 1, 0>} : (tensor<4x4xf32>) -> tensor<4x4xf32>
    return %0 : tensor<4x4xf32>
  }
  module @kernels {
    func.func @one(%a: memref<4x4xf32>, %b: memref<4x4xf32>, %begin: index, %end: index) {
      return
    }
  }
}

// -----

module attributes {drawloom.buffers = [{arena = "io", name = "a", dtype = "f32", offset = 0 : i64, bytes = 64 : i64, shape = array<i64: 4, 4>},
                                       {arena = "io", name = "b", dtype = "f32", offset = 64 : i64, bytes = 64 : i64, shape = array<i64: 4, 4>}]} {
  func.func @tied_elsewhere(%a: tensor<4x4xf32> {drawloom.name = "a", drawloom.place = array<i64: 0, 0>}) -> (tensor<4x4xf32> {drawloom.name = "b"}) {
    // expected-error@+1 {{MEM5: a result does not lie where the operand lies that it is written over}}
    %0 = drawloom.launch @kernels::@one grid 1(%a) {inplace = array<i64: 0>, drawloom.places = array<i64: 1, 0>} : (tensor<4x4xf32>) -> tensor<4x4xf32>
    return %0 : tensor<4x4xf32>
  }
  module @kernels {
    func.func @one(%a: memref<4x4xf32>, %begin: index, %end: index) {
      return
    }
  }
}
