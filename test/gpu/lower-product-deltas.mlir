// A product that makes attention's delta in passing.
// RUN: drawloom-opt %s "--drawloom-lower-attention=target=sm_90a" --drawloom-lower-products | FileCheck %s

// The output of attention is the epilogue's input, whose place the product may take. A tile has whole heads: 128 columns here, where there is no
// head of 64 in 96.
// CHECK-LABEL: func.func @one_head(
// CHECK: [[L:%.*]]:2 = drawloom.launch @kernels::@matmul_attention_delta grid 11({{.*}}drawloom.reuse = array<i64: 2, -1>{{.*}} -> (tensor<2x350x128xbf16>, tensor<2x1x350xf32>)
// CHECK-NOT: launch
// CHECK: return [[L]]#0, [[L]]#1
func.func @one_head(%dy: tensor<2x350x64xbf16>, %w: tensor<64x128xbf16>, %o: tensor<2x350x128xbf16>) -> (tensor<2x350x128xbf16>, tensor<2x1x350xf32>) {
  %r:2 = drawloom.fusion(%dy, %w, %o) : (tensor<2x350x64xbf16>, tensor<64x128xbf16>, tensor<2x350x128xbf16>) -> (tensor<2x350x128xbf16>, tensor<2x1x350xf32>) {
  ^bb0(%a0: tensor<2x350x64xbf16>, %a1: tensor<64x128xbf16>, %a2: tensor<2x350x128xbf16>):
    %0 = drawloom.matmul %a0, %a1 : (tensor<2x350x64xbf16>, tensor<64x128xbf16>) -> tensor<2x350x128xbf16>
    %1 = drawloom.attention_delta %0, %a2 {heads = 1 : i64} : (tensor<2x350x128xbf16>, tensor<2x350x128xbf16>) -> tensor<2x1x350xf32>
    drawloom.yield %0, %1 : tensor<2x350x128xbf16>, tensor<2x1x350xf32>
  }
  return %r#0, %r#1 : tensor<2x350x128xbf16>, tensor<2x1x350xf32>
}

// Three heads of 32 fit 96 columns.
// CHECK-LABEL: func.func @narrow_heads(
// CHECK: launch @kernels::@matmul_attention_delta_1 grid 11(
func.func @narrow_heads(%dy: tensor<1x700x64xbf16>, %w: tensor<64x96xbf16>, %o: tensor<1x700x96xbf16>) -> (tensor<1x700x96xbf16>, tensor<1x3x700xf32>) {
  %r:2 = drawloom.fusion(%dy, %w, %o) : (tensor<1x700x64xbf16>, tensor<64x96xbf16>, tensor<1x700x96xbf16>) -> (tensor<1x700x96xbf16>, tensor<1x3x700xf32>) {
  ^bb0(%a0: tensor<1x700x64xbf16>, %a1: tensor<64x96xbf16>, %a2: tensor<1x700x96xbf16>):
    %0 = drawloom.matmul %a0, %a1 : (tensor<1x700x64xbf16>, tensor<64x96xbf16>) -> tensor<1x700x96xbf16>
    %1 = drawloom.attention_delta %0, %a2 {heads = 3 : i64} : (tensor<1x700x96xbf16>, tensor<1x700x96xbf16>) -> tensor<1x3x700xf32>
    drawloom.yield %0, %1 : tensor<1x700x96xbf16>, tensor<1x3x700xf32>
  }
  return %r#0, %r#1 : tensor<1x700x96xbf16>, tensor<1x3x700xf32>
}

// A thread has 32 columns of each of two rows, 16 in a panel of 64: a chain of products for each, which the four lanes of a row add up once the product is on its
// way. Each sum has one lane that writes it.
// CHECK-LABEL: func.func @matmul_attention_delta(
// CHECK: load_fragment
// CHECK: arith.mulf
// CHECK: math.fma
// CHECK: arith.mulf
// CHECK-COUNT-29: math.fma
// CHECK-NOT: math.fma
// CHECK: store_fragment
// CHECK: load_fragment
// CHECK-NOT: arith.mulf
// CHECK-COUNT-32: math.fma
// CHECK-NOT: math.fma
// CHECK: tma_store
// CHECK-COUNT-2: gpu.shuffle xor
// CHECK: memref.store {{.*}}, %arg4[{{.*}}] : memref<2x1x350xf32>
// CHECK-COUNT-2: gpu.shuffle xor
// CHECK: memref.store {{.*}}, %arg4[{{.*}}] : memref<2x1x350xf32>
// CHECK-NOT: memref.store
// CHECK-LABEL: func.func @matmul_attention_delta_1(
// CHECK-COUNT-6: memref.store
// CHECK-NOT: memref.store
