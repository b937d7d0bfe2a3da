// Each rule of the row operations is enforced, and the message names it.
// RUN: drawloom-opt %s -split-input-file -verify-diagnostics

func.func @shape1_dynamic(%x: tensor<?x4xf32>) {
  // expected-error@+1 {{SHAPE1: operand 0 must have positive static extents, got 'tensor<?x4xf32>'}}
  drawloom.gelu %x : tensor<?x4xf32>
  return
}

// -----

func.func @shape1_empty(%x: tensor<0x4xf32>) {
  // expected-error@+1 {{SHAPE1: operand 0 must have positive static extents, got 'tensor<0x4xf32>'}}
  drawloom.gelu %x : tensor<0x4xf32>
  return
}

// -----

func.func @shape1_result() {
  // expected-error@+1 {{SHAPE1: result 0 must have positive static extents}}
  drawloom.fill 0.0 : tensor<?xf32>
  return
}

// -----

func.func @embed1(%t: tensor<2x5xi32>, %w: tensor<257x8xf32>, %p: tensor<5x7xf32>) {
  // expected-error@+1 {{EMBED1: a position table must have 8 columns, got 7}}
  drawloom.embed %t, %w positions (%p) divisors [1] : (tensor<2x5xi32>, tensor<257x8xf32>, tensor<5x7xf32>) -> tensor<2x5x8xf32>
  return
}

// -----

func.func @embed2_count(%t: tensor<2x5xi32>, %w: tensor<257x8xf32>, %p: tensor<5x8xf32>) {
  // expected-error@+1 {{EMBED2: expected one divisor for each of 1 position tables, got 2}}
  drawloom.embed %t, %w positions (%p) divisors [1, 2] : (tensor<2x5xi32>, tensor<257x8xf32>, tensor<5x8xf32>) -> tensor<2x5x8xf32>
  return
}

// -----

func.func @embed2_sign(%t: tensor<2x5xi32>, %w: tensor<257x8xf32>, %p: tensor<5x8xf32>) {
  // expected-error@+1 {{EMBED2: divisors must be positive, got 0}}
  drawloom.embed %t, %w positions (%p) divisors [0] : (tensor<2x5xi32>, tensor<257x8xf32>, tensor<5x8xf32>) -> tensor<2x5x8xf32>
  return
}

// -----

func.func @embed3(%t: tensor<2x5xi32>, %w: tensor<257x8xf32>) {
  // expected-error@+1 {{EMBED3: out must be [2, 5, 8], got [2, 6, 8]}}
  drawloom.embed %t, %w positions () divisors [] : (tensor<2x5xi32>, tensor<257x8xf32>) -> tensor<2x6x8xf32>
  return
}

// -----

func.func @embed4(%t: tensor<2x1xi32>, %w: tensor<257x8xf32>, %o: tensor<2xi64>) {
  // expected-error@+1 {{EMBED4: offset must be [1], got [2]}}
  drawloom.embed %t, %w positions () offset %o divisors [] : (tensor<2x1xi32>, tensor<257x8xf32>, tensor<2xi64>) -> tensor<2x1x8xf32>
  return
}

// -----

func.func @embedg1(%d: tensor<2x4x8xf32>, %t: tensor<2x5xi32>) {
  // expected-error@+1 {{EMBEDG1: dout must be [2, 5, 8], got [2, 4, 8]}}
  drawloom.embed_grad %d, %t divisors [] : (tensor<2x4x8xf32>, tensor<2x5xi32>) -> tensor<257x8xf32>
  return
}

// -----

func.func @embedg2(%d: tensor<2x5x8xf32>, %t: tensor<2x5xi32>) {
  // expected-error@+1 {{EMBEDG2: expected 2 results, got 1}}
  drawloom.embed_grad %d, %t divisors [1] : (tensor<2x5x8xf32>, tensor<2x5xi32>) -> tensor<257x8xf32>
  return
}

// -----

func.func @embedg3(%d: tensor<2x5x8xf32>, %t: tensor<2x5xi32>) {
  // expected-error@+1 {{EMBEDG3: divisors must be positive, got -1}}
  drawloom.embed_grad %d, %t divisors [-1] : (tensor<2x5x8xf32>, tensor<2x5xi32>) -> (tensor<257x8xf32>, tensor<5x8xf32>)
  return
}

