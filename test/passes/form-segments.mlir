// Runs of ops with one segment label become segments; what they need is fed in, what others need and what is kept comes out.
// RUN: drawloom-opt %s --drawloom-form-segments=mode=attention | FileCheck %s --check-prefix=ATT
// RUN: drawloom-opt %s --drawloom-form-segments=mode=block | FileCheck %s --check-prefix=BLOCK
// RUN: drawloom-opt %s --drawloom-form-segments | FileCheck %s --check-prefix=NONE
// RUN: drawloom-opt %s --drawloom-form-segments=mode=elementwise | FileCheck %s --check-prefix=ELEM
// RUN: drawloom-opt %s --drawloom-form-segments=mode=none,elementwise | FileCheck %s --check-prefix=ELEM1
// RUN: drawloom-opt %s --drawloom-form-segments=mode=block,none | FileCheck %s --check-prefix=FIRST
// RUN: drawloom-opt %s --drawloom-form-segments=mode=none,attention | FileCheck %s --check-prefix=SECOND
// RUN: drawloom-opt %s --drawloom-form-segments=mode=all,block | FileCheck %s --check-prefix=ALL
// RUN: not drawloom-opt %s --drawloom-form-segments=mode=layer 2>&1 | FileCheck %s --check-prefix=BAD
// RUN: not drawloom-opt %s --drawloom-form-segments=mode=block,none,none 2>&1 | FileCheck %s --check-prefix=COUNT

// BAD: error: drawloom-form-segments: mode is none, elementwise, attention, block or all, not 'layer'
// COUNT: error: drawloom-form-segments: 3 modes for 2 layers
// NONE-NOT: drawloom.segment(
// NONE-NOT: drawloom.repeat

// ELEM-NOT: drawloom.segment(
// ELEM: drawloom.gelu {{.*}}drawloom.repeat{{.*}}layers.0.ff
// ELEM: drawloom.gelu {{.*}}drawloom.repeat{{.*}}layers.1.attention
// ELEM1: drawloom.gelu
// ELEM1-NOT: drawloom.repeat{{.*}}layers.0.ff
// ELEM1: drawloom.repeat{{.*}}layers.1.attention

// FIRST: drawloom.segment(%arg0, %arg1) {drawloom.label = "layers.0", kept = 2 : i64}
// FIRST-NOT: drawloom.segment(
// SECOND-NOT: drawloom.segment(
// SECOND: drawloom.segment(%{{.*}}) {drawloom.label = "layers.1.attention"}
// SECOND-NOT: drawloom.segment(

// ALL: drawloom.segment(%arg0, %arg1) {drawloom.label = "layers.0"}
// ALL: drawloom.segment(%{{.*}}) {drawloom.label = "layers.1"}

// ATT-LABEL: func.func @loss
// ATT: %[[A:.*]]:3 = drawloom.segment(%arg0, %arg1) {drawloom.label = "layers.0.attention", kept = 2 : i64}
// ATT: %[[SUM:.*]] = drawloom.add
// ATT: %[[OUT:.*]], %[[LSE:.*]] = drawloom.attention
// ATT: %[[RES:.*]] = drawloom.add %{{.*}}, %[[OUT]]
// ATT: drawloom.yield %[[RES]], %[[OUT]], %[[LSE]]
// ATT: drawloom.gelu %[[A]]#0 {drawloom.repeat
// ATT: drawloom.segment(%{{.*}}) {drawloom.label = "layers.1.attention"}

// BLOCK-LABEL: func.func @loss
// BLOCK: drawloom.segment(%arg0, %arg1) {drawloom.label = "layers.0", kept = 2 : i64}
// BLOCK: drawloom.gelu
// BLOCK: drawloom.yield
// BLOCK: drawloom.segment(%{{.*}}) {drawloom.label = "layers.1"}
// BLOCK: drawloom.gelu
// BLOCK: return
func.func @loss(%x: tensor<1x4x2xf32>, %y: tensor<1x4x2xf32>) -> tensor<1x4x2xf32> {
  %0 = drawloom.add %x, %y {drawloom.segment = "layers.0.attention"} : tensor<1x4x2xf32>
  %out, %lse = drawloom.attention %0, %0, %y {drawloom.segment = "layers.0.attention", drawloom.keep, pattern = #drawloom.pattern<"local(2)">, heads = 1 : i64, scale = 1.0 : f64}
    : (tensor<1x4x2xf32>, tensor<1x4x2xf32>, tensor<1x4x2xf32>) -> (tensor<1x4x2xf32>, tensor<1x1x4xf32>)
  %1 = drawloom.add %x, %out {drawloom.segment = "layers.0.attention"} : tensor<1x4x2xf32>
  %2 = drawloom.gelu %1 {drawloom.segment = "layers.0.ff"} : tensor<1x4x2xf32>
  %3 = drawloom.gelu %2 {drawloom.segment = "layers.1.attention"} : tensor<1x4x2xf32>
  return %3 : tensor<1x4x2xf32>
}
