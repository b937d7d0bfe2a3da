// Each rule of linear algebra and of the optimizer is enforced, and the message names it.
// RUN: drawloom-opt %s -split-input-file -verify-diagnostics

func.func @lin1(%x: tensor<2x5x8xf32>, %w: tensor<6x7xf32>) {
  // expected-error@+1 {{LIN1: weight must be [6, 8], got [6, 7]}}
  drawloom.linear %x, %w : (tensor<2x5x8xf32>, tensor<6x7xf32>) -> tensor<2x5x6xf32>
  return
}

// -----

func.func @lin2(%x: tensor<2x5x8xf32>, %w: tensor<6x8xf32>, %b: tensor<8xf32>) {
  // expected-error@+1 {{LIN2: bias must be [6], got [8]}}
  drawloom.linear %x, %w bias %b : (tensor<2x5x8xf32>, tensor<6x8xf32>, tensor<8xf32>) -> tensor<2x5x6xf32>
  return
}

// -----

func.func @lin3(%x: tensor<2x5x8xf32>, %w: tensor<6x8xf32>) {
  // expected-error@+1 {{LIN3: out must be [2, 5, 6], got [10, 6]}}
  drawloom.linear %x, %w : (tensor<2x5x8xf32>, tensor<6x8xf32>) -> tensor<10x6xf32>
  return
}

// -----

func.func @mm1(%a: tensor<5x8xf32>, %b: tensor<6x8xf32>) {
  // expected-error@+1 {{MM1: inner extents must agree, got 8 and 6}}
  drawloom.matmul %a, %b : (tensor<5x8xf32>, tensor<6x8xf32>) -> tensor<5x8xf32>
  return
}

// -----

func.func @mm1_rank(%a: tensor<8xf32>, %b: tensor<6x8xf32>) {
  // expected-error@+1 {{MM1: a must have at least 2 dimensions, got [8]}}
  drawloom.matmul %a, %b {transpose_b} : (tensor<8xf32>, tensor<6x8xf32>) -> tensor<1x6xf32>
  return
}

// -----

func.func @mm2(%a: tensor<2x5x8xf32>, %b: tensor<6x8xf32>) {
  // expected-error@+1 {{MM2: out must have 10 rows and 6 columns, got 5 and 6}}
  drawloom.matmul %a, %b {transpose_b} : (tensor<2x5x8xf32>, tensor<6x8xf32>) -> tensor<5x6xf32>
  return
}

// -----

func.func @mm3(%a: tensor<5x8xf32>, %b: tensor<6x8xf32>, %i: tensor<1x5x6xf32>) {
  // expected-error@+1 {{MM3: init must have out's type 'tensor<5x6xf32>', got 'tensor<1x5x6xf32>'}}
  drawloom.matmul %a, %b init %i {transpose_b} : (tensor<5x8xf32>, tensor<6x8xf32>, tensor<1x5x6xf32>) -> tensor<5x6xf32>
  return
}

// -----

func.func @mm5(%a: tensor<5x8xf32>, %b: tensor<6x8xf32>, %v: tensor<5xf32>) {
  // expected-error@+1 {{MM5: bias must be [6], got [5]}}
  drawloom.matmul %a, %b bias %v {transpose_b} : (tensor<5x8xf32>, tensor<6x8xf32>, tensor<5xf32>) -> tensor<5x6xf32>
  return
}

// -----

func.func @mm5_type(%a: tensor<5x8xbf16>, %b: tensor<6x8xbf16>, %v: tensor<6xf32>) {
  // expected-error@+1 {{MM5: bias must be of 'bf16', got 'f32'}}
  drawloom.matmul %a, %b bias %v {transpose_b} : (tensor<5x8xbf16>, tensor<6x8xbf16>, tensor<6xf32>) -> tensor<5x6xbf16>
  return
}

// -----

