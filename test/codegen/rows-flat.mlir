// Elementwise ops on dense tensors run over chunks of 4096 elements, whatever the shape; only the last chunk has a tail.
// RUN: drawloom-opt %s --drawloom-lower-rows | FileCheck %s

// CHECK: drawloom.launch @kernels::@add grid 2(
// CHECK-LABEL: func.func @add
// CHECK-DAG: %[[X:.*]] = memref.reinterpret_cast %arg0 {{.*}} to memref<5000xf32>
// CHECK: scf.for %[[CHUNK:.*]] = %arg3 to %arg4
// CHECK: %[[LAST:.*]] = arith.cmpi eq, %[[CHUNK]], %c1
// CHECK: %[[END:.*]] = arith.select %[[LAST]], %c896, %c4096
// CHECK: scf.for %{{.*}} = %c0 to %[[END]] step %c16
// CHECK: scf.if %[[LAST]]
// CHECK: vector.constant_mask [8]
func.func @f(%x: tensor<50x100xf32>, %y: tensor<50x100xf32>) -> tensor<50x100xf32> {
  %0 = drawloom.add %x, %y : tensor<50x100xf32>
  return %0 : tensor<50x100xf32>
}
