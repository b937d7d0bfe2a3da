// What is printed parses to the same module, patterns in canonical spelling.
// RUN: drawloom-opt %s | drawloom-opt | FileCheck %s

// CHECK-LABEL: @pattern_is_respelt
// CHECK-SAME: p = #drawloom.pattern<"fixed(128, c=32)">
func.func private @pattern_is_respelt() attributes {p = #drawloom.pattern<" fixed( 128 ,32 )">}

// CHECK-LABEL: @equal_patterns_are_one_attribute
// CHECK-SAME: p = #drawloom.pattern<"[[SPELLING:.*]]">, q = #drawloom.pattern<"[[SPELLING]]">
func.func private @equal_patterns_are_one_attribute() attributes {p = #drawloom.pattern<"i - j < 4 and (i-j) mod 3 == 0">, q = #drawloom.pattern<"(i - j < 4) and ((i - j) mod 3 == 0)">}

// CHECK-LABEL: @view
// CHECK-SAME: #drawloom.view<heads = [0, 2], slices = (d0) -> (4), rows = (d0, d1) -> ((-d1 + 13) floordiv 4), query = (d0, d1, d2) -> (d2 * 4 + d1), keys = (d0, d1) -> ((-d1 + 13) floordiv 4), key = (d0, d1, d2) -> (d2 * 4 + d1), key_lo = (d0, d1, d2) -> (0, d2 - 2), key_hi = (d0, d1, d2) -> (d2 + 1), row_lo = (d0, d1, d2) -> (d2), row_hi = (d0, d1, d2) -> (d2 + 3), predicate = ["(d0, d1, d2) : (d1 - d2 >= 0, d2 mod 2 == 0)", "(d0, d1, d2) : (d1 - d2 == 0)"]>
func.func private @view() attributes {v = #drawloom.view<heads = [0, 2], slices = (h) -> (4), rows = (h, s) -> ((13 - s) floordiv 4), query = (h, s, r) -> (4 * r + s), keys = (h, s) -> ((13 - s) floordiv 4), key = (h, s, t) -> (4 * t + s), key_lo = (h, s, r) -> (0, r - 2), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (t + 3), predicate = ["(h, i, j) : (i - j >= 0, j mod 2 == 0)", "(h, i, j) : (i - j == 0)"]>}

// CHECK-LABEL: @segment
// CHECK: drawloom.segment(%{{.*}}) {kept = 1 : i64} : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
// CHECK: drawloom.yield
func.func @segment(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y:2 = drawloom.segment(%x) {kept = 1 : i64} : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  ^bb0(%a: tensor<4xf32>):
    %b = drawloom.gelu %a : tensor<4xf32>
    drawloom.yield %b, %b : tensor<4xf32>, tensor<4xf32>
  }
  return %y#0 : tensor<4xf32>
}

// CHECK-LABEL: @cast
// CHECK: drawloom.cast %{{.*}} : tensor<2x4xf32> to tensor<2x4xbf16>
func.func @cast(%x: tensor<2x4xf32>) -> tensor<2x4xbf16> {
  %y = drawloom.cast %x : tensor<2x4xf32> to tensor<2x4xbf16>
  return %y : tensor<2x4xbf16>
}
