// RUN: drawloom-opt %s --split-input-file --verify-diagnostics --drawloom-lower-products
// RUN: not drawloom-opt %s --split-input-file --drawloom-lower-products=target=sm_80 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not drawloom-opt %s --split-input-file --drawloom-lower-products=cut=1,2 2>&1 | FileCheck %s --check-prefix=CUT
// RUN: not drawloom-opt %s --split-input-file --drawloom-lower-products=cut=5,256,3 2>&1 | FileCheck %s --check-prefix=GROUPS

// TARGET: begins with a product, for which only sm_90a has a kernel, not sm_80
// CUT: expected cut to be 3 numbers, got 2

// Columns of b must fit shared memory, unless rows are short enough to be whole.
func.func @long(%x: tensor<64x1024xbf16>, %w: tensor<72x1024xbf16>) -> tensor<64x72xbf16> {
  // expected-error @below {{has no kernel}}
  %r = drawloom.fusion(%x, %w) : (tensor<64x1024xbf16>, tensor<72x1024xbf16>) -> tensor<64x72xbf16> {
  ^bb0(%a0: tensor<64x1024xbf16>, %a1: tensor<72x1024xbf16>):
    %0 = drawloom.matmul %a0, %a1 {transpose_b} : (tensor<64x1024xbf16>, tensor<72x1024xbf16>) -> tensor<64x72xbf16>
    drawloom.yield %0 : tensor<64x72xbf16>
  }
  return %r : tensor<64x72xbf16>
}

// -----

// Rows of 12 elements do not begin at multiples of 16 bytes.
func.func @narrow(%x: tensor<64x64xbf16>, %w: tensor<12x64xbf16>) -> tensor<64x12xbf16> {
  // expected-error @below {{has no kernel}}
  %r = drawloom.fusion(%x, %w) : (tensor<64x64xbf16>, tensor<12x64xbf16>) -> tensor<64x12xbf16> {
  ^bb0(%a0: tensor<64x64xbf16>, %a1: tensor<12x64xbf16>):
    %0 = drawloom.matmul %a0, %a1 {transpose_b} : (tensor<64x64xbf16>, tensor<12x64xbf16>) -> tensor<64x12xbf16>
    drawloom.yield %0 : tensor<64x12xbf16>
  }
  return %r : tensor<64x12xbf16>
}

// -----

// No tile has whole heads of 40 columns.
func.func @heads(%x: tensor<1x64x64xbf16>, %w: tensor<64x80xbf16>, %o: tensor<1x64x80xbf16>) -> tensor<1x2x64xf32> {
  // expected-error @below {{has no kernel}}
  %r = drawloom.fusion(%x, %w, %o) : (tensor<1x64x64xbf16>, tensor<64x80xbf16>, tensor<1x64x80xbf16>) -> tensor<1x2x64xf32> {
  ^bb0(%a0: tensor<1x64x64xbf16>, %a1: tensor<64x80xbf16>, %a2: tensor<1x64x80xbf16>):
    %0 = drawloom.matmul %a0, %a1 : (tensor<1x64x64xbf16>, tensor<64x80xbf16>) -> tensor<1x64x80xbf16>
    %1 = drawloom.attention_delta %0, %a2 {heads = 2 : i64} : (tensor<1x64x80xbf16>, tensor<1x64x80xbf16>) -> tensor<1x2x64xf32>
    drawloom.yield %1 : tensor<1x2x64xf32>
  }
  return %r : tensor<1x2x64xf32>
}

// -----

// f32 has no tensor cores.
func.func @wide(%x: tensor<64x64xf32>, %w: tensor<64x64xf32>) -> tensor<64x64xf32> {
  // expected-error @below {{has no kernel}}
  %r = drawloom.fusion(%x, %w) : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32> {
  ^bb0(%a0: tensor<64x64xf32>, %a1: tensor<64x64xf32>):
    %0 = drawloom.matmul %a0, %a1 : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    drawloom.yield %0 : tensor<64x64xf32>
  }
  return %r : tensor<64x64xf32>
}

// -----

