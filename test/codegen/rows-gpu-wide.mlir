// A row that does not fit registers is gone through again, and sums over such rows stand in memory, a row of them a team.
// RUN: drawloom-opt %s --drawloom-lower-rows=target=sm_90a | FileCheck %s

// CHECK-LABEL: func.func @layer_norm(
// CHECK: scf.for
// CHECK: vector.load %arg0
// CHECK: gpu.shuffle
// CHECK: vector.load %arg0
// CHECK: gpu.shuffle
// CHECK: vector.load %arg0
func.func @norm(%x: tensor<16x8192xf32>, %g: tensor<8192xf32>, %b: tensor<8192xf32>) -> tensor<16x8192xf32> {
  %o, %mean, %rstd = drawloom.layer_norm %x, %g, %b : (tensor<16x8192xf32>, tensor<8192xf32>, tensor<8192xf32>) -> (tensor<16x8192xf32>, tensor<16xf32>, tensor<16xf32>)
  return %o : tensor<16x8192xf32>
}

// CHECK-LABEL: func.func @column_sum(
// CHECK-SAME: drawloom.items = 8 : i64
// CHECK-NOT: gpu.barrier
// CHECK: %[[OLD:.*]] = vector.load %arg1
// CHECK: arith.addf %[[OLD]]
// CHECK: vector.store {{.*}}, %arg1
func.func @sum(%x: tensor<5000x8192xf32>) -> tensor<8192xf32> {
  %o = drawloom.column_sum %x : (tensor<5000x8192xf32>) -> tensor<8192xf32>
  return %o : tensor<8192xf32>
}
