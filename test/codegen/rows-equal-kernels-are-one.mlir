// Launches that differ in dropout's site share a kernel: the site is a scalar. Other attributes make another kernel.
// RUN: drawloom-opt %s --drawloom-lower-rows | FileCheck %s

// CHECK: drawloom.launch @kernels::@dropout grid 1(%arg0, %arg1) {{.*}}scalars = array<i64: 3>
// CHECK: drawloom.launch @kernels::@dropout grid 1({{.*}}scalars = array<i64: 4>
// CHECK: drawloom.launch @kernels::@dropout_1 grid 1({{.*}}scalars = array<i64: 4>
// CHECK-COUNT-2: func.func @dropout
// CHECK-NOT: func.func
func.func @f(%x: tensor<8x8xf32>, %rng: tensor<2xi64>) -> tensor<8x8xf32> {
  %0 = drawloom.dropout %x, %rng {rate = 0.5 : f64, site = 3 : i64} : (tensor<8x8xf32>, tensor<2xi64>) -> tensor<8x8xf32>
  %1 = drawloom.dropout %0, %rng {rate = 0.5 : f64, site = 4 : i64} : (tensor<8x8xf32>, tensor<2xi64>) -> tensor<8x8xf32>
  %2 = drawloom.dropout %1, %rng {rate = 0.1 : f64, site = 4 : i64} : (tensor<8x8xf32>, tensor<2xi64>) -> tensor<8x8xf32>
  return %2 : tensor<8x8xf32>
}
