// RUN: drawloom-opt %s -split-input-file -drawloom-split-pieces -drawloom-lower-attention=target=sm_90a | FileCheck %s

// Blocks: both sides are boxes, moved by bulk copies. As many blocks as the card holds take turns, 24 each; the last turn
// is not full, so the grid is a multiple of both.
// CHECK-LABEL: func.func @blocks
// CHECK: drawloom.launch @kernels::@attend grid 3168(
// CHECK: func.func @attend
// CHECK-SAME: drawloom.items = 24
// CHECK-SAME: drawloom.tensor_maps = [#drawloom_gpu.tensor_map<place = 0, type = bf16, dims = [64, 12288, 8, 4], strides = [1024, 128, 12582912], box = [64, 128, 1, 1], swizzle = 128>
// CHECK-SAME: drawloom.threads = 384
// CHECK-NOT: copy_async
func.func @blocks(%q: tensor<4x12288x512xbf16>, %k: tensor<4x12288x512xbf16>, %v: tensor<4x12288x512xbf16>) -> tensor<4x12288x512xbf16> {
  %o, %l = drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"block(128)">, heads = 8 : i64, scale = 0.125 : f64} : (tensor<4x12288x512xbf16>, tensor<4x12288x512xbf16>, tensor<4x12288x512xbf16>) -> (tensor<4x12288x512xbf16>, tensor<4x8x12288xf32>)
  return %o : tensor<4x12288x512xbf16>
}

// -----

// Columns of unequal length are no boxes: a warp group gathers their rows.
// CHECK-LABEL: func.func @ragged_columns
// CHECK-NOT: tensor_map<
// CHECK: drawloom_gpu.copy_async
func.func @ragged_columns(%q: tensor<1x1000x64xf16>, %k: tensor<1x1000x64xf16>, %v: tensor<1x1000x64xf16>) -> tensor<1x1000x64xf16> {
  %o, %l = drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"column(48)">, heads = 1 : i64, scale = 0.125 : f64} : (tensor<1x1000x64xf16>, tensor<1x1000x64xf16>, tensor<1x1000x64xf16>) -> (tensor<1x1000x64xf16>, tensor<1x1x1000xf32>)
  return %o : tensor<1x1000x64xf16>
}

// -----

// Blocks and summaries have the same query tiles, so one kernel streams the keys of both past them: contiguous ones, then
// packed bands. The output is written once, in place of nothing.
// CHECK-LABEL: func.func @merged
// CHECK: drawloom.launch @kernels::@attend grid {{.*}}inplace = array<i64: -1, -1>
// CHECK-NOT: drawloom.launch
// CHECK: func.func @attend
// CHECK-SAME: #drawloom_gpu.tensor_map<place = 1, type = bf16, dims = [64, 2048, 1, 1], strides = [128, 128, 262144], box = [64, 64, 1, 1], swizzle = 128>
// CHECK-SAME: #drawloom_gpu.tensor_map<place = 1, type = bf16, dims = [64, 128, 15, 1, 1], strides = [128, 16384, 128, 262144], box = [64, 32, 2, 1, 1], swizzle = 128>
func.func @merged(%q: tensor<1x2048x64xbf16>, %k: tensor<1x2048x64xbf16>, %v: tensor<1x2048x64xbf16>) -> tensor<1x2048x64xbf16> {
  %o, %l = drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"fixed(128, c=32)">, heads = 1 : i64, scale = 0.125 : f64} : (tensor<1x2048x64xbf16>, tensor<1x2048x64xbf16>, tensor<1x2048x64xbf16>) -> (tensor<1x2048x64xbf16>, tensor<1x1x2048xf32>)
  return %o : tensor<1x2048x64xbf16>
}

// -----

// Pieces of some heads only are merged too; they go on from what is there, as do those of the other heads.
// CHECK-LABEL: func.func @by_head
// CHECK: drawloom.launch @kernels::@attend grid {{.*}}inplace = array<i64: 3, 4>
// CHECK: drawloom.launch @kernels::@attend_1 grid {{.*}}inplace = array<i64: 3, 4>
// CHECK-NOT: drawloom.launch
func.func @by_head(%q: tensor<1x2048x128xbf16>) -> tensor<1x2048x128xbf16> {
  %o, %l = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"heads(fixed(128, c=32), local(64))">, heads = 2 : i64, scale = 0.125 : f64} : (tensor<1x2048x128xbf16>, tensor<1x2048x128xbf16>, tensor<1x2048x128xbf16>) -> (tensor<1x2048x128xbf16>, tensor<1x2x2048xf32>)
  return %o : tensor<1x2048x128xbf16>
}

