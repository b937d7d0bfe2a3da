// Of two ops that read the same large value, the one whose result a card's cache holds until its reader comes goes last.
// RUN: drawloom-opt %s --split-input-file --drawloom-order-for-cache | FileCheck %s
// A result of 24 MiB does not fit what is given.
// RUN: drawloom-opt %s --split-input-file --drawloom-order-for-cache="cache-bytes=20000000" | FileCheck %s --check-prefix=SMALL

// SMALL-LABEL: func.func @gradients
// SMALL: drawloom.matmul %arg0, %arg1 :
// SMALL: drawloom.matmul %arg0, %arg2 init
// CHECK-LABEL: func.func @gradients
// CHECK: %[[DW:.*]] = drawloom.matmul %arg0, %arg2 init %arg3
// CHECK-NEXT: %[[DX:.*]] = drawloom.matmul %arg0, %arg1 :
// CHECK-NEXT: drawloom.gelu_grad %[[DX]], %arg2
func.func @gradients(%dy: tensor<49152x512xbf16>, %w: tensor<512x256xbf16>, %x: tensor<49152x256xbf16>, %g: tensor<512x256xf32>) -> (tensor<49152x256xbf16>, tensor<512x256xf32>) {
  %dx = drawloom.matmul %dy, %w : (tensor<49152x512xbf16>, tensor<512x256xbf16>) -> tensor<49152x256xbf16>
  %dw = drawloom.matmul %dy, %x init %g {transpose_a} : (tensor<49152x512xbf16>, tensor<49152x256xbf16>, tensor<512x256xf32>) -> tensor<512x256xf32>
  %0 = drawloom.gelu_grad %dx, %x : tensor<49152x256xbf16>
  return %0, %dw : tensor<49152x256xbf16>, tensor<512x256xf32>
}

// -----

// What ops have in common may be an operand of a fusion; in a recompute region as elsewhere.
// CHECK-LABEL: func.func @fusions
// CHECK: drawloom.recompute
// CHECK: %[[DW:.*]] = drawloom.matmul %{{.*}}, %{{.*}} {transpose_a}
// CHECK-NEXT: %[[DX:.*]] = drawloom.fusion
// CHECK: drawloom.gelu %[[DX]]
func.func @fusions(%dy: tensor<49152x512xbf16>, %w: tensor<512x256xbf16>, %x: tensor<49152x256xbf16>) -> (tensor<49152x256xbf16>, tensor<512x256xf32>) {
  %r:2 = drawloom.recompute(%dy, %w, %x) : (tensor<49152x512xbf16>, tensor<512x256xbf16>, tensor<49152x256xbf16>) -> (tensor<49152x256xbf16>, tensor<512x256xf32>) {
  ^bb0(%a: tensor<49152x512xbf16>, %b: tensor<512x256xbf16>, %c: tensor<49152x256xbf16>):
    %dx = drawloom.fusion(%a, %b, %c) : (tensor<49152x512xbf16>, tensor<512x256xbf16>, tensor<49152x256xbf16>) -> tensor<49152x256xbf16> {
    ^bb0(%p: tensor<49152x512xbf16>, %q: tensor<512x256xbf16>, %s: tensor<49152x256xbf16>):
      %0 = drawloom.matmul %p, %q : (tensor<49152x512xbf16>, tensor<512x256xbf16>) -> tensor<49152x256xbf16>
      %1 = drawloom.add %0, %s : tensor<49152x256xbf16>
      drawloom.yield %1 : tensor<49152x256xbf16>
    }
    %dw = drawloom.matmul %a, %c {transpose_a} : (tensor<49152x512xbf16>, tensor<49152x256xbf16>) -> tensor<512x256xf32>
    %2 = drawloom.gelu %dx : tensor<49152x256xbf16>
    drawloom.yield %2, %dw : tensor<49152x256xbf16>, tensor<512x256xf32>
  }
  return %r#0, %r#1 : tensor<49152x256xbf16>, tensor<512x256xf32>
}

// -----

// Nothing in common that is large; an operand that is made after the first; more made than what the cache keeps.
// CHECK-LABEL: func.func @stay
// CHECK: drawloom.matmul %arg0, %arg1 :
// CHECK-NEXT: drawloom.matmul %arg3, %arg1 :
// CHECK-NEXT: drawloom.gelu %arg2
// CHECK-NEXT: drawloom.matmul %arg0, %{{.*}} {transpose_a}
// CHECK-NEXT: drawloom.matmul %arg0, %arg4
func.func @stay(%dy: tensor<49152x512xbf16>, %w: tensor<512x256xbf16>, %x: tensor<49152x256xbf16>, %other: tensor<8192x512xbf16>, %wide: tensor<512x512xbf16>)
    -> (tensor<49152x256xbf16>, tensor<8192x256xbf16>, tensor<512x256xf32>, tensor<49152x512xbf16>) {
  %dx = drawloom.matmul %dy, %w : (tensor<49152x512xbf16>, tensor<512x256xbf16>) -> tensor<49152x256xbf16>
  %0 = drawloom.matmul %other, %w : (tensor<8192x512xbf16>, tensor<512x256xbf16>) -> tensor<8192x256xbf16>
  %1 = drawloom.gelu %x : tensor<49152x256xbf16>
  %2 = drawloom.matmul %dy, %1 {transpose_a} : (tensor<49152x512xbf16>, tensor<49152x256xbf16>) -> tensor<512x256xf32>
  %3 = drawloom.matmul %dy, %wide : (tensor<49152x512xbf16>, tensor<512x512xbf16>) -> tensor<49152x512xbf16>
  %4 = drawloom.gelu %dx : tensor<49152x256xbf16>
  return %4, %0, %2, %3 : tensor<49152x256xbf16>, tensor<8192x256xbf16>, tensor<512x256xf32>, tensor<49152x512xbf16>
}

// -----

// An op that writes over what the first one reads comes after it.
// CHECK-LABEL: func.func @overwrites
// CHECK: drawloom.matmul %arg0, %arg1 init %arg2
// CHECK-NEXT: drawloom.matmul %arg0, %arg3 init %arg1
func.func @overwrites(%dy: tensor<16384x256xf32>, %w: tensor<256x256xf32>, %sum: tensor<16384x256xf32>, %x: tensor<16384x256xf32>) -> (tensor<16384x256xf32>, tensor<256x256xf32>) {
  %dx = drawloom.matmul %dy, %w init %sum : (tensor<16384x256xf32>, tensor<256x256xf32>, tensor<16384x256xf32>) -> tensor<16384x256xf32>
  %dw = drawloom.matmul %dy, %x init %w {transpose_a} : (tensor<16384x256xf32>, tensor<16384x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %0 = drawloom.gelu %dx : tensor<16384x256xf32>
  return %0, %dw : tensor<16384x256xf32>, tensor<256x256xf32>
}
