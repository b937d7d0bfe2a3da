// RUN: drawloom-opt %s --drawloom-lower-products --split-input-file | FileCheck %s

// The gradients of a weight and of its bias are two launches: partial sums, and what adds them up on top of the accumulated gradients, in their
// place. dW has two tiles of 128 x 128 (of which the second is 8 rows high) of 12 slices each: 24 blocks and 25 numbers of partial sums.
// CHECK-LABEL: func.func @both
// CHECK-SAME: [[DY:%[a-z0-9]+]]: tensor<2x384x136xbf16>, [[X:%[a-z0-9]+]]: tensor<2x384x72xbf16>, [[W:%[a-z0-9]+]]: tensor<136x72xf32>, [[B:%[a-z0-9]+]]: tensor<136xf32>
// CHECK: [[P:%.*]]:2 = drawloom.launch @kernels::@weight_grad_column_sum grid 24([[DY]], [[X]]) {{.*}} -> (tensor<25x32x512xf32>, tensor<25x128xf32>)
// CHECK: [[T:%.*]]:2 = drawloom.launch @kernels::@weight_grad_total grid 34([[P]]#0, [[P]]#1, [[W]], [[B]]) {{.*}}inplace = array<i64: 2, 3>
// CHECK: return [[T]]#0, [[T]]#1
func.func @both(%dy: tensor<2x384x136xbf16>, %x: tensor<2x384x72xbf16>, %w: tensor<136x72xf32>, %b: tensor<136xf32>) -> (tensor<136x72xf32>, tensor<136xf32>) {
  %r:2 = drawloom.fusion(%dy, %x, %w, %b) : (tensor<2x384x136xbf16>, tensor<2x384x72xbf16>, tensor<136x72xf32>, tensor<136xf32>) -> (tensor<136x72xf32>, tensor<136xf32>) {
  ^bb0(%a0: tensor<2x384x136xbf16>, %a1: tensor<2x384x72xbf16>, %a2: tensor<136x72xf32>, %a3: tensor<136xf32>):
    %0 = drawloom.matmul %a0, %a1 init %a2 {transpose_a} : (tensor<2x384x136xbf16>, tensor<2x384x72xbf16>, tensor<136x72xf32>) -> tensor<136x72xf32>
    %1 = drawloom.column_sum %a0 init %a3 : (tensor<2x384x136xbf16>, tensor<136xf32>) -> tensor<136xf32>
    drawloom.yield %0, %1 : tensor<136x72xf32>, tensor<136xf32>
  }
  return %r#0, %r#1 : tensor<136x72xf32>, tensor<136xf32>
}

// A producing thread brings slices of 64 rows; a warp group multiplies 64 columns of dY with those of X, and with ones. A product runs on while
// the next slice is awaited.
// CHECK-LABEL: func.func @weight_grad_column_sum(
// CHECK-SAME: dims = [136, 768], strides = [272], box = [64, 64]
// CHECK-SAME: dims = [72, 768], strides = [144], box = [64, 64]
// CHECK-SAME: drawloom.threads = 384
// CHECK: set_max_registers 24
// CHECK: scf.for
// CHECK: scf.for
// CHECK: tma_load {{.*}} : <64 x 128, bf16
// CHECK: tma_load {{.*}} : <64 x 128, bf16
// CHECK: set_max_registers 240 increase
// CHECK: scf.for
// CHECK: scf.for
// CHECK: wgmma {{.*}} init {{.*}} {transpose_a, transpose_b} : (!drawloom_gpu.tile<64 x 64, {{.*}}, !drawloom_gpu.tile<8 x 64, {{.*}} -> vector<1x2x2xf32>
// CHECK: wgmma {{.*}} init {{.*}} {transpose_a} : (!drawloom_gpu.tile<64 x 64, {{.*}}, !drawloom_gpu.tile<64 x 128, {{.*}} -> vector<16x2x2xf32>
// CHECK: wgmma_wait 1,
// CHECK: wgmma_wait 0,
// CHECK-COUNT-16: vector.store {{.*}} : memref<25x32x512xf32>, vector<4xf32>

// Partial sums are added up in their order, then to what was there.
// CHECK-LABEL: func.func @weight_grad_total(
// CHECK: scf.for
// CHECK-COUNT-12: vector.load {{.*}} : memref<25x32x512xf32>
// CHECK-COUNT-12: arith.addf
// CHECK: vector.load {{.*}} : memref<136x72xf32>
// CHECK: vector.store {{.*}} : memref<136x72xf32>

// -----

// Four tiles share rows of dW two and two: each sums every other slice of dY. No more blocks than multiprocessors.
// CHECK-LABEL: func.func @shared
// CHECK: drawloom.launch @kernels::@weight_grad_column_sum grid 132({{.*}} -> (tensor<135x64x512xf32>, tensor<135x128xf32>)
// CHECK: drawloom.launch @kernels::@weight_grad_total grid 130(
// CHECK-NOT: inplace
// CHECK-LABEL: func.func @weight_grad_column_sum(
// CHECK: wgmma {{.*}} {transpose_a, transpose_b}
// CHECK: } else {
// CHECK: wgmma {{.*}} {transpose_a} :
func.func @shared(%dy: tensor<4096x256xf16>, %x: tensor<4096x512xf16>) -> (tensor<256x512xf32>, tensor<256xf32>) {
  %r:2 = drawloom.fusion(%dy, %x) : (tensor<4096x256xf16>, tensor<4096x512xf16>) -> (tensor<256x512xf32>, tensor<256xf32>) {
  ^bb0(%a0: tensor<4096x256xf16>, %a1: tensor<4096x512xf16>):
    %0 = drawloom.matmul %a0, %a1 {transpose_a} : (tensor<4096x256xf16>, tensor<4096x512xf16>) -> tensor<256x512xf32>
    %1 = drawloom.column_sum %a0 : (tensor<4096x256xf16>) -> tensor<256xf32>
    drawloom.yield %0, %1 : tensor<256x512xf32>, tensor<256xf32>
  }
  return %r#0, %r#1 : tensor<256x512xf32>, tensor<256xf32>
}

// -----

// The product alone; blocks have one slice each.
// CHECK-LABEL: func.func @alone
// CHECK: drawloom.launch @kernels::@weight_grad grid 2({{.*}} -> tensor<2x16x512xf32>
// CHECK: drawloom.launch @kernels::@weight_grad_total grid 8(
// CHECK-LABEL: func.func @weight_grad(
// CHECK: wgmma
// CHECK-SAME: {transpose_a} : {{.*}} -> vector<8x2x2xf32>
// CHECK-NOT: transpose_b
func.func @alone(%dy: tensor<72x8xbf16>, %x: tensor<72x64xbf16>, %w: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %r = drawloom.fusion(%dy, %x, %w) : (tensor<72x8xbf16>, tensor<72x64xbf16>, tensor<8x64xf32>) -> tensor<8x64xf32> {
  ^bb0(%a0: tensor<72x8xbf16>, %a1: tensor<72x64xbf16>, %a2: tensor<8x64xf32>):
    %0 = drawloom.matmul %a0, %a1 init %a2 {transpose_a} : (tensor<72x8xbf16>, tensor<72x64xbf16>, tensor<8x64xf32>) -> tensor<8x64xf32>
    drawloom.yield %0 : tensor<8x64xf32>
  }
  return %r : tensor<8x64xf32>
}
