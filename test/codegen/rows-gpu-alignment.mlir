// Vectors are as wide as rows, strides and the places where parts begin allow; none is masked.
// RUN: drawloom-opt %s --drawloom-lower-rows=target=sm_90a | FileCheck %s

// A row of 257 elements: one at a time.
// CHECK-LABEL: func.func @bias_add(
// CHECK: vector.load %{{.*}} {alignment = 2 : i64} : memref<5x257xbf16>, vector<1xbf16>
// CHECK-NOT: maskedload
func.func @odd(%x: tensor<5x257xbf16>, %b: tensor<257xf32>) -> tensor<5x257xbf16> {
  %0 = drawloom.bias_add %x, %b : (tensor<5x257xbf16>, tensor<257xf32>) -> tensor<5x257xbf16>
  return %0 : tensor<5x257xbf16>
}

// The second part of rows of 24 elements begins at element 4.
// CHECK-LABEL: func.func @bias_add_1(
// CHECK: vector.load %{{.*}} {alignment = 8 : i64} : memref<5x16xbf16, strided<[24, 1]>>, vector<4xbf16>
func.func @part(%x: tensor<5x24xbf16>, %b: tensor<16xf32>) -> tensor<5x16xbf16> {
  %p:3 = drawloom.split %x : (tensor<5x24xbf16>) -> (tensor<5x4xbf16>, tensor<5x16xbf16>, tensor<5x4xbf16>)
  %0 = drawloom.bias_add %p#1, %b : (tensor<5x16xbf16>, tensor<16xf32>) -> tensor<5x16xbf16>
  return %0 : tensor<5x16xbf16>
}

// The same shapes and strides, but the part begins at element 8.
// CHECK-LABEL: func.func @bias_add_2(
// CHECK: vector.load %{{.*}} {alignment = 16 : i64} : memref<5x16xbf16, strided<[24, 1]>>, vector<8xbf16>
func.func @aligned_part(%x: tensor<5x24xbf16>, %b: tensor<16xf32>) -> tensor<5x16xbf16> {
  %p:2 = drawloom.split %x : (tensor<5x24xbf16>) -> (tensor<5x8xbf16>, tensor<5x16xbf16>)
  %0 = drawloom.bias_add %p#1, %b : (tensor<5x16xbf16>, tensor<16xf32>) -> tensor<5x16xbf16>
  return %0 : tensor<5x16xbf16>
}
