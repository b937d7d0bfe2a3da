// RUN: drawloom-opt %s --split-input-file --verify-diagnostics
// Each rule of the tile ops.

func.func @tile1(%t: memref<?x8xf32>) {
  // expected-error @+1 {{TILE1: a tile must have a static shape and rows without gaps, got 'memref<?x8xf32>'}}
  drawloom.tile.fill %t with 0.0 : memref<?x8xf32>
  return
}

// -----

func.func @tload1(%t: memref<8x8xf32>, %s: memref<1x8x8xf32>, %i: index) {
  // expected-error @+1 {{TLOAD1: expected a map of 2 dimensions to one result, got affine_map<(d0) -> (d0)>}}
  drawloom.tile.load %t from %s[%i, %i] at affine_map<(t) -> (t)>(%i, %i) : memref<8x8xf32>, memref<1x8x8xf32>
  return
}

// -----

func.func @tload2(%t: memref<8xf32>, %s: memref<1x8x8xf32>, %i: index) {
  // expected-error @+1 {{TLOAD2: expected a tile of rank 2 to transpose, got 'memref<8xf32>'}}
  drawloom.tile.load %t from %s[%i, %i] at affine_map<(t) -> (t)>(%i) {transpose} : memref<8xf32>, memref<1x8x8xf32>
  return
}

// -----

func.func @tstore1(%t: memref<8x8xf32>, %s: memref<1x8x8xf32>, %i: index) {
  // expected-error @+1 {{TSTORE1: expected a map of 1 dimensions to one result}}
  drawloom.tile.store %t to %s[%i, %i] at affine_map<(t) -> (t, t)>(%i) : memref<8x8xf32>, memref<1x8x8xf32>
  return
}

// -----

func.func @tstore2(%t: memref<8xf32>, %s: memref<1x8x8xf32>, %i: index) {
  // expected-error @+1 {{TSTORE2: expected a tile of rank 2 to transpose}}
  drawloom.tile.store %t to %s[%i, %i] at affine_map<(t) -> (t)>(%i) {transpose} : memref<8xf32>, memref<1x8x8xf32>
  return
}

// -----

func.func @tpre1(%s: memref<1x8x8xf32>, %i: index) {
  // expected-error @+1 {{TPRE1: expected a map of 2 dimensions to one result, got affine_map<(d0) -> (d0)>}}
  drawloom.tile.prefetch %s[%i, %i] at affine_map<(t) -> (t)>(%i, %i) to %i {rows = 8 : i64, channels = 8 : i64} : memref<1x8x8xf32>
  return
}

// -----

func.func @tpre2(%s: memref<1x8x8xf32>, %i: index) {
  // expected-error @+1 {{TPRE2: expected rows and channels to be positive, got 0 and 8}}
  drawloom.tile.prefetch %s[%i, %i] at affine_map<(t) -> (t)>(%i) to %i {rows = 0 : i64, channels = 8 : i64} : memref<1x8x8xf32>
  return
}

// -----

func.func @tmm1(%c: memref<8x8xf32>, %a: memref<8x4xf32>) {
  // expected-error @+1 {{TMM1: expected the rows of b to be 4, got 8}}
  drawloom.tile.matmul %c, %a, %c : memref<8x8xf32>, memref<8x4xf32>, memref<8x8xf32>
  return
}

// -----

func.func @tmm2(%c: memref<8x8xf32>, %r: memref<8xf32>) {
  // expected-error @+1 {{TMM2: rescale needs accumulate}}
  drawloom.tile.matmul %c, %c, %c rescale %r : memref<8xf32> : memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>
  return
}

// -----

func.func @tmm2_rows(%c: memref<8x4xf32>, %a: memref<8x8xf32>, %b: memref<8x4xf32>, %r: memref<4xf32>) {
  // expected-error @+1 {{TMM2: expected the extent of rescale to be 8, got 4}}
  drawloom.tile.matmul %c, %a, %b rescale %r : memref<4xf32> {accumulate, pairs = "inner-row"} : memref<8x4xf32>, memref<8x8xf32>, memref<8x4xf32>
  return
}

// -----

func.func @tmm3(%c: memref<8x8xf32>, %e: memref<1x2xindex>) {
  // expected-error @+1 {{TMM3: expected pairs to be "row-column" without accumulate, "inner-column", "inner-row", or "row-inner" without rescale, got ""}}
  drawloom.tile.matmul %c, %c, %c within %e : memref<1x2xindex> : memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>
  return
}

// -----

