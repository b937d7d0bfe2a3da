// The vector length is an option.
// RUN: drawloom-opt %s --drawloom-lower-rows=lanes=8 | FileCheck %s
// RUN: not drawloom-opt %s --drawloom-lower-rows=lanes=12 2>&1 | FileCheck %s --check-prefix=BAD

// CHECK: vector.load {{.*}} vector<8xf32>
// CHECK-NOT: vector<16xf32>
// BAD: lanes must be a power of two from 4 to 64, got 12
func.func @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = drawloom.gelu %x : tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
