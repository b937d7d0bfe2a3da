// Each rule of the ops with regions and of launches is enforced, and the message names it.
// RUN: drawloom-opt %s -split-input-file -verify-diagnostics

func.func @seg1(%x: tensor<4xf32>) {
  // expected-error@+1 {{SEG1: the region's arguments must have the operands' types ('tensor<4xf32>'), got ('tensor<5xf32>')}}
  drawloom.segment(%x) : (tensor<4xf32>) -> tensor<5xf32> {
  ^bb0(%a: tensor<5xf32>):
    drawloom.yield %a : tensor<5xf32>
  }
  return
}

// -----

func.func @seg2(%x: tensor<4xf32>) {
  // expected-error@+1 {{SEG2: yielded values must have the results' types ('tensor<5xf32>'), got ('tensor<4xf32>')}}
  drawloom.segment(%x) : (tensor<4xf32>) -> tensor<5xf32> {
  ^bb0(%a: tensor<4xf32>):
    drawloom.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @seg3(%x: tensor<4xf32>) {
  // expected-error@+1 {{SEG3: kept must be in [0, 1], got 2}}
  drawloom.segment(%x) {kept = 2 : i64} : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    drawloom.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @rec1(%x: tensor<4xf32>) {
  // expected-error@+1 {{REC1: the region's arguments must have the operands' types}}
  drawloom.recompute(%x) : (tensor<4xf32>) -> tensor<4xf32> {
    %a = drawloom.fill 0.0 : tensor<4xf32>
    drawloom.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @rec2(%x: tensor<4xf32>) {
  // expected-error@+1 {{REC2: yielded values must have the results' types}}
  drawloom.recompute(%x) : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  ^bb0(%a: tensor<4xf32>):
    drawloom.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @fuse1(%x: tensor<4xf32>) {
  // expected-error@+1 {{FUSE1: the region's arguments must have the operands' types}}
  drawloom.fusion(%x) : (tensor<4xf32>) -> tensor<5xf32> {
  ^bb0(%a: tensor<5xf32>):
    drawloom.yield %a : tensor<5xf32>
  }
  return
}

// -----

func.func @fuse2(%x: tensor<4xf32>) {
  // expected-error@+1 {{FUSE2: yielded values must have the results' types}}
  drawloom.fusion(%x) : (tensor<4xf32>) -> tensor<5xf32> {
  ^bb0(%a: tensor<4xf32>):
    drawloom.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @fuse3(%x: tensor<4x4xf32>) {
  // expected-error@+1 {{FUSE3: expected only row operations inside, after at most one matmul, got 'drawloom.matmul'}}
  drawloom.fusion(%x) : (tensor<4x4xf32>) -> tensor<4x4xf32> {
  ^bb0(%a: tensor<4x4xf32>):
    %b = drawloom.matmul %a, %a : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %c = drawloom.matmul %b, %a : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    drawloom.yield %c : tensor<4x4xf32>
  }
  return
}

// -----

func.func @fuse3_delta(%x: tensor<1x4x4xf32>) {
  // expected-error@+1 {{FUSE3: expected only row operations inside, after at most one matmul, got 'drawloom.attention_delta'}}
  drawloom.fusion(%x) : (tensor<1x4x4xf32>) -> tensor<1x2x4xf32> {
  ^bb0(%a: tensor<1x4x4xf32>):
    %b = drawloom.attention_delta %a, %a {heads = 2 : i64} : (tensor<1x4x4xf32>, tensor<1x4x4xf32>) -> tensor<1x2x4xf32>
    drawloom.yield %b : tensor<1x2x4xf32>
  }
  return
}

// -----

func.func @fuse4(%x: tensor<4x4xf32>) {
  // expected-error@+1 {{FUSE4: expected a product without bias, and without init but for a weight's gradient}}
  drawloom.fusion(%x) : (tensor<4x4xf32>) -> tensor<4x4xf32> {
  ^bb0(%a: tensor<4x4xf32>):
    %b = drawloom.matmul %a, %a init %a : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    drawloom.yield %b : tensor<4x4xf32>
  }
  return
}

// -----

func.func @fuse4_bias(%x: tensor<4x4xf32>, %y: tensor<4xf32>) {
  // expected-error@+1 {{FUSE4: expected a product without bias}}
  drawloom.fusion(%x, %y) : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32> {
  ^bb0(%a: tensor<4x4xf32>, %v: tensor<4xf32>):
    %b = drawloom.matmul %a, %a bias %v {transpose_a} : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
    drawloom.yield %b : tensor<4x4xf32>
  }
  return
}

// -----

func.func @launch1_missing(%x: tensor<4xf32>) {
  // expected-error@+1 {{LAUNCH1: there is no kernel @kernels::@k}}
  drawloom.launch @kernels::@k grid 1(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

module @kernels {
  func.func @k(%x: memref<4xf32>, %begin: index, %end: index) { return }
}
func.func @launch1_count(%x: tensor<4xf32>) {
  // expected-error@+1 {{LAUNCH1: kernel @kernels::@k must take 4 arguments (2 memrefs, 0 scalars, begin, end), got 3}}
  drawloom.launch @kernels::@k grid 1(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

module @kernels {
  func.func @k(%x: memref<4xf32>, %y: memref<5xf32>, %begin: index, %end: index) { return }
}
func.func @launch1_type(%x: tensor<4xf32>) {
  // expected-error@+1 {{LAUNCH1: argument 1 of the kernel must be a memref for 'tensor<4xf32>', got 'memref<5xf32>'}}
  drawloom.launch @kernels::@k grid 1(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

module @kernels {
  func.func @k(%x: memref<4xf32>, %scalar: index, %begin: index, %end: i64) { return }
}
func.func @launch1_index(%x: tensor<4xf32>) {
  // expected-error@+1 {{LAUNCH1: argument 3 of the kernel must be an index, got 'i64'}}
  drawloom.launch @kernels::@k grid 1(%x) {scalars = array<i64: 7>, inplace = array<i64: 0>} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

module @kernels {
  func.func @k(%x: memref<4xf32>, %begin: index, %end: index) { return }
}
func.func @launch2_type(%x: tensor<4xf32>) {
  // expected-error@+1 {{LAUNCH2: result 0 of type 'tensor<2x2xf32>' is tied to an operand of type 'tensor<4xf32>'}}
  drawloom.launch @kernels::@k grid 1(%x) {inplace = array<i64: 0>} : (tensor<4xf32>) -> tensor<2x2xf32>
  return
}

// -----

module @kernels {
  func.func @k(%x: memref<4xf32>, %begin: index, %end: index) { return }
}
func.func @launch2_twice(%x: tensor<4xf32>) {
  // expected-error@+1 {{LAUNCH2: operand 0 is tied to two results}}
  drawloom.launch @kernels::@k grid 1(%x) {inplace = array<i64: 0, 0>} : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

module @kernels {
  func.func @k(%x: memref<4xf32>, %begin: index, %end: index) { return }
}
func.func @launch2_range(%x: tensor<4xf32>) {
  // expected-error@+1 {{LAUNCH2: result 0 is tied to operand 1 of 1}}
  drawloom.launch @kernels::@k grid 1(%x) {inplace = array<i64: 1>} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

module @kernels {
  func.func @k(%x: memref<4xf32>, %begin: index, %end: index) { return }
}
func.func @launch2_length(%x: tensor<4xf32>) {
  // expected-error@+1 {{LAUNCH2: inplace must have one entry for each of 1 results, got 2}}
  drawloom.launch @kernels::@k grid 1(%x) {inplace = array<i64: 0, -1>} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

module @kernels {
  func.func @k(%x: memref<4xf32>, %begin: index, %end: index) { return }
}
func.func @launch3(%x: tensor<4xf32>) {
  // expected-error@+1 {{LAUNCH3: grid must not be negative, got -1}}
  drawloom.launch @kernels::@k grid -1(%x) {inplace = array<i64: 0>} : (tensor<4xf32>) -> tensor<4xf32>
  return
}