func.func @mm5_both(%a: tensor<5x8xf32>, %b: tensor<6x8xf32>, %i: tensor<5x6xf32>, %v: tensor<6xf32>) {
  // expected-error@+1 {{MM5: there must not be both init and bias}}
  drawloom.matmul %a, %b init %i bias %v {transpose_b} : (tensor<5x8xf32>, tensor<6x8xf32>, tensor<5x6xf32>, tensor<6xf32>) -> tensor<5x6xf32>
  return
}

// -----

func.func @norm1(%a: tensor<5x8xf32>) {
  // expected-error@+1 {{NORM1: norm must be [1], got []}}
  drawloom.global_norm %a : (tensor<5x8xf32>) -> tensor<f32>
  return
}

// -----

func.func @norm2() {
  // expected-error@+1 {{NORM2: expected at least one tensor, got none}}
  "drawloom.global_norm"() : () -> tensor<1xf32>
  return
}

// -----

func.func @adam1(%p: tensor<5xf32>, %g: tensor<5xf64>, %n: tensor<1xf32>, %h: tensor<16xf32>) {
  // expected-error@+1 {{ADAM1: grad must have param's type 'tensor<5xf32>', got 'tensor<5xf64>'}}
  drawloom.adam %p, %g, %p, %p, %n, %h : (tensor<5xf32>, tensor<5xf64>, tensor<5xf32>, tensor<5xf32>, tensor<1xf32>, tensor<16xf32>) -> (tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>)
  return
}

// -----

func.func @adam2(%p: tensor<5xf32>, %n: tensor<1xf32>, %h: tensor<9xf32>) {
  // expected-error@+1 {{ADAM2: hyper must be [16], got [9]}}
  drawloom.adam %p, %p, %p, %p, %n, %h : (tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<1xf32>, tensor<9xf32>) -> (tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>)
  return
}

// -----

func.func @ema1(%e: tensor<5xf32>, %p: tensor<4xf32>, %n: tensor<1xf32>, %h: tensor<16xf32>) {
  // expected-error@+1 {{EMA1: param must be [5], got [4]}}
  drawloom.ema %e, %p, %n, %h : (tensor<5xf32>, tensor<4xf32>, tensor<1xf32>, tensor<16xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @ema2(%e: tensor<5xf32>, %n: tensor<2xf32>, %h: tensor<16xf32>) {
  // expected-error@+1 {{EMA2: norm must be [1], got [2]}}
  drawloom.ema %e, %e, %n, %h : (tensor<5xf32>, tensor<5xf32>, tensor<2xf32>, tensor<16xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @lin4_factors(%x: tensor<2x3x4xbf16>, %w: tensor<5x4xf32>) {
  // expected-error@+1 {{LIN4: factors must have one element type, got 'bf16' and 'f32'}}
  drawloom.linear %x, %w : (tensor<2x3x4xbf16>, tensor<5x4xf32>) -> tensor<2x3x5xbf16>
  return
}

// -----

func.func @lin4_product(%x: tensor<2x3x4xbf16>, %w: tensor<5x4xbf16>) {
  // expected-error@+1 {{LIN4: the product of 'bf16' factors must have that type or f32, got 'f16'}}
  drawloom.linear %x, %w : (tensor<2x3x4xbf16>, tensor<5x4xbf16>) -> tensor<2x3x5xf16>
  return
}

// -----

func.func @mm4_product(%a: tensor<3x4xf32>, %b: tensor<4x5xf32>) {
  // expected-error@+1 {{MM4: the product of 'f32' factors must have that type, got 'bf16'}}
  drawloom.matmul %a, %b : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xbf16>
  return
}

// -----

func.func @sums_of_16_bit_products_may_be_f32(%a: tensor<3x4xf16>, %b: tensor<4x5xf16>, %c: tensor<3x5xf32>) {
  drawloom.matmul %a, %b init %c : (tensor<3x4xf16>, tensor<4x5xf16>, tensor<3x5xf32>) -> tensor<3x5xf32>
  return
}
