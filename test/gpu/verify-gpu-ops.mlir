// RUN: drawloom-opt %s -split-input-file -verify-diagnostics

// expected-error@+1 {{TILE1: expected elements of type bf16 or f16, got 'f32'}}
func.func @tile1(%t: !drawloom_gpu.tile<64 x 64, f32, swizzle 128, pitch 64>) { return }

// -----

// expected-error@+1 {{TILE2: expected a swizzle of 32, 64 or 128 bytes, got 16}}
func.func @tile2(%t: !drawloom_gpu.tile<64 x 64, bf16, swizzle 16, pitch 64>) { return }

// -----

// expected-error@+1 {{TILE3: expected columns to be a positive multiple of 64, got 96}}
func.func @tile3(%t: !drawloom_gpu.tile<64 x 96, bf16, swizzle 128, pitch 64>) { return }

// -----

// expected-error@+1 {{TILE4: expected rows to be positive and pitch a multiple of 8 with pitch >= rows, got 64 and 32}}
func.func @tile4(%t: !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 32>) { return }

// -----

// expected-error@+1 {{TMAP1: expected 1 to 5 dims, one stride fewer and as many box extents, got 2, 0 and 2}}
func.func @tmap1() attributes {m = #drawloom_gpu.tensor_map<place = 0, type = bf16, dims = [64, 8], strides = [], box = [64, 8], swizzle = 128>} { return }

// -----

// expected-error@+1 {{TMAP2: expected dims from 1 to 2^32 - 1, got 0}}
func.func @tmap2() attributes {m = #drawloom_gpu.tensor_map<place = 0, type = bf16, dims = [64, 0], strides = [128], box = [64, 8], swizzle = 128>} { return }

// -----

// expected-error@+1 {{TMAP3: expected strides to be positive multiples of 16 below 2^40, got 24}}
func.func @tmap3() attributes {m = #drawloom_gpu.tensor_map<place = 0, type = bf16, dims = [64, 8], strides = [24], box = [64, 8], swizzle = 128>} { return }

// -----

// expected-error@+1 {{TMAP4: expected box extents from 1 to 256, got 300}}
func.func @tmap4() attributes {m = #drawloom_gpu.tensor_map<place = 0, type = bf16, dims = [64, 999], strides = [128], box = [64, 300], swizzle = 128>} { return }

// -----

// expected-error@+1 {{TMAP5: expected a swizzle of 0, 32, 64 or 128 bytes that spans the box's first extent, a multiple of 16 bytes, got 64 and 128}}
func.func @tmap5() attributes {m = #drawloom_gpu.tensor_map<place = 0, type = bf16, dims = [64, 8], strides = [128], box = [64, 8], swizzle = 64>} { return }

// -----

// expected-error@+1 {{TMAP6: expected the type bf16, f16 or f32, got 'i32'}}
func.func @tmap6() attributes {m = #drawloom_gpu.tensor_map<place = 0, type = i32, dims = [64, 8], strides = [128], box = [32, 8], swizzle = 128>} { return }

// -----

// expected-error@+1 {{TMAP7: expected a place of at least 0, got -1}}
func.func @tmap7() attributes {m = #drawloom_gpu.tensor_map<place = -1, type = bf16, dims = [64, 8], strides = [128], box = [64, 8], swizzle = 128>} { return }

// -----

func.func @subtile1(%o: i32) {
  %t = drawloom_gpu.shared_tile %o : !drawloom_gpu.tile<128 x 64, bf16, swizzle 128, pitch 128>
  // expected-error@+1 {{SUBTILE1: expected columns, element type, swizzle and pitch of}}
  %s = drawloom_gpu.subtile %t[%o] : !drawloom_gpu.tile<128 x 64, bf16, swizzle 128, pitch 128> -> !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  return
}

// -----

func.func @subtile2(%o: i32) {
  %t = drawloom_gpu.shared_tile %o : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 128>
  // expected-error@+1 {{SUBTILE2: expected at most 64 rows, got 128}}
  %s = drawloom_gpu.subtile %t[%o] : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 128> -> !drawloom_gpu.tile<128 x 64, bf16, swizzle 128, pitch 128>
  return
}

// -----

func.func @array1(%o: i32) {
  // expected-error@+1 {{ARRAY1: expected a memref without layout in workgroup memory, got 'memref<8xf32>'}}
  %a = drawloom_gpu.shared_array %o : memref<8xf32>
  return
}

// -----

func.func @frag1(%o: i32) {
  %t = drawloom_gpu.shared_tile %o : !drawloom_gpu.tile<32 x 64, bf16, swizzle 128, pitch 32>
  // expected-error@+1 {{FRAG1: expected a tile of 16 or 64 rows}}
  %f = drawloom_gpu.load_fragment %t : !drawloom_gpu.tile<32 x 64, bf16, swizzle 128, pitch 32> -> vector<8x2x2xbf16>
  return
}

// -----

func.func @frag2(%o: i32) {
  %t = drawloom_gpu.shared_tile %o : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  // expected-error@+1 {{FRAG2: expected a vector of 8 x 2 x 2 'bf16', got 'vector<4x2x2xbf16>'}}
  %f = drawloom_gpu.load_fragment %t : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64> -> vector<4x2x2xbf16>
  return
}

// -----

func.func @wgmma1(%o: i32) {
  %t = drawloom_gpu.shared_tile %o : !drawloom_gpu.tile<128 x 64, bf16, swizzle 128, pitch 128>
  // expected-error@+1 {{WGMMA1: expected a of 64 rows, got 128}}
  %s = drawloom_gpu.wgmma %t, %t {transpose_b} : (!drawloom_gpu.tile<128 x 64, bf16, swizzle 128, pitch 128>, !drawloom_gpu.tile<128 x 64, bf16, swizzle 128, pitch 128>) -> vector<16x2x2xf32>
  return
}

// -----

func.func @wgmma2(%o: i32, %p: vector<4x2x2xbf16>) {
  %t = drawloom_gpu.shared_tile %o : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  // expected-error@+1 {{WGMMA2: expected equal inner extents, a multiple of 16, got 32 and 64}}
  %s = drawloom_gpu.wgmma %p, %t : (vector<4x2x2xbf16>, !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>) -> vector<8x2x2xf32>
  return
}

// -----

func.func @wgmma3(%o: i32, %p: vector<8x2x2xbf16>) {
  %t = drawloom_gpu.shared_tile %o : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  // expected-error@+1 {{WGMMA3: expected vector<8x2x2xf32> of at most 256 columns, got 'vector<4x2x2xf32>'}}
  %s = drawloom_gpu.wgmma %p, %t : (vector<8x2x2xbf16>, !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>) -> vector<4x2x2xf32>
  return
}

// -----

func.func @wgmma4(%o: i32, %p: vector<8x2x2xbf16>, %acc: vector<4x2x2xf32>) {
  %t = drawloom_gpu.shared_tile %o : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  // expected-error@+1 {{WGMMA4: expected acc to have type 'vector<8x2x2xf32>', got 'vector<4x2x2xf32>'}}
  %s = drawloom_gpu.wgmma %p, %t init %acc : (vector<8x2x2xbf16>, !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>, vector<4x2x2xf32>) -> vector<8x2x2xf32>
  return
}

// -----

func.func @wgmma5(%o: i32, %p: vector<8x2x2xf16>) {
  %t = drawloom_gpu.shared_tile %o : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  // expected-error@+1 {{WGMMA5: expected a and b to have one element type, got 'f16' and 'bf16'}}
  %s = drawloom_gpu.wgmma %p, %t : (vector<8x2x2xf16>, !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>) -> vector<8x2x2xf32>
  return
}

// -----

func.func @wait1(%s: vector<1x2x2xf32>) {
  // expected-error@+1 {{WAIT1: expected pending from 0 to 7, got 8}}
  %w = drawloom_gpu.wgmma_wait 8, %s : vector<1x2x2xf32> -> vector<1x2x2xf32>
  return
}

// -----

func.func @wait2(%s: vector<1x2x2xf32>) {
  // expected-error@+1 {{WAIT2: expected results of the operands' types}}
  %w = drawloom_gpu.wgmma_wait 0, %s : vector<1x2x2xf32> -> vector<2x2x2xf32>
  return
}

// -----

func.func @mma1(%o: i32, %p: vector<4x2x2xbf16>) {
  %t = drawloom_gpu.shared_tile %o : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  // expected-error@+1 {{MMA1: expected equal inner extents, a multiple of 16, got 32 and 64}}
  %s = drawloom_gpu.mma_sync %p, %t : (vector<4x2x2xbf16>, !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>) -> vector<8x2x2xf32>
  return
}

// -----

func.func @mma2(%o: i32, %p: vector<2x2x2xbf16>) {
  %t = drawloom_gpu.shared_tile %o : !drawloom_gpu.tile<24 x 16, bf16, swizzle 32, pitch 24>
  // expected-error@+1 {{MMA2: expected columns to be a multiple of 16, got 24}}
  %s = drawloom_gpu.mma_sync %p, %t {transpose_b} : (vector<2x2x2xbf16>, !drawloom_gpu.tile<24 x 16, bf16, swizzle 32, pitch 24>) -> vector<3x2x2xf32>
  return
}

// -----

func.func @map1() {
  // expected-error@+1 {{MAP1: expected the index of one of the kernel's 0 tensor maps, got 0}}
  %m = drawloom_gpu.tensor_map 0 : !llvm.ptr
  return
}

// -----

func.func @tma1(%o: i32, %m: !llvm.ptr) {
  %t = drawloom_gpu.shared_tile %o : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  // expected-error@+1 {{TMA1: expected 1 to 5 coordinates, got 6}}
  drawloom_gpu.tma_store %t, %m[%o, %o, %o, %o, %o, %o] : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>, !llvm.ptr
  return
}

// -----

func.func @cpasync1(%x: memref<8xf16>, %i: index, %o: i32) {
  %t = drawloom_gpu.shared_tile %o : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  // expected-error@+1 {{CPASYNC1: expected a source of 'bf16', got 'memref<8xf16>'}}
  drawloom_gpu.copy_async %x[%i] to %t[%o, %o] : memref<8xf16>, !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  return
}

// -----

func.func @cpasync2(%x: memref<8x8xbf16>, %i: index, %o: i32) {
  %t = drawloom_gpu.shared_tile %o : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  // expected-error@+1 {{CPASYNC2: expected 2 indices, got 1}}
  drawloom_gpu.copy_async %x[%i] to %t[%o, %o] : memref<8x8xbf16>, !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  return
}

// -----

func.func @ring1(%s: i32) {
  // expected-error@+1 {{RING1: expected a positive number of stages, got 0}}
  %slot, %parity = drawloom_gpu.ring_slot %s of 0
  return
}

// -----

func.func @nbar1() {
  // expected-error@+1 {{NBAR1: expected an id from 0 to 15, got 16}}
  drawloom_gpu.named_barrier 16 of 128
  return
}

// -----

func.func @nbar2() {
  // expected-error@+1 {{NBAR2: expected threads to be a multiple of 32 up to 1024, got 100}}
  drawloom_gpu.named_barrier 1 of 100
  return
}

// -----

func.func @setreg1() {
  // expected-error@+1 {{SETREG1: expected a multiple of 8 from 24 to 256, got 20}}
  drawloom_gpu.set_max_registers 20
  return
}

// -----

func.func @word1(%words: memref<4xf64>, %i: index) {
  // expected-error@+1 {{WORD1: expected 32-bit elements, got 'memref<4xf64>'}}
  %n = drawloom_gpu.take_number %words[%i] : memref<4xf64>
  return
}

// -----

func.func @word2(%words: memref<4x2xf32>, %i: index, %value: i32) {
  // expected-error@+1 {{WORD2: expected 2 indices, got 1}}
  drawloom_gpu.await_word %words[%i], %value : memref<4x2xf32>
  return
}
