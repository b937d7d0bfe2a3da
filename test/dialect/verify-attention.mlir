// Each rule of attention, decoding and the ops on pieces is enforced, and the message names it.
// RUN: drawloom-opt %s -split-input-file -verify-diagnostics

func.func @attn1(%q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x10xf32>) {
  // expected-error@+1 {{ATTN1: heads (3) must divide the channels of v, got 10}}
  drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"dense">, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x10xf32>) -> (tensor<2x5x10xf32>, tensor<2x3x5xf32>)
  return
}

// -----

func.func @attn2(%q: tensor<2x5x12xf32>, %k: tensor<2x5x6xf32>, %v: tensor<2x5x9xf32>) {
  // expected-error@+1 {{ATTN2: k must be [2, 5, 12], got [2, 5, 6]}}
  drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"dense">, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x12xf32>, tensor<2x5x6xf32>, tensor<2x5x9xf32>) -> (tensor<2x5x9xf32>, tensor<2x3x5xf32>)
  return
}

// -----

func.func @attn3_out(%q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>) {
  // expected-error@+1 {{ATTN3: out must be [2, 5, 9], got [2, 5, 12]}}
  drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"dense">, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  return
}

// -----

func.func @attn3_lse(%q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>) {
  // expected-error@+1 {{ATTN3: lse must be [2, 3, 5], got [2, 5, 3]}}
  drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"dense">, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>) -> (tensor<2x5x9xf32>, tensor<2x5x3xf32>)
  return
}

// -----

func.func @attn4(%q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x4x9xf32>) {
  // expected-error@+1 {{ATTN4: q and v must agree in batch and positions, got [2, 5, 12] and [2, 4, 9]}}
  drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"dense">, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x4x9xf32>) -> (tensor<2x4x9xf32>, tensor<2x3x5xf32>)
  return
}

// -----

func.func @attn4_rank(%q: tensor<5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>) {
  // expected-error@+1 {{ATTN4: q must be [B, n, channels], got [5, 12]}}
  drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"dense">, heads = 3 : i64, scale = 0.5 : f64} : (tensor<5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>) -> (tensor<2x5x9xf32>, tensor<2x3x5xf32>)
  return
}

// -----

func.func @attn5_heads(%q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>) {
  // expected-error@+1 {{ATTN5: heads must be positive, got 0}}
  drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"dense">, heads = 0 : i64, scale = 0.5 : f64} : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>) -> (tensor<2x5x9xf32>, tensor<2x3x5xf32>)
  return
}

// -----

func.func @attn5_scale(%q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>) {
  // expected-error@+1 {{ATTN5: scale must be finite, got INF}}
  drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"dense">, heads = 3 : i64, scale = 0x7FF0000000000000 : f64} : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>) -> (tensor<2x5x9xf32>, tensor<2x3x5xf32>)
  return
}

// -----

