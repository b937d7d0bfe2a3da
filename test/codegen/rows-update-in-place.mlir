// adam writes parameter, moments and gradient where they lie, ema the moving average; one kernel when fused.
// RUN: drawloom-opt %s --drawloom-lower-rows | FileCheck %s

// CHECK: drawloom.launch @kernels::@adam_ema grid 1(%arg0, %arg1, %arg2, %arg3, %arg4, %arg5, %arg6) {{.*}}inplace = array<i64: 0, 2, 3, 1, 4>
// CHECK-LABEL: func.func @adam_ema(%arg0: memref<7xf32>, %arg1: memref<7xf32>, %arg2: memref<7xf32>, %arg3: memref<7xf32>, %arg4: memref<7xf32>, %arg5: memref<1xf32>, %arg6: memref<16xf32>, %arg7: index, %arg8: index)
func.func @f(%p: tensor<7xf32>, %g: tensor<7xf32>, %m: tensor<7xf32>, %v: tensor<7xf32>, %e: tensor<7xf32>, %norm: tensor<1xf32>, %h: tensor<16xf32>) -> (tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xf32>) {
  %r:5 = drawloom.fusion(%p, %g, %m, %v, %e, %norm, %h) : (tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<1xf32>, tensor<16xf32>) -> (tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xf32>) {
  ^bb0(%a0: tensor<7xf32>, %a1: tensor<7xf32>, %a2: tensor<7xf32>, %a3: tensor<7xf32>, %a4: tensor<7xf32>, %a5: tensor<1xf32>, %a6: tensor<16xf32>):
    %u:4 = drawloom.adam %a0, %a1, %a2, %a3, %a5, %a6 : (tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<1xf32>, tensor<16xf32>) -> (tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xf32>)
    %n = drawloom.ema %a4, %u#0, %a5, %a6 : (tensor<7xf32>, tensor<7xf32>, tensor<1xf32>, tensor<16xf32>) -> tensor<7xf32>
    drawloom.yield %u#0, %u#1, %u#2, %u#3, %n : tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xf32>
  }
  return %r#0, %r#1, %r#2, %r#3, %r#4 : tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xf32>
}
