// On a GPU sums over rows that only leave the function share their second launch; what reads a sum gets it at once.
// RUN: drawloom-opt %s --drawloom-lower-rows=target=sm_90a | FileCheck %s
// RUN: drawloom-opt %s --drawloom-lower-rows=target=cpu | FileCheck %s --check-prefix=CPU

// Sums of 64 and 40 columns: a block has 32 of one of them.
// CHECK-LABEL: func.func @leave
// CHECK: %[[P:.*]] = drawloom.launch @kernels::@column_sum grid 32(%arg0)
// CHECK-NEXT: %[[Q:.*]] = drawloom.launch @kernels::@column_sum_{{[0-9]+}} grid 32(%arg1)
// CHECK-NEXT: %[[S:.*]]:2 = drawloom.launch @kernels::@sum_partials{{.*}} grid 4(%[[P]], %[[Q]], %arg2, %arg3)
// CHECK-SAME: inplace = array<i64: 2, 3>, label = "sums over rows"
// CHECK-NEXT: return %[[S]]#0, %[[S]]#1
// CPU-LABEL: func.func @leave
// CPU-COUNT-4: drawloom.launch
// CPU-NEXT: return
func.func @leave(%x: tensor<2000x64xf32>, %y: tensor<2000x40xf32>, %a: tensor<64xf32>, %b: tensor<40xf32>) -> (tensor<64xf32>, tensor<40xf32>) {
  %0 = drawloom.column_sum %x init %a {drawloom.label = "a"} : (tensor<2000x64xf32>, tensor<64xf32>) -> tensor<64xf32>
  %1 = drawloom.column_sum %y init %b {drawloom.label = "b"} : (tensor<2000x40xf32>, tensor<40xf32>) -> tensor<40xf32>
  return %0, %1 : tensor<64xf32>, tensor<40xf32>
}

// CHECK-LABEL: func.func @read
// CHECK: drawloom.launch @kernels::@column_sum
// CHECK-NEXT: %[[S:.*]] = drawloom.launch @kernels::@sum_partials{{.*}} label = "a"
// CHECK-NEXT: %[[Y:.*]] = drawloom.launch @kernels::@bias_add{{.*}}(%arg1, %[[S]])
// CHECK-NEXT: drawloom.launch @kernels::@column_sum{{.*}}(%arg1)
// CHECK-NEXT: drawloom.launch @kernels::@sum_partials{{.*}} label = "b"
// CHECK-NEXT: return
func.func @read(%x: tensor<2000x8xf32>, %y: tensor<2000x8xf32>) -> (tensor<2000x8xf32>, tensor<8xf32>) {
  %0 = drawloom.column_sum %x {drawloom.label = "a"} : (tensor<2000x8xf32>) -> tensor<8xf32>
  %1 = drawloom.bias_add %y, %0 : (tensor<2000x8xf32>, tensor<8xf32>) -> tensor<2000x8xf32>
  %2 = drawloom.column_sum %y {drawloom.label = "b"} : (tensor<2000x8xf32>) -> tensor<8xf32>
  return %1, %2 : tensor<2000x8xf32>, tensor<8xf32>
}
