// In a kernel that sums over rows a thread asks for its next rows, also those of its next run, before it works on those that it has, if registers allow.
// RUN: drawloom-opt %s --split-input-file --drawloom-lower-rows=target=sm_90a | FileCheck %s

// Two rows at a time, each with its elements of both statistics; what all rows read is not among them.
// CHECK-LABEL: func.func @layer_norm_grad
// CHECK: scf.for
// CHECK: %[[D0:.*]] = vector.load %arg0[%[[ROW:.*]], %[[COLUMN:.*]]] {{.*}} vector<8xbf16>
// CHECK: %[[X0:.*]] = vector.load %arg1[%[[ROW]], %[[COLUMN]]]
// CHECK: scf.for {{.*}} iter_args({{.*}}, %[[D1:[a-z0-9]+]] = %[[D0]], %[[X1:[a-z0-9]+]] = %[[X0]]
// CHECK: %[[BEGIN:.*]] = arith.addi
// CHECK: %[[THEN:.*]] = arith.addi %[[BEGIN]]
// CHECK: scf.for %[[K:[a-z0-9]+]] = {{.*}} iter_args({{.*}}, %[[D:[a-z0-9]+]] = %[[D1]], %[[X:[a-z0-9]+]] = %[[X1]]
// CHECK: %[[AFTER:.*]] = arith.addi %[[BEGIN]]
// CHECK: %[[OTHER:.*]] = arith.select %{{.*}}, %[[AFTER]], %[[THEN]]
// CHECK: %[[NEXT:.*]] = arith.minui %[[OTHER]]
// CHECK: vector.load %arg0[%[[NEXT]], %[[COLUMN]]]
// CHECK: vector.load %arg1[%[[NEXT]], %[[COLUMN]]]
// CHECK: memref.load %arg3[%[[NEXT]]]
// CHECK: memref.load %arg4[%[[NEXT]]]
// CHECK: vector.load %arg0
// CHECK: vector.load %arg1
// CHECK: memref.load %arg3
// CHECK: memref.load %arg4
// CHECK-NOT: vector.load %arg0
// CHECK: arith.extf %[[D]]
// CHECK: arith.extf %[[X]]
// CHECK: scf.yield
// CHECK: gpu.barrier
func.func @f(%dout: tensor<4000x256xbf16>, %x: tensor<4000x256xbf16>, %g: tensor<256xf32>, %mean: tensor<4000xf32>, %rstd: tensor<4000xf32>) -> (tensor<4000x256xbf16>, tensor<256xf32>, tensor<256xf32>) {
  %dx, %dg, %db = drawloom.layer_norm_grad %dout, %x, %g, %mean, %rstd : (tensor<4000x256xbf16>, tensor<4000x256xbf16>, tensor<256xf32>, tensor<4000xf32>, tensor<4000xf32>) -> (tensor<4000x256xbf16>, tensor<256xf32>, tensor<256xf32>)
  return %dx, %dg, %db : tensor<4000x256xbf16>, tensor<256xf32>, tensor<256xf32>
}

// -----

// Sums of 1536 columns leave no room.
// CHECK-LABEL: func.func @column_sum
// CHECK: scf.for
// CHECK-NOT: vector.load
// CHECK: scf.for {{.*}} -> (f32
// CHECK-NOT: vector.load
// CHECK: scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
func.func @f(%x: tensor<4000x1536xbf16>) -> tensor<1536xf32> {
  %0 = drawloom.column_sum %x : (tensor<4000x1536xbf16>) -> tensor<1536xf32>
  return %0 : tensor<1536xf32>
}
