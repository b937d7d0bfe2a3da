// RUN: drawloom-opt %s --drawloom-split-pieces "--drawloom-lower-attention=target=sm_90a relay=false" | FileCheck %s
// Who makes delta = rowsum(dO * O). A kernel whose blocks own whole slices makes it of O and the dO that it has.

!x = tensor<2x640x128xbf16>
!y = tensor<2x640x256xbf16>
!l = tensor<2x2x640xf32>

// For itself, where no other piece needs it.
// CHECK-LABEL: func.func @slices(
// CHECK-SAME: %[[D:[^:]*]]: tensor<2x640x128xbf16>, %[[Q:[^:]*]]: tensor<2x640x128xbf16>, %[[O:[^:]*]]: tensor<2x640x128xbf16>, %[[LSE:[^:]*]]: tensor<2x2x640xf32>
// CHECK-NOT: launch
// CHECK: launch @kernels::@attend_grad_slices{{[_0-9]*}} grid {{[0-9]+}}(%[[D]], %[[Q]], %[[Q]], %[[Q]], %[[LSE]], %[[O]])
// CHECK-NOT: launch
// CHECK: return
func.func @slices(%d: !x, %q: !x, %o: !x, %lse: !l) -> (!x, !x, !x) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %o, %lse {pattern = #drawloom.pattern<"column(16)">, heads = 2 : i64, scale = 0.125 : f64}
    : (!x, !x, !x, !x, !x, !l) -> (!x, !x, !x)
  return %dq, %dk, %dv : !x, !x, !x
}

// Pieces of other heads do not need it.
// CHECK-LABEL: func.func @heads(
// CHECK-SAME: %[[D:[^:]*]]: tensor<2x640x128xbf16>, %[[Q:[^:]*]]: tensor<2x640x128xbf16>, %[[O:[^:]*]]: tensor<2x640x128xbf16>, %[[LSE:[^:]*]]: tensor<2x2x640xf32>
// CHECK-NOT: launch
// CHECK: launch @kernels::@attend_grad_slices{{[_0-9]*}} grid {{[0-9]+}}(%[[D]], %[[Q]], %[[Q]], %[[Q]], %[[LSE]], %[[O]],
// CHECK-NOT: launch
// CHECK: launch @kernels::@attend_grad_slices{{[_0-9]*}} grid {{[0-9]+}}(%[[D]], %[[Q]], %[[Q]], %[[Q]], %[[LSE]], %[[O]],
// CHECK-NOT: launch
// CHECK: return
func.func @heads(%d: !x, %q: !x, %o: !x, %lse: !l) -> (!x, !x, !x) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %o, %lse {pattern = #drawloom.pattern<"heads(column(16), column(20))">, heads = 2 : i64, scale = 0.125 : f64}
    : (!x, !x, !x, !x, !x, !l) -> (!x, !x, !x)
  return %dq, %dk, %dv : !x, !x, !x
}

// The first of a chain that meets every query makes it for the others too.
// CHECK-LABEL: func.func @chain(
// CHECK-SAME: %[[D:[^:]*]]: tensor<2x640x128xbf16>, %[[Q:[^:]*]]: tensor<2x640x128xbf16>, %[[O:[^:]*]]: tensor<2x640x128xbf16>, %[[LSE:[^:]*]]: tensor<2x2x640xf32>
// CHECK-NOT: launch
// CHECK: %[[ALL:[0-9]+]]:4 = drawloom.launch @kernels::@attend_grad_slices{{[_0-9]*}} grid {{[0-9]+}}(%[[D]], %[[Q]], %[[Q]], %[[Q]], %[[LSE]], %[[O]]) {{.*}} -> ({{.*}}, tensor<2x2x640xf32>)
// CHECK: launch @kernels::@attend_grad{{[_0-9]*}} grid {{[0-9]+}}(%[[D]], %[[Q]], %[[Q]], %[[Q]], %[[LSE]], %[[ALL]]#3, %[[ALL]]#0, %[[ALL]]#1, %[[ALL]]#2)
// CHECK-NOT: launch
// CHECK: return
func.func @chain(%d: !x, %q: !x, %o: !x, %lse: !l) -> (!x, !x, !x) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %o, %lse {pattern = #drawloom.pattern<"fixed(128, c=32)">, heads = 2 : i64, scale = 0.125 : f64}
    : (!x, !x, !x, !x, !x, !l) -> (!x, !x, !x)
  return %dq, %dk, %dv : !x, !x, !x
}

