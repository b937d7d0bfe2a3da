// A product and the elementwise ops after it become one fusion, if a kernel of ours can have them and the bytes that are saved are worth it.
// RUN: drawloom-opt %s --split-input-file --drawloom-fuse-products="target=sm_90a min-rows=4" | FileCheck %s
// Other targets have no such kernels.
// RUN: drawloom-opt %s --split-input-file --drawloom-fuse-products="target=sm_80 min-rows=4" | FileCheck %s --check-prefix=OTHER
// RUN: drawloom-opt %s --split-input-file --drawloom-fuse-products | FileCheck %s --check-prefix=OTHER
// Products of few rows stay with the library.
// RUN: drawloom-opt %s --split-input-file --drawloom-fuse-products="target=sm_90a" | FileCheck %s --check-prefix=OTHER

// OTHER-NOT: drawloom.fusion

// The forward pass: the biased row is a result too, because the backward pass reads it.
// CHECK-LABEL: func.func @forward
// CHECK-NEXT: %[[F:.*]]:2 = drawloom.fusion(%arg0, %arg1, %arg2) {drawloom.label = "ff1 + gelu"}
// CHECK-NEXT: ^bb0(%[[X:.*]]: tensor<2x4x8xbf16>, %[[W:.*]]: tensor<16x8xbf16>, %[[B:.*]]: tensor<16xf32>):
// CHECK-NEXT: %[[P:.*]] = drawloom.matmul %[[X]], %[[W]]
// CHECK-NEXT: %[[U:.*]] = drawloom.bias_add %[[P]], %[[B]]
// CHECK-NEXT: %[[G:.*]] = drawloom.gelu %[[U]]
// CHECK-NEXT: drawloom.yield %[[U]], %[[G]]
// CHECK: drawloom.gelu_grad %arg3, %[[F]]#0
func.func @forward(%x: tensor<2x4x8xbf16>, %w: tensor<16x8xbf16>, %b: tensor<16xf32>, %dg: tensor<2x4x16xbf16>) -> (tensor<2x4x16xbf16>, tensor<2x4x16xbf16>) {
  %0 = drawloom.matmul %x, %w {transpose_b, drawloom.label = "ff1"} : (tensor<2x4x8xbf16>, tensor<16x8xbf16>) -> tensor<2x4x16xbf16>
  %1 = drawloom.bias_add %0, %b {drawloom.label = "ff1"} : (tensor<2x4x16xbf16>, tensor<16xf32>) -> tensor<2x4x16xbf16>
  %2 = drawloom.gelu %1 {drawloom.label = "gelu"} : tensor<2x4x16xbf16>
  %3 = drawloom.gelu_grad %dg, %1 : tensor<2x4x16xbf16>
  return %2, %3 : tensor<2x4x16xbf16>, tensor<2x4x16xbf16>
}

// -----

// The backward pass: with gelu's gradient go the sum for the bias, which an earlier one is added to, and gelu of the same row again.
// CHECK-LABEL: func.func @backward
// CHECK-NEXT: %[[F:.*]]:3 = drawloom.fusion(%arg0, %arg1, %arg2, %arg3)
// CHECK-NEXT: ^bb0(%[[DY:.*]]: tensor<8x8xf16>, %[[W:.*]]: tensor<8x16xf16>, %[[U:.*]]: tensor<8x16xf16>, %[[S:.*]]: tensor<16xf32>):
// CHECK-NEXT: %[[P:.*]] = drawloom.matmul %[[DY]], %[[W]]
// CHECK-NEXT: %[[G:.*]] = drawloom.gelu %[[U]]
// CHECK-NEXT: %[[D:.*]] = drawloom.gelu_grad %[[P]], %[[U]]
// CHECK-NEXT: %[[C:.*]] = drawloom.column_sum %[[D]] init %[[S]]
// CHECK-NEXT: drawloom.yield %[[G]], %[[D]], %[[C]]
// CHECK: drawloom.matmul %arg0, %[[F]]#0
func.func @backward(%dy: tensor<8x8xf16>, %w: tensor<8x16xf16>, %u: tensor<8x16xf16>, %s: tensor<16xf32>) -> (tensor<8x16xf32>, tensor<8x16xf16>, tensor<16xf32>) {
  %0 = drawloom.matmul %dy, %w : (tensor<8x8xf16>, tensor<8x16xf16>) -> tensor<8x16xf16>
  %1 = drawloom.gelu %u {drawloom.repeat} : tensor<8x16xf16>
  %2 = drawloom.matmul %dy, %1 {transpose_a} : (tensor<8x8xf16>, tensor<8x16xf16>) -> tensor<8x16xf32>
  %3 = drawloom.gelu_grad %0, %u : tensor<8x16xf16>
  %4 = drawloom.column_sum %3 init %s : (tensor<8x16xf16>, tensor<16xf32>) -> tensor<16xf32>
  return %2, %3, %4 : tensor<8x16xf32>, tensor<8x16xf16>, tensor<16xf32>
}