// -----

func.func @ln1(%x: tensor<2x5x8xf32>, %g: tensor<8xf32>, %b: tensor<7xf32>) {
  // expected-error@+1 {{LN1: beta must be [8], got [7]}}
  drawloom.layer_norm %x, %g, %b : (tensor<2x5x8xf32>, tensor<8xf32>, tensor<7xf32>) -> (tensor<2x5x8xf32>, tensor<2x5xf32>, tensor<2x5xf32>)
  return
}

// -----

func.func @ln2(%x: tensor<2x5x8xf32>, %g: tensor<8xf32>) {
  // expected-error@+1 {{LN2: rstd must be [2, 5], got [2, 5, 1]}}
  drawloom.layer_norm %x, %g, %g : (tensor<2x5x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5xf32>, tensor<2x5x1xf32>)
  return
}

// -----

func.func @ln3(%x: tensor<2x5x8xf32>, %g: tensor<8xf32>) {
  // expected-error@+1 {{LN3: out must be [2, 5, 8], got [5, 2, 8]}}
  drawloom.layer_norm %x, %g, %g : (tensor<2x5x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<5x2x8xf32>, tensor<2x5xf32>, tensor<2x5xf32>)
  return
}

// -----

func.func @ln4(%x: tensor<5x8xf32>, %g: tensor<8xf32>) {
  // expected-error@+1 {{LN4: epsilon must be positive, got 0}}
  drawloom.layer_norm %x, %g, %g {epsilon = 0.0 : f64} : (tensor<5x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<5x8xf32>, tensor<5xf32>, tensor<5xf32>)
  return
}

// -----

func.func @lng1(%x: tensor<5x8xf32>, %g: tensor<8xf32>, %s: tensor<5xf32>) {
  // expected-error@+1 {{LNG1: dgamma must be [8], got [5]}}
  drawloom.layer_norm_grad %x, %x, %g, %s, %s : (tensor<5x8xf32>, tensor<5x8xf32>, tensor<8xf32>, tensor<5xf32>, tensor<5xf32>) -> (tensor<5x8xf32>, tensor<5xf32>, tensor<8xf32>)
  return
}

// -----

