// The product that makes attention's dout makes delta in passing, where delta would be a launch of its own.
// RUN: drawloom-opt %s --split-input-file --drawloom-split-pieces --drawloom-fuse-products="target=sm_90a" | FileCheck %s
// RUN: drawloom-opt %s --split-input-file --drawloom-split-pieces --drawloom-fuse-products="target=sm_80" | FileCheck %s --check-prefix=OTHER

// OTHER-NOT: drawloom.fusion

!w = tensor<128x128xbf16>
!x = tensor<2x640x128xbf16>
!l = tensor<2x2x640xf32>

// A window has delta from memory.
// CHECK-LABEL: func.func @window(
// CHECK-NEXT: %[[F:.*]]:2 = drawloom.fusion(%arg0, %arg1, %arg3) {drawloom.label = "proj + attention"}
// CHECK-NEXT: ^bb0(%[[DY:.*]]: tensor<2x640x128xbf16>, %[[W:.*]]: tensor<128x128xbf16>, %[[O:.*]]: tensor<2x640x128xbf16>):
// CHECK-NEXT: %[[P:.*]] = drawloom.matmul %[[DY]], %[[W]]
// CHECK-NEXT: %[[D:.*]] = drawloom.attention_delta %[[P]], %[[O]]
// CHECK-NEXT: drawloom.yield %[[P]], %[[D]]
// CHECK: drawloom.attend_grad %[[F]]#0, %arg2, %arg2, %arg2, %arg4, %[[F]]#1
func.func @window(%dy: !x, %w: !w, %q: !x, %o: !x, %lse: !l) -> (!x, !x, !x) {
  %d = drawloom.matmul %dy, %w {drawloom.label = "proj"} : (!x, !w) -> !x
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %o, %lse {pattern = #drawloom.pattern<"local(128)">, heads = 2 : i64, scale = 0.125 : f64, drawloom.label = "attention"}
    : (!x, !x, !x, !x, !x, !l) -> (!x, !x, !x)
  return %dq, %dk, %dv : !x, !x, !x
}

// -----

!w = tensor<128x128xbf16>
!x = tensor<2x640x128xbf16>
!l = tensor<2x2x640xf32>

// So have owners and relays.
// CHECK-LABEL: func.func @owners(
// CHECK: drawloom.fusion
// CHECK: drawloom.attention_delta
func.func @owners(%dy: !x, %w: !w, %q: !x, %o: !x, %lse: !l) -> (!x, !x, !x) {
  %d = drawloom.matmul %dy, %w : (!x, !w) -> !x
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %o, %lse {pattern = #drawloom.pattern<"dense">, heads = 2 : i64, scale = 0.125 : f64}
    : (!x, !x, !x, !x, !x, !l) -> (!x, !x, !x)
  return %dq, %dk, %dv : !x, !x, !x
}

// -----

!w = tensor<128x128xbf16>
!x = tensor<2x640x128xbf16>
!l = tensor<2x2x640xf32>

// So has a chain whose first piece meets only some heads; the others would wait for it.
// CHECK-LABEL: func.func @some_heads(
// CHECK: drawloom.fusion
// CHECK: drawloom.attention_delta
func.func @some_heads(%dy: !x, %w: !w, %q: !x, %o: !x, %lse: !l) -> (!x, !x, !x) {
  %d = drawloom.matmul %dy, %w : (!x, !w) -> !x
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %o, %lse {pattern = #drawloom.pattern<"heads(fixed(64, c=16), fixed(128, c=32))">, heads = 2 : i64, scale = 0.125 : f64}
    : (!x, !x, !x, !x, !x, !l) -> (!x, !x, !x)
  return %dq, %dk, %dv : !x, !x, !x
}

// -----

!w = tensor<128x128xbf16>
!x = tensor<2x640x128xbf16>
!l = tensor<2x2x640xf32>

// And heads of which one has a window, though the other's slices would do without.
// CHECK-LABEL: func.func @one_head(
// CHECK: drawloom.fusion
// CHECK: drawloom.attention_delta
func.func @one_head(%dy: !x, %w: !w, %q: !x, %o: !x, %lse: !l) -> (!x, !x, !x) {
  %d = drawloom.matmul %dy, %w : (!x, !w) -> !x
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %o, %lse {pattern = #drawloom.pattern<"heads(column(16), local(128))">, heads = 2 : i64, scale = 0.125 : f64}
    : (!x, !x, !x, !x, !x, !l) -> (!x, !x, !x)
  return %dq, %dk, %dv : !x, !x, !x
}

// -----

!w = tensor<128x128xbf16>
!x = tensor<2x640x128xbf16>
!l = tensor<2x2x640xf32>

// Kernels of slices make delta themselves, for the rest of a chain too.
// CHECK-LABEL: func.func @slices(
// CHECK-NOT: drawloom.fusion
// CHECK: return
func.func @slices(%dy: !x, %w: !w, %q: !x, %o: !x, %lse: !l) -> (!x, !x, !x, !x, !x, !x) {
  %d = drawloom.matmul %dy, %w : (!x, !w) -> !x
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %o, %lse {pattern = #drawloom.pattern<"column(16)">, heads = 2 : i64, scale = 0.125 : f64}
    : (!x, !x, !x, !x, !x, !l) -> (!x, !x, !x)
  %e = drawloom.matmul %dy, %w : (!x, !w) -> !x
  %eq, %ek, %ev = drawloom.attention_grad %e, %q, %q, %q, %o, %lse {pattern = #drawloom.pattern<"fixed(128, c=32)">, heads = 2 : i64, scale = 0.125 : f64}
    : (!x, !x, !x, !x, !x, !l) -> (!x, !x, !x)
  return %dq, %dk, %dv, %eq, %ek, %ev : !x, !x, !x, !x, !x, !x
}

// -----

!w = tensor<128x128xbf16>
!x = tensor<2x640x128xbf16>
!l = tensor<2x2x640xf32>

// What delta reads is made after the product.
// CHECK-LABEL: func.func @too_late(
// CHECK-NOT: drawloom.fusion
// CHECK: return
func.func @too_late(%dy: !x, %w: !w, %q: !x, %lse: !l) -> (!x, !x, !x) {
  %d = drawloom.matmul %dy, %w : (!x, !w) -> !x
  %o = drawloom.add %q, %q : !x
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %o, %lse {pattern = #drawloom.pattern<"local(128)">, heads = 2 : i64, scale = 0.125 : f64}
    : (!x, !x, !x, !x, !x, !l) -> (!x, !x, !x)
  return %dq, %dk, %dv : !x, !x, !x
}

// -----

!w = tensor<128x160xbf16>
!x = tensor<2x640x128xbf16>
!y = tensor<2x640x160xbf16>
!l = tensor<2x2x640xf32>

// No tile has whole heads of 80 columns.
// CHECK-LABEL: func.func @odd_heads(
// CHECK-NOT: drawloom.fusion
// CHECK: return
func.func @odd_heads(%dy: !x, %w: !w, %q: !x, %v: !y, %o: !y, %lse: !l) -> (!x, !x, !y) {
  %d = drawloom.matmul %dy, %w : (!x, !w) -> !y
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %v, %o, %lse {pattern = #drawloom.pattern<"local(128)">, heads = 2 : i64, scale = 0.125 : f64}
    : (!y, !x, !x, !y, !y, !l) -> (!x, !x, !y)
  return %dq, %dk, %dv : !x, !x, !y
}