// -----

// A layer without a bias: gelu reads the product itself, which is kept.
// CHECK-LABEL: func.func @no_bias
// CHECK: drawloom.fusion
// CHECK: %[[P:.*]] = drawloom.matmul
// CHECK: %[[G:.*]] = drawloom.gelu %[[P]]
// CHECK: drawloom.yield %[[P]], %[[G]]
func.func @no_bias(%x: tensor<8x8xbf16>, %w: tensor<16x8xbf16>, %dg: tensor<8x16xbf16>) -> (tensor<8x16xbf16>, tensor<8x16xbf16>) {
  %0 = drawloom.matmul %x, %w {transpose_b} : (tensor<8x8xbf16>, tensor<16x8xbf16>) -> tensor<8x16xbf16>
  %1 = drawloom.gelu %0 : tensor<8x16xbf16>
  %2 = drawloom.gelu_grad %dg, %0 : tensor<8x16xbf16>
  return %1, %2 : tensor<8x16xbf16>, tensor<8x16xbf16>
}

// -----

// Somebody else needs the product.
// CHECK-LABEL: func.func @two_readers
// CHECK-NOT: drawloom.fusion
func.func @two_readers(%x: tensor<8x8xbf16>, %w: tensor<16x8xbf16>, %b: tensor<16xf32>) -> (tensor<8x16xbf16>, tensor<8x16xbf16>) {
  %0 = drawloom.matmul %x, %w {transpose_b} : (tensor<8x8xbf16>, tensor<16x8xbf16>) -> tensor<8x16xbf16>
  %1 = drawloom.bias_add %0, %b : (tensor<8x16xbf16>, tensor<16xf32>) -> tensor<8x16xbf16>
  %2 = drawloom.gelu %1 : tensor<8x16xbf16>
  return %2, %0 : tensor<8x16xbf16>, tensor<8x16xbf16>
}

// -----

// What the epilogue reads is made after the product.
// CHECK-LABEL: func.func @too_late
// CHECK-NOT: drawloom.fusion
func.func @too_late(%dy: tensor<8x8xbf16>, %w: tensor<8x16xbf16>, %y: tensor<8x8xbf16>) -> tensor<8x16xbf16> {
  %0 = drawloom.matmul %dy, %w : (tensor<8x8xbf16>, tensor<8x16xbf16>) -> tensor<8x16xbf16>
  %1 = drawloom.matmul %y, %w : (tensor<8x8xbf16>, tensor<8x16xbf16>) -> tensor<8x16xbf16>
  %2 = drawloom.gelu_grad %0, %1 : tensor<8x16xbf16>
  return %2 : tensor<8x16xbf16>
}

// -----

// A bias that a row op would add in passing saves nothing: layer_norm needs whole rows and reads the sum again.
// CHECK-LABEL: func.func @nothing_saved
// CHECK-NOT: drawloom.fusion
func.func @nothing_saved(%x: tensor<8x8xbf16>, %w: tensor<16x8xbf16>, %b: tensor<16xf32>) -> tensor<8x16xbf16> {
  %0 = drawloom.matmul %x, %w {transpose_b} : (tensor<8x8xbf16>, tensor<16x8xbf16>) -> tensor<8x16xbf16>
  %1 = drawloom.bias_add %0, %b : (tensor<8x16xbf16>, tensor<16xf32>) -> tensor<8x16xbf16>
  %2, %m, %r = drawloom.layer_norm %1, %b, %b : (tensor<8x16xbf16>, tensor<16xf32>, tensor<16xf32>) -> (tensor<8x16xbf16>, tensor<8xf32>, tensor<8xf32>)
  return %2 : tensor<8x16xbf16>
}

// -----

