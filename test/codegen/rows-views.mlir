// Parts of splits and concats are rows of something wider: the kernel's memrefs have its stride.
// RUN: drawloom-opt %s --drawloom-lower-rows | FileCheck %s

// CHECK-LABEL: func.func @gelu(%arg0: memref<2x3x8xf32, strided<[72, 24, 1]>>, %arg1: memref<2x3x8xf32, strided<[48, 16, 1]>>
// CHECK: memref.reinterpret_cast %arg0 to offset: [0], sizes: [6, 8], strides: [24, 1]
// CHECK: memref.reinterpret_cast %arg1 to offset: [0], sizes: [6, 8], strides: [16, 1]
func.func @f(%w: tensor<2x3x24xf32>) -> tensor<2x3x16xf32> {
  %p:3 = drawloom.split %w : (tensor<2x3x24xf32>) -> (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>)
  %a = drawloom.gelu %p#0 : tensor<2x3x8xf32>
  %b = drawloom.gelu %p#2 : tensor<2x3x8xf32>
  %c = drawloom.concat %a, %b : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x16xf32>
  return %c : tensor<2x3x16xf32>
}
