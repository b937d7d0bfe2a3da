// RUN: drawloom-opt %s --split-input-file --drawloom-split-pieces "--drawloom-lower-attention=target=sm_90a" | FileCheck %s
// All rows of a group have a key in its first tile: later tiles count from that tile's greatest scores, and are done over where their sums are too great.
// CHECK: func.func @attend(
// CHECK: scf.while
// CHECK: any_lane
func.func @dense(%q: tensor<1x2048x128xbf16>) -> (tensor<1x2048x128xbf16>, tensor<1x2x2048xf32>) {
  %o, %l = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"dense">, heads = 2 : i64, scale = 0.125 : f64}
    : (tensor<1x2048x128xbf16>, tensor<1x2048x128xbf16>, tensor<1x2048x128xbf16>) -> (tensor<1x2048x128xbf16>, tensor<1x2x2048xf32>)
  return %o, %l : tensor<1x2048x128xbf16>, tensor<1x2x2048xf32>
}

// -----

// Of a wide window some rows begin a tile later than their group: its second tile would always be done over. So all scores are compared.
// CHECK: func.func @attend(
// CHECK-NOT: any_lane
func.func @window(%q: tensor<1x2048x128xbf16>) -> (tensor<1x2048x128xbf16>, tensor<1x2x2048xf32>) {
  %o, %l = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"local(600)">, heads = 2 : i64, scale = 0.125 : f64}
    : (tensor<1x2048x128xbf16>, tensor<1x2048x128xbf16>, tensor<1x2048x128xbf16>) -> (tensor<1x2048x128xbf16>, tensor<1x2x2048xf32>)
  return %o, %l : tensor<1x2048x128xbf16>, tensor<1x2x2048xf32>
}
