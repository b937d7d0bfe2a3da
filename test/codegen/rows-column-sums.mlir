// A sum over rows is made per work item and finished, in order and in double precision, by a second launch over init.
// RUN: drawloom-opt %s --drawloom-lower-rows | FileCheck %s

// CHECK: %[[P:.*]] = drawloom.launch @kernels::@column_sum grid 38(%arg0) {{.*}} : (tensor<300x40xf32>) -> tensor<38x40xf32>
// CHECK: %[[S:.*]] = drawloom.launch @kernels::@sum_partials grid 3(%[[P]], %arg1) {{.*}}inplace = array<i64: 1>
// CHECK: return %[[S]]
// CHECK-LABEL: func.func @sum_partials
// CHECK: arith.extf
// CHECK: scf.for {{.*}} iter_args
// CHECK: arith.addf {{.*}} : vector<16xf64>
// CHECK: arith.truncf
func.func @f(%x: tensor<300x40xf32>, %y: tensor<40xf32>) -> tensor<40xf32> {
  %o = drawloom.column_sum %x init %y : (tensor<300x40xf32>, tensor<40xf32>) -> tensor<40xf32>
  return %o : tensor<40xf32>
}
