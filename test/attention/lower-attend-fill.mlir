// RUN: drawloom-opt %s --drawloom-lower-attention | FileCheck %s
// A view that leaves rows out starts from (0, -inf), so that every row is defined.

#view = #drawloom.view<heads = [0], slices = (h) -> (1), rows = (h, s) -> (8), query = (h, s, r) -> (r + 8), keys = (h, s) -> (8),
  key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (8), row_lo = (h, s, t) -> (0), row_hi = (h, s, t) -> (8)>

// CHECK-LABEL: func.func @half
// CHECK: %[[OUT:.*]] = drawloom.fill 0.000000e+00
// CHECK: %[[LSE:.*]] = drawloom.fill 0xFFF0000000000000
// CHECK: drawloom.launch @kernels::@attend grid {{.*}}, %[[OUT]], %[[LSE]])
// CHECK-SAME: inplace = array<i64: 3, 4>
func.func @half(%q: tensor<1x16x16xf32>) -> (tensor<1x16x16xf32>, tensor<1x1x16xf32>) {
  %out, %lse = drawloom.attend %q, %q, %q {view = #view, heads = 1 : i64, scale = 0.25 : f64}
    : (tensor<1x16x16xf32>, tensor<1x16x16xf32>, tensor<1x16x16xf32>) -> (tensor<1x16x16xf32>, tensor<1x1x16xf32>)
  return %out, %lse : tensor<1x16x16xf32>, tensor<1x1x16xf32>
}