func.func @lng2(%x: tensor<5x8xf32>, %g: tensor<8xf32>, %s: tensor<5xf32>) {
  // expected-error@+1 {{LNG2: mean must be [5], got [8]}}
  drawloom.layer_norm_grad %x, %x, %g, %g, %s : (tensor<5x8xf32>, tensor<5x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<5xf32>) -> (tensor<5x8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @lng3(%d: tensor<4x8xf32>, %x: tensor<5x8xf32>, %g: tensor<8xf32>, %s: tensor<5xf32>) {
  // expected-error@+1 {{LNG3: dout must be [5, 8], got [4, 8]}}
  drawloom.layer_norm_grad %d, %x, %g, %s, %s : (tensor<4x8xf32>, tensor<5x8xf32>, tensor<8xf32>, tensor<5xf32>, tensor<5xf32>) -> (tensor<5x8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @bias1(%x: tensor<5x8xf32>, %b: tensor<5xf32>) {
  // expected-error@+1 {{BIAS1: bias must be [8], got [5]}}
  drawloom.bias_add %x, %b : (tensor<5x8xf32>, tensor<5xf32>) -> tensor<5x8xf32>
  return
}

// -----

func.func @bias2(%x: tensor<5x8xf32>, %b: tensor<8xf32>) {
  // expected-error@+1 {{BIAS2: out must be [5, 8], got [8, 5]}}
  drawloom.bias_add %x, %b : (tensor<5x8xf32>, tensor<8xf32>) -> tensor<8x5xf32>
  return
}

// -----

func.func @csum1(%x: tensor<5x8xf32>) {
  // expected-error@+1 {{CSUM1: out must be [8], got [5]}}
  drawloom.column_sum %x : (tensor<5x8xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @csum2(%x: tensor<5x8xf32>, %i: tensor<8xf64>) {
  // expected-error@+1 {{CSUM2: init must have out's type 'tensor<8xf32>', got 'tensor<8xf64>'}}
  drawloom.column_sum %x init %i : (tensor<5x8xf32>, tensor<8xf64>) -> tensor<8xf32>
  return
}

// -----

func.func @drop1(%x: tensor<5x8xf32>, %r: tensor<2xi64>) {
  // expected-error@+1 {{DROP1: rate must be in [0, 1), got 1}}
  drawloom.dropout %x, %r {rate = 1.0 : f64, site = 0 : i64} : (tensor<5x8xf32>, tensor<2xi64>) -> tensor<5x8xf32>
  return
}

// -----

func.func @drop2(%x: tensor<5x8xf32>, %r: tensor<2xi32>) {
  // expected-error@+1 {{DROP2: rng must be an i64 tensor [2] (seed, micro-step), got 'tensor<2xi32>'}}
  drawloom.dropout %x, %r {rate = 0.5 : f64, site = 0 : i64} : (tensor<5x8xf32>, tensor<2xi32>) -> tensor<5x8xf32>
  return
}

// -----

func.func @drop3(%x: tensor<5x8xf32>, %r: tensor<2xi64>) {
  // expected-error@+1 {{DROP3: out must be [5, 8], got [40]}}
  drawloom.dropout %x, %r {rate = 0.5 : f64, site = 0 : i64} : (tensor<5x8xf32>, tensor<2xi64>) -> tensor<40xf32>
  return
}

// -----

func.func @drop4(%x: tensor<5x8xf32>, %r: tensor<2xi64>) {
  // expected-error@+1 {{DROP4: site must be in [0, 2^32), got 4294967296}}
  drawloom.dropout %x, %r {rate = 0.5 : f64, site = 4294967296 : i64} : (tensor<5x8xf32>, tensor<2xi64>) -> tensor<5x8xf32>
  return
}

// -----

func.func @split1(%x: tensor<5x8xf32>) {
  // expected-error@+1 {{SPLIT1: the parts' last dimensions must add up to 8, got 7}}
  drawloom.split %x : (tensor<5x8xf32>) -> (tensor<5x3xf32>, tensor<5x4xf32>)
  return
}

// -----

func.func @split2(%x: tensor<5x8xf32>) {
  // expected-error@+1 {{SPLIT2: a part's leading dimensions must be [5], got [4, 5]}}
  drawloom.split %x : (tensor<5x8xf32>) -> (tensor<5x3xf32>, tensor<4x5xf32>)
  return
}

// -----

func.func @concat1(%a: tensor<5x3xf32>) {
  // expected-error@+1 {{CONCAT1: the parts' last dimensions must add up to 8, got 6}}
  drawloom.concat %a, %a : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x8xf32>
  return
}

// -----

func.func @concat2(%a: tensor<5x3xf32>, %b: tensor<1x5x3xf32>) {
  // expected-error@+1 {{CONCAT2: a part's leading dimensions must be [5], got [1, 5, 3]}}
  drawloom.concat %a, %b : (tensor<5x3xf32>, tensor<1x5x3xf32>) -> tensor<5x6xf32>
  return
}

// -----

func.func @xent1(%l: tensor<2x5x7xf32>, %t: tensor<2x4xi32>) {
  // expected-error@+1 {{XENT1: targets must be [2, 5], got [2, 4]}}
  drawloom.cross_entropy %l, %t : (tensor<2x5x7xf32>, tensor<2x4xi32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @xentg1(%d: tensor<2x5xf32>, %l: tensor<2x5x7xf32>, %t: tensor<2x5xi32>) {
  // expected-error@+1 {{XENTG1: dlogits must be [2, 5, 7], got [2, 5, 8]}}
  drawloom.cross_entropy_grad %d, %l, %t : (tensor<2x5xf32>, tensor<2x5x7xf32>, tensor<2x5xi32>) -> tensor<2x5x8xf32>
  return
}

// -----

func.func @cast1(%x: tensor<2x4xf32>) {
  // expected-error@+1 {{CAST1: out must be [2, 4], got [4, 2]}}
  drawloom.cast %x : tensor<2x4xf32> to tensor<4x2xbf16>
  return
}

// -----

func.func @cast2(%x: tensor<2x4xf32>) {
  // expected-error@+1 {{CAST2: expected another element type than 'f32'}}
  drawloom.cast %x : tensor<2x4xf32> to tensor<2x4xf32>
  return
}
