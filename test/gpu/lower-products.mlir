// RUN: drawloom-opt %s --drawloom-lower-products | FileCheck %s
// RUN: drawloom-opt %s --drawloom-lower-products="cut=2,64,4" | FileCheck %s --check-prefix=CUT

// A product and the row ops behind it are one launch; its blocks are a multiple of the column tiles (2 of 96, 3 of 64).
// CHECK-LABEL: func.func @forward
// CHECK: launch @kernels::@matmul_bias_add_gelu grid 24(%{{.*}}) {{.*}} : (tensor<2x384x72xbf16>, tensor<136x72xbf16>, tensor<136xf32>) -> (tensor<2x384x136xbf16>, tensor<2x384x136xbf16>)
// CUT: launch @kernels::@matmul_bias_add_gelu grid 36(
func.func @forward(%x: tensor<2x384x72xbf16>, %w: tensor<136x72xbf16>, %b: tensor<136xf32>) -> (tensor<2x384x136xbf16>, tensor<2x384x136xbf16>) {
  %r:2 = drawloom.fusion(%x, %w, %b) : (tensor<2x384x72xbf16>, tensor<136x72xbf16>, tensor<136xf32>) -> (tensor<2x384x136xbf16>, tensor<2x384x136xbf16>) {
  ^bb0(%a0: tensor<2x384x72xbf16>, %a1: tensor<136x72xbf16>, %a2: tensor<136xf32>):
    %0 = drawloom.matmul %a0, %a1 {transpose_b} : (tensor<2x384x72xbf16>, tensor<136x72xbf16>) -> tensor<2x384x136xbf16>
    %1 = drawloom.bias_add %0, %a2 : (tensor<2x384x136xbf16>, tensor<136xf32>) -> tensor<2x384x136xbf16>
    %2 = drawloom.gelu %1 : tensor<2x384x136xbf16>
    drawloom.yield %1, %2 : tensor<2x384x136xbf16>, tensor<2x384x136xbf16>
  }
  return %r#0, %r#1 : tensor<2x384x136xbf16>, tensor<2x384x136xbf16>
}

// The epilogue's input is the operand whose place the first output may take; the sum over rows is a row of partial sums a warp (12 row tiles, 3
// warp groups of 4), which a second launch adds to what the result starts from.
// CHECK-LABEL: func.func @gradient
// CHECK-SAME: [[SUM:%[a-z0-9]+]]: tensor<128xf32>
// CHECK: [[L:%.*]]:3 = drawloom.launch @kernels::@matmul_gelu_grad_gelu_column_sum grid 12({{.*}}drawloom.reuse = array<i64: 2, -1, -1>{{.*}} -> (tensor<768x128xf16>, tensor<768x128xf16>, tensor<144x128xf32>)
// CHECK: launch @kernels::@sum_partials grid 4([[L]]#2, [[SUM]]) {{.*}}inplace = array<i64: 1>
func.func @gradient(%dy: tensor<768x64xf16>, %w: tensor<64x128xf16>, %u: tensor<768x128xf16>, %sum: tensor<128xf32>)
    -> (tensor<768x128xf16>, tensor<768x128xf16>, tensor<128xf32>) {
  %r:3 = drawloom.fusion(%dy, %w, %u, %sum) : (tensor<768x64xf16>, tensor<64x128xf16>, tensor<768x128xf16>, tensor<128xf32>)
      -> (tensor<768x128xf16>, tensor<768x128xf16>, tensor<128xf32>) {
  ^bb0(%a0: tensor<768x64xf16>, %a1: tensor<64x128xf16>, %a2: tensor<768x128xf16>, %a3: tensor<128xf32>):
    %0 = drawloom.matmul %a0, %a1 : (tensor<768x64xf16>, tensor<64x128xf16>) -> tensor<768x128xf16>
    %1 = drawloom.gelu_grad %0, %a2 : tensor<768x128xf16>
    %2 = drawloom.gelu %a2 : tensor<768x128xf16>
    %3 = drawloom.column_sum %1 init %a3 : (tensor<768x128xf16>, tensor<128xf32>) -> tensor<128xf32>
    drawloom.yield %1, %2, %3 : tensor<768x128xf16>, tensor<768x128xf16>, tensor<128xf32>
  }
  return %r#0, %r#1, %r#2 : tensor<768x128xf16>, tensor<768x128xf16>, tensor<128xf32>
}

// A producing warp brings b's columns once and slices of a; consumers add the slices' products up, each started before the last is finished, and
// pass the sum through the row ops with the result of each op rounded to its type, before it leaves by bulk copies.
// CHECK-LABEL: func.func @matmul_bias_add_gelu(
// CHECK-SAME: dims = [72, 768], strides = [144], box = [64, 64]
// CHECK-SAME: dims = [72, 136], strides = [144], box = [64, 96]
// CHECK-SAME: dims = [136, 768], strides = [272], box = [32, 64]
// CHECK-SAME: drawloom.threads = 384
// CHECK: set_max_registers 24
// CHECK-COUNT-2: tma_load {{.*}} : <96 x 64
// CHECK: scf.for
// CHECK-COUNT-2: tma_load {{.*}} : <64 x 64
// CHECK-COUNT-2: tma_prefetch
// CHECK: set_max_registers 240 increase
// CHECK: scf.for
// CHECK: wgmma {{.*}} {transpose_b} : {{.*}}-> vector<12x2x2xf32>
// CHECK: wgmma {{.*}} init {{.*}} {transpose_b}
// CHECK: wgmma_wait 1
// CHECK: wgmma_wait 0
// CHECK: "llvm.nvvm.ff2bf16x2.rn"{{.*}} -> vector<2xbf16>
// CHECK: arith.extf
// CHECK: arith.addf
// CHECK: "llvm.nvvm.ff2bf16x2.rn"
// CHECK: store_fragment
// CHECK: fence_async_shared
// CHECK-COUNT-2: tma_store

// The input comes to the place where the outputs leave from, brought by a warp of its own.
// CHECK-LABEL: func.func @matmul_gelu_grad_gelu_column_sum(
// CHECK: tma_load {{.*}} : <64 x 128
// CHECK: scf.for
// CHECK: tma_load {{.*}} : <64 x 64
// CHECK: scf.for
// CHECK: tma_load {{.*}} : <64 x 128
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<16x2xf32>)
// CHECK: wgmma
// CHECK: load_fragment
// CHECK-COUNT-2: tma_store
// CHECK: bulk_wait 0 read
// CHECK: mbarrier_arrive
// CHECK: gpu.shuffle xor