func.func @attng1(%d: tensor<2x5x9xf32>, %q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>, %o: tensor<2x5x12xf32>, %l: tensor<2x3x5xf32>) {
  // expected-error@+1 {{ATTNG1: out must be [2, 5, 9], got [2, 5, 12]}}
  drawloom.attention_grad %d, %q, %k, %v, %o, %l {pattern = #drawloom.pattern<"dense">, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x9xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<2x5x12xf32>, tensor<2x3x5xf32>) -> (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>)
  return
}

// -----

func.func @attng2(%d: tensor<2x5x12xf32>, %q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>, %o: tensor<2x5x9xf32>, %l: tensor<2x3x5xf32>) {
  // expected-error@+1 {{ATTNG2: dout must be [2, 5, 9], got [2, 5, 12]}}
  drawloom.attention_grad %d, %q, %k, %v, %o, %l {pattern = #drawloom.pattern<"dense">, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<2x5x9xf32>, tensor<2x3x5xf32>) -> (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>)
  return
}

// -----

func.func @attng3(%d: tensor<2x5x9xf32>, %q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>, %o: tensor<2x5x9xf32>, %l: tensor<2x3x5xf32>) {
  // expected-error@+1 {{ATTNG3: dv must be [2, 5, 9], got [2, 5, 12]}}
  drawloom.attention_grad %d, %q, %k, %v, %o, %l {pattern = #drawloom.pattern<"dense">, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x9xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<2x5x9xf32>, tensor<2x3x5xf32>) -> (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>)
  return
}

// -----

func.func @decode1(%q: tensor<2x1x12xf32>, %k: tensor<2x1x12xf32>, %v: tensor<2x1x9xf32>, %kc: tensor<2x5x12xf32>, %vc: tensor<2x5x9xf32>, %p: tensor<1xi64>) {
  // expected-error@+1 {{DECODE1: heads (2) must divide the channels of v, got 9}}
  drawloom.attention_decode %q, %k, %v, %kc, %vc at %p {pattern = #drawloom.pattern<"dense">, heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x1x12xf32>, tensor<2x1x12xf32>, tensor<2x1x9xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<1xi64>) -> (tensor<2x1x9xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>)
  return
}

// -----

func.func @decode2(%q: tensor<2x1x12xf32>, %k: tensor<2x1x12xf32>, %v: tensor<2x3x9xf32>, %kc: tensor<2x5x12xf32>, %vc: tensor<2x5x9xf32>, %p: tensor<1xi64>) {
  // expected-error@+1 {{DECODE2: v must be [2, 1, 9], got [2, 3, 9]}}
  drawloom.attention_decode %q, %k, %v, %kc, %vc at %p {pattern = #drawloom.pattern<"dense">, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x1x12xf32>, tensor<2x1x12xf32>, tensor<2x3x9xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<1xi64>) -> (tensor<2x1x9xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>)
  return
}

// -----

func.func @decode2_k(%q: tensor<2x1x12xf32>, %k: tensor<2x1x6xf32>, %v: tensor<2x1x9xf32>, %kc: tensor<2x5x12xf32>, %vc: tensor<2x5x9xf32>, %p: tensor<1xi64>) {
  // expected-error@+1 {{DECODE2: k must be [2, 1, 12], got [2, 1, 6]}}
  drawloom.attention_decode %q, %k, %v, %kc, %vc at %p {pattern = #drawloom.pattern<"dense">, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x1x12xf32>, tensor<2x1x6xf32>, tensor<2x1x9xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<1xi64>) -> (tensor<2x1x9xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>)
  return
}

// -----

func.func @decode3(%q: tensor<2x1x12xf32>, %k: tensor<2x1x12xf32>, %v: tensor<2x1x9xf32>, %kc: tensor<2x5x12xf32>, %vc: tensor<2x4x9xf32>, %p: tensor<1xi64>) {
  // expected-error@+1 {{DECODE3: vcache must be [2, 5, 9], got [2, 4, 9]}}
  drawloom.attention_decode %q, %k, %v, %kc, %vc at %p {pattern = #drawloom.pattern<"dense">, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x1x12xf32>, tensor<2x1x12xf32>, tensor<2x1x9xf32>, tensor<2x5x12xf32>, tensor<2x4x9xf32>, tensor<1xi64>) -> (tensor<2x1x9xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>)
  return
}

// -----

func.func @decode4(%q: tensor<2x1x12xf32>, %k: tensor<2x1x12xf32>, %v: tensor<2x1x9xf32>, %kc: tensor<2x5x12xf32>, %vc: tensor<2x5x9xf32>, %p: tensor<2xi64>) {
  // expected-error@+1 {{DECODE4: position must be [1], got [2]}}
  drawloom.attention_decode %q, %k, %v, %kc, %vc at %p {pattern = #drawloom.pattern<"dense">, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x1x12xf32>, tensor<2x1x12xf32>, tensor<2x1x9xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<2xi64>) -> (tensor<2x1x9xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>)
  return
}

// -----

func.func @decode5_out(%q: tensor<2x1x12xf32>, %k: tensor<2x1x12xf32>, %v: tensor<2x1x9xf32>, %kc: tensor<2x5x12xf32>, %vc: tensor<2x5x9xf32>, %p: tensor<1xi64>) {
  // expected-error@+1 {{DECODE5: out must be [2, 1, 9], got [2, 1, 12]}}
  drawloom.attention_decode %q, %k, %v, %kc, %vc at %p {pattern = #drawloom.pattern<"dense">, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x1x12xf32>, tensor<2x1x12xf32>, tensor<2x1x9xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<1xi64>) -> (tensor<2x1x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>)
  return
}

// -----

func.func @decode5_cache(%q: tensor<2x1x12xf32>, %k: tensor<2x1x12xf32>, %v: tensor<2x1x9xf32>, %kc: tensor<2x5x12xf32>, %vc: tensor<2x5x9xf32>, %p: tensor<1xi64>) {
  // expected-error@+1 {{DECODE5: new_vcache must be [2, 5, 9], got [2, 5, 12]}}
  drawloom.attention_decode %q, %k, %v, %kc, %vc at %p {pattern = #drawloom.pattern<"dense">, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x1x12xf32>, tensor<2x1x12xf32>, tensor<2x1x9xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<1xi64>) -> (tensor<2x1x9xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>)
  return
}

// -----

func.func @decode6(%q: tensor<2x1x12xf32>, %k: tensor<2x1x12xf32>, %v: tensor<2x1x9xf32>, %kc: tensor<2x5x12xf32>, %vc: tensor<2x5x9xf32>, %p: tensor<1xi64>) {
  // expected-error@+1 {{DECODE6: heads must be positive, got -1}}
  drawloom.attention_decode %q, %k, %v, %kc, %vc at %p {pattern = #drawloom.pattern<"dense">, heads = -1 : i64, scale = 0.5 : f64} : (tensor<2x1x12xf32>, tensor<2x1x12xf32>, tensor<2x1x9xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<1xi64>) -> (tensor<2x1x9xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>)
  return
}

// -----

func.func @attend2(%q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x10xf32>) {
  // expected-error@+1 {{ATTEND2: heads (3) must divide the channels of v, got 10}}
  drawloom.attend %q, %k, %v {view = #drawloom.view<heads = [0, 2], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5)>, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x10xf32>) -> (tensor<2x5x10xf32>, tensor<2x3x5xf32>)
  return
}

// -----

func.func @attend2_start(%q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>, %o0: tensor<2x5x9xf32>, %l0: tensor<2x5x3xf32>) {
  // expected-error@+1 {{ATTEND2: lse0 must be [2, 3, 5], got [2, 5, 3]}}
  drawloom.attend %q, %k, %v from %o0, %l0 {view = #drawloom.view<heads = [0, 2], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5)>, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<2x5x9xf32>, tensor<2x5x3xf32>) -> (tensor<2x5x9xf32>, tensor<2x3x5xf32>)
  return
}

// -----

func.func @attend3(%q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>) {
  // expected-error@+1 {{ATTEND3: the view's heads must be below 3, got 3}}
  drawloom.attend %q, %k, %v {view = #drawloom.view<heads = [1, 3], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5)>, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>) -> (tensor<2x5x9xf32>, tensor<2x3x5xf32>)
  return
}

// -----

func.func @attend1(%q: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>) {
  // expected-error@+1 {{ATTEND1: expected both or neither of out0 and lse0}}
  "drawloom.attend"(%q, %q, %v, %v) {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0>, view = #drawloom.view<heads = [0], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5)>, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<2x5x9xf32>) -> (tensor<2x5x9xf32>, tensor<2x3x5xf32>)
  return
}

// -----

func.func @delta1(%d: tensor<2x5x9xf32>, %o: tensor<2x5x12xf32>) {
  // expected-error@+1 {{DELTA1: out must be [2, 5, 9], got [2, 5, 12]}}
  drawloom.attention_delta %d, %o {heads = 3 : i64} : (tensor<2x5x9xf32>, tensor<2x5x12xf32>) -> (tensor<2x3x5xf32>)
  return
}

// -----

func.func @delta1_heads(%d: tensor<2x5x9xf32>, %o: tensor<2x5x9xf32>) {
  // expected-error@+1 {{DELTA1: heads (2) must be positive and divide the channels, got 9}}
  drawloom.attention_delta %d, %o {heads = 2 : i64} : (tensor<2x5x9xf32>, tensor<2x5x9xf32>) -> (tensor<2x3x5xf32>)
  return
}

// -----

func.func @delta2(%d: tensor<2x5x9xf32>, %o: tensor<2x5x9xf32>) {
  // expected-error@+1 {{DELTA2: delta must be [2, 3, 5], got [2, 5, 3]}}
  drawloom.attention_delta %d, %o {heads = 3 : i64} : (tensor<2x5x9xf32>, tensor<2x5x9xf32>) -> (tensor<2x5x3xf32>)
  return
}

// -----

func.func @attendg2(%d: tensor<2x5x9xf32>, %q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>, %l: tensor<2x3x5xf32>, %de: tensor<2x5x3xf32>) {
  // expected-error@+1 {{ATTENDG2: delta must be [2, 3, 5], got [2, 5, 3]}}
  drawloom.attend_grad %d, %q, %k, %v, %l, %de {view = #drawloom.view<heads = [0, 2], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5)>, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x9xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<2x3x5xf32>, tensor<2x5x3xf32>) -> (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>)
  return
}

// -----

func.func @attendg2_dout(%d: tensor<2x5x12xf32>, %q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>, %l: tensor<2x3x5xf32>, %de: tensor<2x3x5xf32>) {
  // expected-error@+1 {{ATTENDG2: dout must be [2, 5, 9], got [2, 5, 12]}}
  drawloom.attend_grad %d, %q, %k, %v, %l, %de {view = #drawloom.view<heads = [0, 2], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5)>, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<2x3x5xf32>, tensor<2x3x5xf32>) -> (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>)
  return
}

// -----

func.func @attendg3(%d: tensor<2x5x9xf32>, %q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>, %l: tensor<2x3x5xf32>, %de: tensor<2x3x5xf32>) {
  // expected-error@+1 {{ATTENDG3: dq must be [2, 5, 12], got [2, 5, 9]}}
  drawloom.attend_grad %d, %q, %k, %v, %l, %de {view = #drawloom.view<heads = [0, 2], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5)>, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x9xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<2x3x5xf32>, tensor<2x3x5xf32>) -> (tensor<2x5x9xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>)
  return
}

// -----

func.func @attendg3_start(%d: tensor<2x5x9xf32>, %q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>, %l: tensor<2x3x5xf32>, %de: tensor<2x3x5xf32>, %dq0: tensor<2x5x9xf32>, %dk0: tensor<2x5x12xf32>, %dv0: tensor<2x5x9xf32>) {
  // expected-error@+1 {{ATTENDG3: dq0 must be [2, 5, 12], got [2, 5, 9]}}
  drawloom.attend_grad %d, %q, %k, %v, %l, %de from %dq0, %dk0, %dv0 {view = #drawloom.view<heads = [0, 2], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5)>, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x9xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<2x3x5xf32>, tensor<2x3x5xf32>, tensor<2x5x9xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>) -> (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>)
  return
}

// -----

func.func @attendg4(%d: tensor<2x5x9xf32>, %q: tensor<2x5x12xf32>, %k: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>, %l: tensor<2x3x5xf32>, %de: tensor<2x3x5xf32>) {
  // expected-error@+1 {{ATTENDG4: the view's heads must be below 3, got 7}}
  drawloom.attend_grad %d, %q, %k, %v, %l, %de {view = #drawloom.view<heads = [7], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5)>, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x9xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<2x3x5xf32>, tensor<2x3x5xf32>) -> (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>)
  return
}

// -----

func.func @attendg1(%q: tensor<2x5x12xf32>, %v: tensor<2x5x9xf32>, %l: tensor<2x3x5xf32>) {
  // expected-error@+1 {{ATTENDG1: expected all or none of dq0, dk0 and dv0, got 1}}
  "drawloom.attend_grad"(%v, %q, %q, %v, %l, %l, %q) {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 1, 0, 0>, view = #drawloom.view<heads = [0], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5)>, heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x9xf32>, tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>, tensor<2x3x5xf32>, tensor<2x3x5xf32>, tensor<2x5x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x5x12xf32>, tensor<2x5x9xf32>)
  return
}