// f32 products stay with the library, as does one that adds to an accumulated gradient.
// CHECK-LABEL: func.func @not_ours
// CHECK-NOT: drawloom.fusion
func.func @not_ours(%x: tensor<8x8xf32>, %w: tensor<16x8xf32>, %y: tensor<8x8xbf16>, %v: tensor<16x8xbf16>, %i: tensor<8x16xbf16>) -> (tensor<8x16xf32>, tensor<8x16xbf16>) {
  %0 = drawloom.matmul %x, %w {transpose_b} : (tensor<8x8xf32>, tensor<16x8xf32>) -> tensor<8x16xf32>
  %1 = drawloom.gelu %0 : tensor<8x16xf32>
  %2 = drawloom.matmul %y, %v init %i {transpose_b} : (tensor<8x8xbf16>, tensor<16x8xbf16>, tensor<8x16xbf16>) -> tensor<8x16xbf16>
  %3 = drawloom.gelu %2 : tensor<8x16xbf16>
  return %1, %3 : tensor<8x16xf32>, tensor<8x16xbf16>
}

// -----

// Rows of at most 256 columns may be needed whole: by dropout, and by the norm of what the chain makes, whose statistics the backward pass reads.
// CHECK-LABEL: func.func @norm
// CHECK-NEXT: %[[F:.*]]:4 = drawloom.fusion(%arg0, %arg1, %arg2, %arg3, %arg4)
// CHECK: drawloom.matmul
// CHECK-NEXT: drawloom.bias_add
// CHECK-NEXT: drawloom.dropout
// CHECK-NEXT: %[[H:.*]] = drawloom.add
// CHECK-NEXT: %[[Y:.*]], %[[M:.*]], %[[R:.*]] = drawloom.layer_norm %[[H]]
// CHECK-NEXT: drawloom.yield %[[H]], %[[Y]], %[[M]], %[[R]]
func.func @norm(%x: tensor<8x8xbf16>, %w: tensor<64x8xbf16>, %b: tensor<64xf32>, %rng: tensor<2xi64>, %h: tensor<8x64xbf16>)
    -> (tensor<8x64xbf16>, tensor<8x64xbf16>, tensor<8xf32>, tensor<8xf32>) {
  %0 = drawloom.matmul %x, %w {transpose_b} : (tensor<8x8xbf16>, tensor<64x8xbf16>) -> tensor<8x64xbf16>
  %1 = drawloom.bias_add %0, %b : (tensor<8x64xbf16>, tensor<64xf32>) -> tensor<8x64xbf16>
  %2 = drawloom.dropout %1, %rng {rate = 0.25 : f64, site = 1 : i64} : (tensor<8x64xbf16>, tensor<2xi64>) -> tensor<8x64xbf16>
  %3 = drawloom.add %h, %2 : tensor<8x64xbf16>
  %4, %m, %r = drawloom.layer_norm %3, %b, %b : (tensor<8x64xbf16>, tensor<64xf32>, tensor<64xf32>) -> (tensor<8x64xbf16>, tensor<8xf32>, tensor<8xf32>)
  return %3, %4, %m, %r : tensor<8x64xbf16>, tensor<8x64xbf16>, tensor<8xf32>, tensor<8xf32>
}

// -----

// Rows of 512 columns stay with row kernels.
// CHECK-LABEL: func.func @wide_norm
// CHECK-NOT: drawloom.fusion
func.func @wide_norm(%x: tensor<8x8xbf16>, %w: tensor<512x8xbf16>, %rng: tensor<2xi64>, %h: tensor<8x512xbf16>) -> tensor<8x512xbf16> {
  %0 = drawloom.matmul %x, %w {transpose_b} : (tensor<8x8xbf16>, tensor<512x8xbf16>) -> tensor<8x512xbf16>
  %1 = drawloom.dropout %0, %rng {rate = 0.25 : f64, site = 1 : i64} : (tensor<8x512xbf16>, tensor<2xi64>) -> tensor<8x512xbf16>
  %2 = drawloom.add %h, %1 : tensor<8x512xbf16>
  return %2 : tensor<8x512xbf16>
}

// -----