// Two tensors to read besides the product, in rows that are too long to be whole.
func.func @inputs(%x: tensor<64x64xbf16>, %w: tensor<64x320xbf16>, %u: tensor<64x320xbf16>, %v: tensor<64x320xbf16>) -> tensor<64x320xbf16> {
  // expected-error @below {{has no kernel}}
  %r = drawloom.fusion(%x, %w, %u, %v) : (tensor<64x64xbf16>, tensor<64x320xbf16>, tensor<64x320xbf16>, tensor<64x320xbf16>) -> tensor<64x320xbf16> {
  ^bb0(%a0: tensor<64x64xbf16>, %a1: tensor<64x320xbf16>, %a2: tensor<64x320xbf16>, %a3: tensor<64x320xbf16>):
    %0 = drawloom.matmul %a0, %a1 : (tensor<64x64xbf16>, tensor<64x320xbf16>) -> tensor<64x320xbf16>
    %1 = drawloom.add %0, %a2 : tensor<64x320xbf16>
    %2 = drawloom.add %1, %a3 : tensor<64x320xbf16>
    drawloom.yield %2 : tensor<64x320xbf16>
  }
  return %r : tensor<64x320xbf16>
}

// -----

// Three are too many even then.
func.func @three(%x: tensor<64x64xbf16>, %w: tensor<64x64xbf16>, %u: tensor<64x64xbf16>, %v: tensor<64x64xbf16>, %t: tensor<64x64xbf16>) -> tensor<64x64xbf16> {
  // expected-error @below {{has no kernel}}
  %r = drawloom.fusion(%x, %w, %u, %v, %t) : (tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xbf16>) -> tensor<64x64xbf16> {
  ^bb0(%a0: tensor<64x64xbf16>, %a1: tensor<64x64xbf16>, %a2: tensor<64x64xbf16>, %a3: tensor<64x64xbf16>, %a4: tensor<64x64xbf16>):
    %0 = drawloom.matmul %a0, %a1 : (tensor<64x64xbf16>, tensor<64x64xbf16>) -> tensor<64x64xbf16>
    %1 = drawloom.add %0, %a2 : tensor<64x64xbf16>
    %2 = drawloom.add %1, %a3 : tensor<64x64xbf16>
    %3 = drawloom.add %2, %a4 : tensor<64x64xbf16>
    drawloom.yield %3 : tensor<64x64xbf16>
  }
  return %r : tensor<64x64xbf16>
}

// -----

// Dropout and norms need whole rows, of at most 256 columns.
func.func @dropout(%x: tensor<64x64xbf16>, %w: tensor<64x320xbf16>, %rng: tensor<2xi64>) -> tensor<64x320xbf16> {
  // expected-error @below {{has no kernel}}
  %r = drawloom.fusion(%x, %w, %rng) : (tensor<64x64xbf16>, tensor<64x320xbf16>, tensor<2xi64>) -> tensor<64x320xbf16> {
  ^bb0(%a0: tensor<64x64xbf16>, %a1: tensor<64x320xbf16>, %a2: tensor<2xi64>):
    %0 = drawloom.matmul %a0, %a1 : (tensor<64x64xbf16>, tensor<64x320xbf16>) -> tensor<64x320xbf16>
    %1 = drawloom.dropout %0, %a2 {rate = 0.5 : f64, site = 1 : i64} : (tensor<64x320xbf16>, tensor<2xi64>) -> tensor<64x320xbf16>
    drawloom.yield %1 : tensor<64x320xbf16>
  }
  return %r : tensor<64x320xbf16>
}

// -----

// A weight's gradient has a kernel, but not with so many warp groups.
// GROUPS: error: 'drawloom.fusion' op is a weight's gradient: expected a cut of at most 4 warp groups, got 5
func.func @weight_grad(%dy: tensor<64x128xbf16>, %x: tensor<64x256xbf16>) -> (tensor<128x256xf32>, tensor<128xf32>) {
  %r:2 = drawloom.fusion(%dy, %x) : (tensor<64x128xbf16>, tensor<64x256xbf16>) -> (tensor<128x256xf32>, tensor<128xf32>) {
  ^bb0(%a0: tensor<64x128xbf16>, %a1: tensor<64x256xbf16>):
    %0 = drawloom.matmul %a0, %a1 {transpose_a} : (tensor<64x128xbf16>, tensor<64x256xbf16>) -> tensor<128x256xf32>
    %1 = drawloom.column_sum %a0 : (tensor<64x128xbf16>) -> tensor<128xf32>
    drawloom.yield %0, %1 : tensor<128x256xf32>, tensor<128xf32>
  }
  return %r#0, %r#1 : tensor<128x256xf32>, tensor<128xf32>
}
