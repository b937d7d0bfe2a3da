// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention=target=sm_90a | FileCheck %s
// A window and a column are two launches that read the same rows. The second goes through the batch from its last entry to its first: the
// rows of that entry are the ones that the first has left in the cache.

// CHECK-DAG: [[BACK:#map[0-9]*]] = affine_map<(d0) -> (-d0 + 2)>
// CHECK-LABEL: func.func @f(
// CHECK: launch @kernels::@attend grid
// CHECK: launch @kernels::@attend_1 grid {{.*}}inplace = array<i64: 3, 4>
// CHECK-LABEL: func.func @attend(
// CHECK-NOT: affine.apply [[BACK]](
// CHECK-LABEL: func.func @attend_1(
// CHECK: affine.apply [[BACK]](
func.func @f(%q: tensor<3x1536x128xbf16>) -> (tensor<3x1536x128xbf16>, tensor<3x2x1536xf32>) {
  %out, %lse = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"strided(128)">, heads = 2 : i64, scale = 0.125 : f64}
    : (tensor<3x1536x128xbf16>, tensor<3x1536x128xbf16>, tensor<3x1536x128xbf16>) -> (tensor<3x1536x128xbf16>, tensor<3x2x1536xf32>)
  return %out, %lse : tensor<3x1536x128xbf16>, tensor<3x2x1536xf32>
}