// -----

// A column's query tiles are not a window's. The second piece continues from the first: its output comes in with the
// queries and is written in place.
// CHECK-LABEL: func.func @chain
// CHECK: drawloom.launch @kernels::@attend grid
// CHECK: drawloom.launch @kernels::@attend_1 grid {{.*}} {{{.*}}inplace = array<i64: 3, 4>
func.func @chain(%q: tensor<1x2048x64xbf16>, %k: tensor<1x2048x64xbf16>, %v: tensor<1x2048x64xbf16>) -> tensor<1x2048x64xbf16> {
  %o, %l = drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"strided(128)">, heads = 1 : i64, scale = 0.125 : f64} : (tensor<1x2048x64xbf16>, tensor<1x2048x64xbf16>, tensor<1x2048x64xbf16>) -> (tensor<1x2048x64xbf16>, tensor<1x1x2048xf32>)
  return %o : tensor<1x2048x64xbf16>
}

// -----

// What somebody else reads too stays apart.
// CHECK-LABEL: func.func @between
// CHECK: drawloom.launch @kernels::@attend grid
// CHECK: drawloom.launch @kernels::@attend_1 grid
func.func @between(%q: tensor<1x256x64xbf16>) -> (tensor<1x256x64xbf16>, tensor<1x256x64xbf16>) {
  %o, %l = drawloom.attend %q, %q, %q {heads = 1 : i64, scale = 0.125 : f64, view = #drawloom.view<heads = [0], slices = (d0) -> (2), rows = (d0, d1) -> (128), query = (d0, d1, d2) -> (d1 * 128 + d2), keys = (d0, d1) -> (128), key = (d0, d1, d2) -> (d1 * 128 + d2), key_lo = (d0, d1, d2) -> (0), key_hi = (d0, d1, d2) -> (d2 + 1), row_lo = (d0, d1, d2) -> (d2), row_hi = (d0, d1, d2) -> (128)>}
    : (tensor<1x256x64xbf16>, tensor<1x256x64xbf16>, tensor<1x256x64xbf16>) -> (tensor<1x256x64xbf16>, tensor<1x1x256xf32>)
  %o2, %l2 = drawloom.attend %q, %q, %q from %o, %l {heads = 1 : i64, scale = 0.125 : f64, view = #drawloom.view<heads = [0], slices = (d0) -> (1), rows = (d0, d1) -> (256), query = (d0, d1, d2) -> (d2), keys = (d0, d1) -> (128), key = (d0, d1, d2) -> (d2), key_lo = (d0, d1, d2) -> (0), key_hi = (d0, d1, d2) -> ((d2 floordiv 128) * 128), row_lo = (d0, d1, d2) -> (128), row_hi = (d0, d1, d2) -> (256)>}
    : (tensor<1x256x64xbf16>, tensor<1x256x64xbf16>, tensor<1x256x64xbf16>, tensor<1x256x64xbf16>, tensor<1x1x256xf32>) -> (tensor<1x256x64xbf16>, tensor<1x1x256xf32>)
  return %o, %o2 : tensor<1x256x64xbf16>, tensor<1x256x64xbf16>
}

// -----

// f32 has no tensor cores' kernel.
// CHECK-LABEL: func.func @f32
// CHECK: func.func @attend
// CHECK-NOT: wgmma
func.func @f32(%q: tensor<1x256x64xf32>, %k: tensor<1x256x64xf32>, %v: tensor<1x256x64xf32>) -> tensor<1x256x64xf32> {
  %o, %l = drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"dense">, heads = 1 : i64, scale = 0.125 : f64} : (tensor<1x256x64xf32>, tensor<1x256x64xf32>, tensor<1x256x64xf32>) -> (tensor<1x256x64xf32>, tensor<1x1x256xf32>)
  return %o : tensor<1x256x64xf32>
}