// Where it meets only some, delta is a launch.
// CHECK-LABEL: func.func @some_heads(
// CHECK: launch @kernels::@attention_delta
// CHECK-NOT: launch @kernels::@attention_delta
// CHECK: return
func.func @some_heads(%d: !x, %q: !x, %o: !x, %lse: !l) -> (!x, !x, !x) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %o, %lse {pattern = #drawloom.pattern<"heads(fixed(64, c=16), fixed(128, c=32))">, heads = 2 : i64, scale = 0.125 : f64}
    : (!x, !x, !x, !x, !x, !l) -> (!x, !x, !x)
  return %dq, %dk, %dv : !x, !x, !x
}

// Where blocks share queries, too.
// CHECK-LABEL: func.func @owners(
// CHECK: %[[DELTA:[0-9]+]] = drawloom.launch @kernels::@attention_delta
// CHECK: launch @kernels::@attend_grad{{[_0-9]*}} grid {{.*}}%[[DELTA]])
// CHECK-NOT: launch
// CHECK: return
func.func @owners(%d: !x, %q: !x, %o: !x, %lse: !l) -> (!x, !x, !x) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %o, %lse {pattern = #drawloom.pattern<"dense">, heads = 2 : i64, scale = 0.125 : f64}
    : (!x, !x, !x, !x, !x, !l) -> (!x, !x, !x)
  return %dq, %dk, %dv : !x, !x, !x
}

// CHECK-LABEL: func.func @window(
// CHECK: %[[DELTA:[0-9]+]] = drawloom.launch @kernels::@attention_delta
// CHECK: launch @kernels::@attend_grad_window grid {{.*}}%[[DELTA]])
// CHECK-NOT: launch
// CHECK: return
func.func @window(%d: !x, %q: !x, %o: !x, %lse: !l) -> (!x, !x, !x) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %o, %lse {pattern = #drawloom.pattern<"local(128)">, heads = 2 : i64, scale = 0.125 : f64}
    : (!x, !x, !x, !x, !x, !l) -> (!x, !x, !x)
  return %dq, %dk, %dv : !x, !x, !x
}

// CHECK-LABEL: func.func @wide(
// CHECK-NOT: launch
// CHECK: launch @kernels::@attend_grad_slices
// CHECK-NOT: launch
// CHECK: return
func.func @wide(%d: !y, %q: !x, %v: !y, %o: !y, %lse: !l) -> (!x, !x, !y) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %v, %o, %lse {pattern = #drawloom.pattern<"column(16)">, heads = 2 : i64, scale = 0.125 : f64}
    : (!y, !x, !x, !y, !y, !l) -> (!x, !x, !y)
  return %dq, %dk, %dv : !x, !x, !y
}

// Columns of 40 rows. O comes with dO, to where dS^T will be. Each of four warps has 16 rows of 64 channels: four
// turns of eight lanes, three shuffles a turn.
// CHECK-LABEL: func.func @attend_grad_slices(
// CHECK-COUNT-5: tma_load
// CHECK-NOT: tma_load
// CHECK: mbarrier_wait
// CHECK-COUNT-8: vector.load
// CHECK-COUNT-12: gpu.shuffle
// CHECK-NOT: gpu.shuffle
// CHECK: mbarrier_arrive
// CHECK: mbarrier_wait

// 64 rows of 128 channels do not fit there. Lanes ask for O before they wait for dO: eight turns of 16 lanes.
// CHECK-LABEL: func.func @attend_grad_slices_{{[0-9]+}}({{[^)]*}}%arg5: memref<2x640x256xbf16>
// CHECK-COUNT-4: tma_load
// CHECK-NOT: tma_load
// CHECK-COUNT-8: vector.load %arg5
// CHECK: mbarrier_wait
// CHECK-COUNT-8: vector.load
// CHECK-COUNT-32: gpu.shuffle
// CHECK-NOT: gpu.shuffle
// CHECK: mbarrier_arrive
