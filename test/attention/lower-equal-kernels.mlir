// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention | FileCheck %s
// Layers with the same pattern and shapes share a kernel; another scale needs another.

// CHECK-LABEL: func.func @layers
// CHECK: launch @kernels::@attend grid
// CHECK: launch @kernels::@attend grid
// CHECK: launch @kernels::@attend_1 grid
func.func @layers(%q: tensor<1x32x16xf32>) -> tensor<1x32x16xf32> {
  %a, %la = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"local(8)">, heads = 1 : i64, scale = 0.25 : f64}
    : (tensor<1x32x16xf32>, tensor<1x32x16xf32>, tensor<1x32x16xf32>) -> (tensor<1x32x16xf32>, tensor<1x1x32xf32>)
  %b, %lb = drawloom.attention %a, %a, %a {pattern = #drawloom.pattern<"local(8)">, heads = 1 : i64, scale = 0.25 : f64}
    : (tensor<1x32x16xf32>, tensor<1x32x16xf32>, tensor<1x32x16xf32>) -> (tensor<1x32x16xf32>, tensor<1x1x32xf32>)
  %c, %lc = drawloom.attention %b, %b, %b {pattern = #drawloom.pattern<"local(8)">, heads = 1 : i64, scale = 0.5 : f64}
    : (tensor<1x32x16xf32>, tensor<1x32x16xf32>, tensor<1x32x16xf32>) -> (tensor<1x32x16xf32>, tensor<1x1x32xf32>)
  return %c : tensor<1x32x16xf32>
}

// CHECK: module @kernels
// CHECK: func.func @attend(
// CHECK: func.func @attend_1(
// CHECK-NOT: func.func
