// RUN: drawloom-opt %s --split-input-file --drawloom-split-pieces --drawloom-lower-attention=target=sm_90a | FileCheck %s
// A column's log-sum-exps lie apart: sectors are filled by several blocks, and stay in the cache until they are whole.

// CHECK-LABEL: func.func @column
// CHECK-LABEL: func.func @attend(
// CHECK: drawloom_gpu.store_evict_last %{{.*}}, %{{.*}} : memref<2x2x1536xf32>
// CHECK-NOT: memref.store %{{.*}} : memref<2x2x1536xf32>
func.func @column(%q: tensor<2x1536x128xbf16>) -> (tensor<2x1536x128xbf16>, tensor<2x2x1536xf32>) {
  %out, %lse = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"column(128)">, heads = 2 : i64, scale = 0.125 : f64}
    : (tensor<2x1536x128xbf16>, tensor<2x1536x128xbf16>, tensor<2x1536x128xbf16>) -> (tensor<2x1536x128xbf16>, tensor<2x2x1536xf32>)
  return %out, %lse : tensor<2x1536x128xbf16>, tensor<2x2x1536xf32>
}

// -----

// A block's lie side by side, and a warp writes whole sectors.
// CHECK-LABEL: func.func @block
// CHECK-LABEL: func.func @attend(
// CHECK-NOT: drawloom_gpu.store_evict_last
// CHECK: memref.store %{{.*}} : memref<2x2x1536xf32>
func.func @block(%q: tensor<2x1536x128xbf16>) -> (tensor<2x1536x128xbf16>, tensor<2x2x1536xf32>) {
  %out, %lse = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"block(128)">, heads = 2 : i64, scale = 0.125 : f64}
    : (tensor<2x1536x128xbf16>, tensor<2x1536x128xbf16>, tensor<2x1536x128xbf16>) -> (tensor<2x1536x128xbf16>, tensor<2x2x1536xf32>)
  return %out, %lse : tensor<2x1536x128xbf16>, tensor<2x2x1536xf32>
}
