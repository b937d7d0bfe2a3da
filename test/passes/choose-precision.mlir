// Activations of @loss and @evaluate get the 16-bit type; parameters, statistics, log-sum-exp, logits and losses stay f32.
// RUN: drawloom-opt %s --drawloom-choose-precision=type=bf16 | FileCheck %s
// RUN: drawloom-opt %s --drawloom-choose-precision=type=f16 | FileCheck %s --check-prefix=HALF
// RUN: drawloom-opt %s --drawloom-choose-precision | FileCheck %s --check-prefix=SAME
// RUN: not drawloom-opt %s --drawloom-choose-precision=type=f8 2>&1 | FileCheck %s --check-prefix=BAD

// BAD: error: drawloom-choose-precision: type is f32, bf16 or f16, not 'f8'
// SAME-NOT: drawloom.cast
// HALF: drawloom.cast %{{.*}} : tensor<24x8xf32> to tensor<24x8xf16>

// Working copies of matrices stand at the start, in order of use; a matrix that two products read has one.
// CHECK-LABEL: func.func @loss(
// CHECK-SAME: %[[TABLE:.*]]: tensor<6x8xf32> {{.*}} %[[G:.*]]: tensor<8xf32> {{.*}} %[[W:.*]]: tensor<24x8xf32> {{.*}} %[[B:.*]]: tensor<24xf32> {{.*}} %[[U:.*]]: tensor<8x8xf32>
// CHECK-NEXT: %[[W16:.*]] = drawloom.cast %[[W]] {drawloom.label = "w"} : tensor<24x8xf32> to tensor<24x8xbf16>
// CHECK-NEXT: %[[U16:.*]] = drawloom.cast %[[U]] {drawloom.label = "u"} : tensor<8x8xf32> to tensor<8x8xbf16>
// CHECK-NEXT: %[[H:.*]] = drawloom.embed %{{.*}}, %[[TABLE]] positions() divisors [] : (tensor<1x7xi32>, tensor<6x8xf32>) -> tensor<1x7x8xbf16>
// CHECK-NEXT: drawloom.layer_norm %[[H]], %[[G]], %[[G]] {{.*}}(tensor<1x7x8xbf16>, tensor<8xf32>, tensor<8xf32>) -> (tensor<1x7x8xbf16>, tensor<1x7xf32>, tensor<1x7xf32>)
// CHECK-NEXT: drawloom.linear %{{.*}}, %[[W16]] bias %[[B]] {{.*}}(tensor<1x7x8xbf16>, tensor<24x8xbf16>, tensor<24xf32>) -> tensor<1x7x24xbf16>
// CHECK-NEXT: drawloom.split {{.*}}(tensor<1x7x24xbf16>)
// CHECK-NEXT: drawloom.attention {{.*}} -> (tensor<1x7x8xbf16>, tensor<1x1x7xf32>)
// CHECK-NEXT: drawloom.dropout {{.*}}(tensor<1x7x8xbf16>, tensor<2xi64>) -> tensor<1x7x8xbf16>
// CHECK-NEXT: drawloom.add {{.*}} : tensor<1x7x8xbf16>
// CHECK-NEXT: drawloom.linear %{{.*}}, %[[U16]] {{.*}} -> tensor<1x7x8xbf16>
// CHECK-NEXT: drawloom.gelu {{.*}} : tensor<1x7x8xbf16>
// CHECK-NEXT: drawloom.linear %{{.*}}, %[[U16]] : {{.*}} -> tensor<1x7x8xf32>
// CHECK-NEXT: drawloom.cross_entropy {{.*}} -> tensor<1x7xf32>
func.func @loss(%table: tensor<6x8xf32> {drawloom.name = "table", drawloom.role = "parameter"}, %g: tensor<8xf32> {drawloom.name = "g", drawloom.role = "parameter"},
                %w: tensor<24x8xf32> {drawloom.name = "w", drawloom.role = "parameter"}, %b: tensor<24xf32> {drawloom.name = "b", drawloom.role = "parameter"},
                %u: tensor<8x8xf32> {drawloom.name = "u", drawloom.role = "parameter"}, %tokens: tensor<1x7xi32>, %t: tensor<1x7xi32>, %rng: tensor<2xi64>) -> tensor<1x7xf32> {
  %h = drawloom.embed %tokens, %table positions () divisors [] : (tensor<1x7xi32>, tensor<6x8xf32>) -> tensor<1x7x8xf32>
  %n, %m, %r = drawloom.layer_norm %h, %g, %g {drawloom.segment = "layers.0.attention"} : (tensor<1x7x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<1x7x8xf32>, tensor<1x7xf32>, tensor<1x7xf32>)
  %0 = drawloom.linear %n, %w bias %b {drawloom.segment = "layers.0.attention"} : (tensor<1x7x8xf32>, tensor<24x8xf32>, tensor<24xf32>) -> tensor<1x7x24xf32>
  %q, %k, %v = drawloom.split %0 {drawloom.segment = "layers.0.attention"} : (tensor<1x7x24xf32>) -> (tensor<1x7x8xf32>, tensor<1x7x8xf32>, tensor<1x7x8xf32>)
  %o, %l = drawloom.attention %q, %k, %v {drawloom.keep, drawloom.segment = "layers.0.attention", pattern = #drawloom.pattern<"strided(3)">, heads = 1 : i64, scale = 0.5 : f64}
    : (tensor<1x7x8xf32>, tensor<1x7x8xf32>, tensor<1x7x8xf32>) -> (tensor<1x7x8xf32>, tensor<1x1x7xf32>)
  %d = drawloom.dropout %o, %rng {drawloom.segment = "layers.0.attention", rate = 0.25 : f64, site = 0 : i64} : (tensor<1x7x8xf32>, tensor<2xi64>) -> tensor<1x7x8xf32>
  %a = drawloom.add %h, %d {drawloom.segment = "layers.0.attention"} : tensor<1x7x8xf32>
  %f = drawloom.linear %a, %u {drawloom.segment = "layers.0.ff"} : (tensor<1x7x8xf32>, tensor<8x8xf32>) -> tensor<1x7x8xf32>
  %e = drawloom.gelu %f {drawloom.segment = "layers.0.ff"} : tensor<1x7x8xf32>
  %logits = drawloom.linear %e, %u : (tensor<1x7x8xf32>, tensor<8x8xf32>) -> tensor<1x7x8xf32>
  %nll = drawloom.cross_entropy %logits, %t : (tensor<1x7x8xf32>, tensor<1x7xi32>) -> tensor<1x7xf32>
  return %nll : tensor<1x7xf32>
}

// What the pass does not know, and what a function returns, is read in f32; an argument that is no parameter is cast too.
// CHECK-LABEL: func.func @evaluate
// CHECK-NEXT: %[[X16:.*]] = drawloom.cast %{{.*}} : tensor<2x4xf32> to tensor<2x4xbf16>
// CHECK-NEXT: %[[Y:.*]] = drawloom.gelu %[[X16]] {drawloom.label = "gelu", drawloom.segment = "layers.0.ff"} : tensor<2x4xbf16>
// CHECK-NEXT: %[[Y32:.*]] = drawloom.cast %[[Y]] {drawloom.label = "gelu", drawloom.segment = "layers.0.ff"} : tensor<2x4xbf16> to tensor<2x4xf32>
// CHECK-NEXT: %[[Z:.*]] = drawloom.bias_add %[[Y32]], %{{.*}} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
// CHECK-NEXT: return %[[Y32]], %[[Z]]
func.func @evaluate(%x: tensor<2x4xf32>, %b: tensor<4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %y = drawloom.gelu %x {drawloom.label = "gelu", drawloom.segment = "layers.0.ff"} : tensor<2x4xf32>
  %z = drawloom.bias_add %y, %b : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %y, %z : tensor<2x4xf32>, tensor<2x4xf32>
}

// Decoding stays f32.
// CHECK-LABEL: func.func @decode
// CHECK-NOT: bf16
func.func @decode(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %y = drawloom.gelu %x : tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
