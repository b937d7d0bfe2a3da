// Derivatives of matrices and biases are summed up in f32 and added to their buffers by the product itself, whatever is recomputed.
// RUN: drawloom-opt %s --drawloom-choose-precision=type=bf16 --drawloom-form-segments --drawloom-differentiate --drawloom-inline-segments --drawloom-decompose --drawloom-accumulate-in-place | FileCheck %s --check-prefixes=CHECK,NONE
// RUN: drawloom-opt %s --drawloom-choose-precision=type=bf16 --drawloom-form-segments=mode=block --drawloom-differentiate --drawloom-inline-segments --drawloom-decompose --drawloom-accumulate-in-place | FileCheck %s --check-prefixes=CHECK,BLOCK

// CHECK-LABEL: func.func @gradient
// Logits, losses and the derivative of the logits are f32; the products read a bf16 copy of it, the bias the derivative itself.
// CHECK: drawloom.matmul {{.*}}transpose_b} : (tensor<1x4x2xbf16>, tensor<3x2xbf16>) -> tensor<1x4x3xf32>
// CHECK: %[[D:.*]] = drawloom.cross_entropy_grad {{.*}} -> tensor<1x4x3xf32>
// CHECK: %[[D16:.*]] = drawloom.cast %[[D]]{{.*}} : tensor<1x4x3xf32> to tensor<1x4x3xbf16>
// CHECK: drawloom.matmul %[[D16]], %{{.*}} init %{{.*}}transpose_a} : (tensor<1x4x3xbf16>, tensor<1x4x2xbf16>, tensor<3x2xf32>) -> tensor<3x2xf32>
// CHECK: drawloom.column_sum %[[D]] init %{{.*}} : (tensor<1x4x3xf32>, tensor<3xf32>) -> tensor<3xf32>

// NONE-NOT: drawloom.recompute
// BLOCK: drawloom.recompute
// CHECK: drawloom.gelu_grad {{.*}} : tensor<1x4x2xbf16>
// CHECK: drawloom.matmul {{.*}} init %{{.*}}transpose_a} : (tensor<1x4x2xbf16>, tensor<1x4x2xbf16>, tensor<2x2xf32>) -> tensor<2x2xf32>
// CHECK-NOT: to tensor<{{.*}}xf32>
// CHECK: return
func.func @loss(%w: tensor<2x2xf32> {drawloom.name = "w", drawloom.role = "parameter"}, %o: tensor<3x2xf32> {drawloom.name = "o", drawloom.role = "parameter"},
                %b: tensor<3xf32> {drawloom.name = "b", drawloom.role = "parameter"}, %x: tensor<1x4x2xf32>, %t: tensor<1x4xi32>) -> tensor<1x4xf32> {
  %0 = drawloom.linear %x, %w {drawloom.segment = "layers.0.ff"} : (tensor<1x4x2xf32>, tensor<2x2xf32>) -> tensor<1x4x2xf32>
  %1 = drawloom.gelu %0 {drawloom.segment = "layers.0.ff"} : tensor<1x4x2xf32>
  %2 = drawloom.linear %1, %o bias %b : (tensor<1x4x2xf32>, tensor<3x2xf32>, tensor<3xf32>) -> tensor<1x4x3xf32>
  %3 = drawloom.cross_entropy %2, %t : (tensor<1x4x3xf32>, tensor<1x4xi32>) -> tensor<1x4xf32>
  return %3 : tensor<1x4xf32>
}
