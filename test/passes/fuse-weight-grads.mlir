// The gradients of a weight and of its bias become one fusion where the gradient that both are made from is a concat, which no row kernel makes.
// RUN: drawloom-opt %s --split-input-file --drawloom-fuse-products="target=sm_90a" | FileCheck %s
// Other targets have no such kernels, and few rows stay with the library.
// RUN: drawloom-opt %s --split-input-file --drawloom-fuse-products="target=sm_80" | FileCheck %s --check-prefix=OTHER
// RUN: drawloom-opt %s --split-input-file --drawloom-fuse-products="target=sm_90a min-rows=49153" | FileCheck %s --check-prefix=OTHER
// So do products on which our kernel loses more than the sum takes: 50.3 MB need not be read, 2 times 17.7 MB of partial sums are written and read
// (4 tiles of 128 x 256, 132 blocks), which saves 6.2 us; 12.9 * 10^9 operations lose 2.2 us at a rate of 600, 6.4 us at one of 500.
// RUN: drawloom-opt %s --split-input-file --drawloom-fuse-products="target=sm_90a weight-grad-rate=600" | FileCheck %s
// RUN: drawloom-opt %s --split-input-file --drawloom-fuse-products="target=sm_90a weight-grad-rate=500" | FileCheck %s --check-prefix=OTHER

// OTHER-NOT: drawloom.fusion

// CHECK-LABEL: func.func @qkv
// CHECK: %[[D:.*]] = drawloom.concat
// CHECK-NEXT: drawloom.matmul %[[D]]
// CHECK-NEXT: %[[F:.*]]:2 = drawloom.fusion(%[[D]], %arg2, %arg4, %arg5) {drawloom.label = "qkv.grad"}
// CHECK-NEXT: ^bb0(%[[DY:.*]]: tensor<16x3072x512xbf16>, %[[X:.*]]: tensor<16x3072x256xbf16>, %[[W:.*]]: tensor<512x256xf32>, %[[B:.*]]: tensor<512xf32>):
// CHECK-NEXT: %[[P:.*]] = drawloom.matmul %[[DY]], %[[X]] init %[[W]] {{.*}}transpose_a
// CHECK-NEXT: %[[S:.*]] = drawloom.column_sum %[[DY]] init %[[B]]
// CHECK-NEXT: drawloom.yield %[[P]], %[[S]]
func.func @qkv(%dq: tensor<16x3072x256xbf16>, %dk: tensor<16x3072x256xbf16>, %x: tensor<16x3072x256xbf16>, %w: tensor<512x256xbf16>, %gw: tensor<512x256xf32>, %gb: tensor<512xf32>)
    -> (tensor<16x3072x256xbf16>, tensor<512x256xf32>, tensor<512xf32>) {
  %0 = drawloom.concat %dq, %dk {drawloom.label = "qkv.grad"} : (tensor<16x3072x256xbf16>, tensor<16x3072x256xbf16>) -> tensor<16x3072x512xbf16>
  %1 = drawloom.matmul %0, %w {drawloom.label = "qkv.grad"} : (tensor<16x3072x512xbf16>, tensor<512x256xbf16>) -> tensor<16x3072x256xbf16>
  %2 = drawloom.matmul %0, %x init %gw {transpose_a, drawloom.label = "qkv.grad"} : (tensor<16x3072x512xbf16>, tensor<16x3072x256xbf16>, tensor<512x256xf32>) -> tensor<512x256xf32>
  %3 = drawloom.column_sum %0 init %gb {drawloom.label = "qkv.grad"} : (tensor<16x3072x512xbf16>, tensor<512xf32>) -> tensor<512xf32>
  return %1, %2, %3 : tensor<16x3072x256xbf16>, tensor<512x256xf32>, tensor<512xf32>
}

// -----

// A row kernel that makes the gradient sums it in passing, and where it stands depends on what is recomputed.
// CHECK-LABEL: func.func @rows
// CHECK-NOT: drawloom.fusion
func.func @rows(%dy: tensor<49152x512xf16>, %u: tensor<49152x512xf16>, %x: tensor<49152x256xf16>) -> (tensor<512x256xf32>, tensor<512xf32>) {
  %0 = drawloom.gelu_grad %dy, %u : tensor<49152x512xf16>
  %1 = drawloom.matmul %0, %x {transpose_a} : (tensor<49152x512xf16>, tensor<49152x256xf16>) -> tensor<512x256xf32>
  %2 = drawloom.column_sum %0 : (tensor<49152x512xf16>) -> tensor<512xf32>
  return %1, %2 : tensor<512x256xf32>, tensor<512xf32>
}

// -----

// Nothing to sum; what the sum is added to is made too late; a gradient in f32; dW of 256 x 256, for which partial sums are as large but dY half.
// CHECK-LABEL: func.func @not_ours
// CHECK-NOT: drawloom.fusion
func.func @not_ours(%dq: tensor<49152x256xbf16>, %dk: tensor<49152x256xbf16>, %x: tensor<49152x256xbf16>, %wide: tensor<49152x256xf32>, %y: tensor<49152x256xf32>, %b: tensor<512xf32>,
    %half: tensor<49152x128xbf16>) -> (tensor<512x256xf32>, tensor<512x256xf32>, tensor<512xf32>, tensor<512x256xf32>, tensor<512xf32>, tensor<256x256xf32>, tensor<256xf32>) {
  %0 = drawloom.concat %dq, %dk : (tensor<49152x256xbf16>, tensor<49152x256xbf16>) -> tensor<49152x512xbf16>
  %1 = drawloom.matmul %0, %x {transpose_a} : (tensor<49152x512xbf16>, tensor<49152x256xbf16>) -> tensor<512x256xf32>
  %2 = drawloom.concat %dk, %dq : (tensor<49152x256xbf16>, tensor<49152x256xbf16>) -> tensor<49152x512xbf16>
  %3 = drawloom.matmul %2, %x {transpose_a} : (tensor<49152x512xbf16>, tensor<49152x256xbf16>) -> tensor<512x256xf32>
  %4 = drawloom.add %b, %b : tensor<512xf32>
  %5 = drawloom.column_sum %2 init %4 : (tensor<49152x512xbf16>, tensor<512xf32>) -> tensor<512xf32>
  %6 = drawloom.concat %wide, %wide : (tensor<49152x256xf32>, tensor<49152x256xf32>) -> tensor<49152x512xf32>
  %7 = drawloom.matmul %6, %y {transpose_a} : (tensor<49152x512xf32>, tensor<49152x256xf32>) -> tensor<512x256xf32>
  %8 = drawloom.column_sum %6 : (tensor<49152x512xf32>) -> tensor<512xf32>
  %9 = drawloom.concat %half, %half : (tensor<49152x128xbf16>, tensor<49152x128xbf16>) -> tensor<49152x256xbf16>
  %10 = drawloom.matmul %9, %x {transpose_a} : (tensor<49152x256xbf16>, tensor<49152x256xbf16>) -> tensor<256x256xf32>
  %11 = drawloom.column_sum %9 : (tensor<49152x256xbf16>) -> tensor<256xf32>
  return %1, %3, %5, %7, %8, %10, %11 : tensor<512x256xf32>, tensor<512x256xf32>, tensor<512xf32>, tensor<512x256xf32>, tensor<512xf32>, tensor<256x256xf32>, tensor<256xf32>
}
