// A product adds a bias itself where no row op would add it in passing; a 16-bit result takes a copy of the bias. The choice stands before segments are formed, so a region makes the same products.
// RUN: drawloom-opt %s --drawloom-fuse-epilogues | FileCheck %s --check-prefix=MARK
// RUN: drawloom-opt %s --drawloom-fuse-epilogues --drawloom-differentiate --drawloom-decompose | FileCheck %s --check-prefix=NONE
// RUN: drawloom-opt %s --drawloom-fuse-epilogues --drawloom-form-segments=mode=block --drawloom-differentiate --drawloom-inline-segments --drawloom-decompose | FileCheck %s --check-prefix=BLOCK
// RUN: drawloom-opt %s --drawloom-decompose | FileCheck %s --check-prefix=CPU

// MARK-LABEL: func.func @loss
// MARK: %[[V:.*]] = drawloom.cast %arg1 {drawloom.label = "v"} : tensor<24xf32> to tensor<24xbf16>
// MARK: drawloom.linear %{{.*}}, %arg0 bias %[[V]] {drawloom.epilogue
// MARK: drawloom.linear %{{.*}}, %arg2 bias %arg3 {drawloom.segment
// MARK: drawloom.gelu

// NONE-LABEL: func.func @gradient
// NONE: drawloom.matmul %{{.*}}, %arg0 bias %{{.*}} {drawloom.segment = "layers.0.attention", transpose_b} : (tensor<1x7x8xbf16>, tensor<24x8xbf16>, tensor<24xbf16>) -> tensor<1x7x24xbf16>
// NONE: drawloom.bias_add {{.*}} : (tensor<1x7x8xbf16>, tensor<8xf32>)
// The gradient of the bias is f32 from its sum on.
// NONE: drawloom.column_sum %{{.*}} : (tensor<1x7x24xbf16>) -> tensor<24xf32>
// NONE-NOT: drawloom.cast {{.*}} tensor<24xbf16> to

// BLOCK-LABEL: func.func @gradient
// BLOCK: drawloom.matmul {{.*}} bias
// BLOCK: drawloom.recompute
// BLOCK: drawloom.matmul {{.*}} bias

// CPU-NOT: drawloom.matmul {{.*}} bias
// CPU: drawloom.bias_add
func.func @loss(%w: tensor<24x8xbf16> {drawloom.name = "w", drawloom.role = "io"}, %v: tensor<24xf32> {drawloom.name = "v", drawloom.role = "parameter"},
                %u: tensor<8x8xbf16> {drawloom.name = "u", drawloom.role = "io"}, %b: tensor<8xf32> {drawloom.name = "b", drawloom.role = "parameter"},
                %x: tensor<1x7x8xbf16> {drawloom.name = "x", drawloom.role = "io"}) -> (tensor<1x7x8xbf16> {drawloom.name = "nll"}) {
  %0 = drawloom.linear %x, %w bias %v {drawloom.segment = "layers.0.attention"} : (tensor<1x7x8xbf16>, tensor<24x8xbf16>, tensor<24xf32>) -> tensor<1x7x24xbf16>
  %q, %k, %s = drawloom.split %0 {drawloom.segment = "layers.0.attention"} : (tensor<1x7x24xbf16>) -> (tensor<1x7x8xbf16>, tensor<1x7x8xbf16>, tensor<1x7x8xbf16>)
  %o, %l = drawloom.attention %q, %k, %s {drawloom.keep, drawloom.segment = "layers.0.attention", pattern = #drawloom.pattern<"strided(3)">, heads = 1 : i64, scale = 0.5 : f64}
    : (tensor<1x7x8xbf16>, tensor<1x7x8xbf16>, tensor<1x7x8xbf16>) -> (tensor<1x7x8xbf16>, tensor<1x1x7xf32>)
  %1 = drawloom.linear %o, %u bias %b {drawloom.segment = "layers.0.attention"} : (tensor<1x7x8xbf16>, tensor<8x8xbf16>, tensor<8xf32>) -> tensor<1x7x8xbf16>
  %2 = drawloom.gelu %1 {drawloom.segment = "layers.0.attention"} : tensor<1x7x8xbf16>
  return %2 : tensor<1x7x8xbf16>
}