// A norm's gradient, with what it goes through next: the residual's gradient, dropout's, the sum for a bias.
// CHECK-LABEL: func.func @norm_grad
// CHECK-NEXT: %[[F:.*]]:5 = drawloom.fusion(
// CHECK: %[[P:.*]] = drawloom.matmul
// CHECK-NEXT: %[[DX:.*]], %[[DG:.*]], %[[DB:.*]] = drawloom.layer_norm_grad %[[P]]
// CHECK-NEXT: %[[DH:.*]] = drawloom.add {{.*}}, %[[DX]]
// CHECK-NEXT: %[[DD:.*]] = drawloom.dropout %[[DH]]
// CHECK-NEXT: %[[S:.*]] = drawloom.column_sum %[[DD]]
// CHECK-NEXT: drawloom.yield %[[DG]], %[[DB]], %[[DH]], %[[DD]], %[[S]]
// CHECK: drawloom.matmul %[[F]]#3
func.func @norm_grad(%du: tensor<8x16xbf16>, %w: tensor<16x64xbf16>, %h: tensor<8x64xbf16>, %g: tensor<64xf32>, %m: tensor<8xf32>, %r: tensor<8xf32>, %dh: tensor<8x64xbf16>, %rng: tensor<2xi64>,
    %v: tensor<64x64xbf16>) -> (tensor<64xf32>, tensor<64xf32>, tensor<8x64xbf16>, tensor<64xf32>, tensor<8x64xbf16>) {
  %0 = drawloom.matmul %du, %w : (tensor<8x16xbf16>, tensor<16x64xbf16>) -> tensor<8x64xbf16>
  %dx, %dg, %db = drawloom.layer_norm_grad %0, %h, %g, %m, %r : (tensor<8x64xbf16>, tensor<8x64xbf16>, tensor<64xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<8x64xbf16>, tensor<64xf32>, tensor<64xf32>)
  %1 = drawloom.add %dh, %dx : tensor<8x64xbf16>
  %2 = drawloom.dropout %1, %rng {rate = 0.25 : f64, site = 1 : i64} : (tensor<8x64xbf16>, tensor<2xi64>) -> tensor<8x64xbf16>
  %3 = drawloom.column_sum %2 : (tensor<8x64xbf16>) -> tensor<64xf32>
  %4 = drawloom.matmul %2, %v : (tensor<8x64xbf16>, tensor<64x64xbf16>) -> tensor<8x64xbf16>
  return %dg, %db, %1, %3, %4 : tensor<64xf32>, tensor<64xf32>, tensor<8x64xbf16>, tensor<64xf32>, tensor<8x64xbf16>
}

// -----

// What comes after the norm's gradient decides nothing: a residual's gradient that is made too late stays behind.
// CHECK-LABEL: func.func @norm_grad_alone
// CHECK-NEXT: drawloom.fusion(
// CHECK: drawloom.matmul
// CHECK-NEXT: drawloom.layer_norm_grad
// CHECK-NEXT: drawloom.yield
// CHECK: drawloom.fusion(
// CHECK: drawloom.matmul
// CHECK-NEXT: drawloom.add
func.func @norm_grad_alone(%du: tensor<8x16xbf16>, %w: tensor<16x64xbf16>, %h: tensor<8x64xbf16>, %g: tensor<64xf32>, %m: tensor<8xf32>, %r: tensor<8xf32>)
    -> (tensor<64xf32>, tensor<64xf32>, tensor<8x64xbf16>) {
  %0 = drawloom.matmul %du, %w : (tensor<8x16xbf16>, tensor<16x64xbf16>) -> tensor<8x64xbf16>
  %dx, %dg, %db = drawloom.layer_norm_grad %0, %h, %g, %m, %r : (tensor<8x64xbf16>, tensor<8x64xbf16>, tensor<64xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<8x64xbf16>, tensor<64xf32>, tensor<64xf32>)
  %1 = drawloom.matmul %du, %w : (tensor<8x16xbf16>, tensor<16x64xbf16>) -> tensor<8x64xbf16>
  %2 = drawloom.add %1, %dx : tensor<8x64xbf16>
  return %dg, %db, %2 : tensor<64xf32>, tensor<64xf32>, tensor<8x64xbf16>
}

// -----

// Nor does a norm's gradient of which the product is not what it goes back from.
// CHECK-LABEL: func.func @norm_of_product
// CHECK-NOT: drawloom.fusion
func.func @norm_of_product(%x: tensor<8x16xbf16>, %w: tensor<16x64xbf16>, %dy: tensor<8x64xbf16>, %g: tensor<64xf32>, %m: tensor<8xf32>, %r: tensor<8xf32>)
    -> (tensor<64xf32>, tensor<64xf32>, tensor<8x64xbf16>) {
  %0 = drawloom.matmul %x, %w : (tensor<8x16xbf16>, tensor<16x64xbf16>) -> tensor<8x64xbf16>
  %dx, %dg, %db = drawloom.layer_norm_grad %dy, %0, %g, %m, %r : (tensor<8x64xbf16>, tensor<8x64xbf16>, tensor<64xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<8x64xbf16>, tensor<64xf32>, tensor<64xf32>)
  return %dg, %db, %dx : tensor<64xf32>, tensor<64xf32>, tensor<8x64xbf16>
}