func.func @text2_groups(%c: memref<8x32xf32>, %b: memref<8x32xf32>, %a: memref<8x8xf32>, %e: memref<1x2xindex>) {
  // expected-error @+1 {{TEXT2: expected extents of type memref<2x2xindex>, got 'memref<1x2xindex>'}}
  drawloom.tile.matmul %c, %a, %b within %e : memref<1x2xindex> {pairs = "row-column"} : memref<8x32xf32>, memref<8x8xf32>, memref<8x32xf32>
  return
}

// -----

// Only products along channels may have the fine groups.
func.func @text2_fine(%c: memref<32x16xf32>, %s: memref<8x32xf32>, %b: memref<8x16xf32>, %q: memref<16x32xf32>, %e: memref<4x2xindex>) {
  drawloom.tile.matmul %c, %s, %b within %e : memref<4x2xindex> {pairs = "inner-row", transpose_a} : memref<32x16xf32>, memref<8x32xf32>, memref<8x16xf32>
  // expected-error @+1 {{TEXT2: expected extents of type memref<2x2xindex>, got 'memref<4x2xindex>'}}
  drawloom.tile.matmul %s, %b, %q within %e : memref<4x2xindex> {pairs = "row-column"} : memref<8x32xf32>, memref<8x16xf32>, memref<16x32xf32>
  return
}

// -----

func.func @text2_keys(%s: memref<12x16xf32>, %m: memref<16xf32>, %e: memref<1x2xindex>) {
  // expected-error @+1 {{TEXT2: expected keys to be a multiple of 8, got 12}}
  drawloom.tile.softmax_step %s, %m, %m, %m within %e : memref<1x2xindex> : memref<12x16xf32>, memref<16xf32>
  return
}

// -----

#view = #drawloom.view<heads = [0], slices = (h) -> (1), rows = (h, s) -> (8), query = (h, s, r) -> (r), keys = (h, s) -> (8),
  key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (8)>
func.func @text1(%e: memref<1x2xindex>, %i: index) {
  // expected-error @+1 {{TEXT1: expected tile_keys to be a positive multiple of 8, got 12}}
  drawloom.tile.extents %e at (%i, %i, %i, %i) of %i x %i whole [%i, %i) in #view keys 12 : memref<1x2xindex>
  return
}

// -----

#view = #drawloom.view<heads = [0], slices = (h) -> (1), rows = (h, s) -> (8), query = (h, s, r) -> (r), keys = (h, s) -> (8),
  key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (8)>
func.func @text1_group(%e: memref<1x2xindex>, %i: index) {
  // expected-error @+1 {{TEXT1: expected group to be 8 or 16, got 4}}
  drawloom.tile.extents %e at (%i, %i, %i, %i) of %i x %i whole [%i, %i) in #view keys 8 {group = 4 : i64} : memref<1x2xindex>
  return
}

// -----

#view = #drawloom.view<heads = [0], slices = (h) -> (1), rows = (h, s) -> (8), query = (h, s, r) -> (r), keys = (h, s) -> (8),
  key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (8)>
func.func @tmask1(%s: memref<8x16xf32>, %e: memref<1x2xindex>, %i: index) {
  // expected-error @+1 {{TMASK1: expected a positive number of positions, got 0}}
  drawloom.tile.mask %s within %e at (%i, %i, %i, %i) of %i x %i in #view {positions = 0 : i64} : memref<8x16xf32>, memref<1x2xindex>
  return
}

// -----

func.func @tstep1(%s: memref<8x16xf32>, %m: memref<8xf32>) {
  // expected-error @+1 {{TSTEP1: expected the extent of a vector to be 16, got 8}}
  drawloom.tile.softmax_step %s, %m, %m, %m : memref<8x16xf32>, memref<8xf32>
  return
}

// -----

func.func @tfin1(%s: memref<8x16xf32>, %m: memref<8xf32>) {
  // expected-error @+1 {{TFIN1: expected the extent of a vector to be 16, got 8}}
  drawloom.tile.softmax_finish %s, %m, %m : memref<8x16xf32>, memref<8xf32>
  return
}

// -----

func.func @tgrad1(%s: memref<8x16xf32>, %m: memref<8xf32>) {
  // expected-error @+1 {{TGRAD1: expected the extent of a vector to be 16, got 8}}
  drawloom.tile.softmax_grad %s, %s, %m, %m : memref<8x16xf32>, memref<8xf32>
  return
}

// -----

func.func @tdot1(%s: memref<8x16xf32>, %m: memref<8xf32>) {
  // expected-error @+1 {{TDOT1: expected the extent of a vector to be 16, got 8}}
  drawloom.tile.dot %m, %s, %s : memref<8xf32>, memref<8x16xf32>
  return
}
