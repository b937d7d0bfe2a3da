// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention="query-tile=8 key-tile=8 min-items=1" | FileCheck %s --check-prefix=ONE
// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention="query-tile=8 key-tile=8 min-items=1000" | FileCheck %s --check-prefix=TWO
// One launch makes five products a pair of tiles and owns a head, and makes delta itself; where that gives too few work items, two launches own tiles and make seven.

// ONE-NOT: attention_delta
// ONE: launch @kernels::@attend_grad grid 2(
// ONE: func.func @attend_grad
// ONE: scf.for %[[ROW:.*]] = %c0
// ONE: tile.load %[[DOUT:.*]] from %arg0{{.*}}transpose
// ONE: tile.load %[[OUT:.*]] from %arg5{{.*}}transpose
// ONE-NEXT: tile.dot %{{.*}}, %[[DOUT]], %[[OUT]]
// Slots that no tile has met before are cleared when the first one is about to meet them.
// ONE: tile.store %[[ZERO:.*]] to %arg7
// ONE-COUNT-5: tile.matmul
// ONE-NOT: tile.matmul

// TWO: launch @kernels::@attention_delta grid 128(
// TWO: launch @kernels::@attend_grad_q grid 512(
// TWO: launch @kernels::@attend_grad_kv grid 512(
// TWO: func.func @attend_grad_q
// TWO-COUNT-3: tile.matmul
// TWO: func.func @attend_grad_kv
// TWO-COUNT-4: tile.matmul
// TWO-NOT: tile.matmul
func.func @f(%q: tensor<1x2048x32xf32>, %d: tensor<1x2048x32xf32>, %lse: tensor<1x2x2048xf32>) -> (tensor<1x2048x32xf32>, tensor<1x2048x32xf32>, tensor<1x2048x32xf32>) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %q, %lse {pattern = #drawloom.pattern<"local(8)">, heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<1x2048x32xf32>, tensor<1x2048x32xf32>, tensor<1x2048x32xf32>, tensor<1x2048x32xf32>, tensor<1x2048x32xf32>, tensor<1x2x2048xf32>)
    -> (tensor<1x2048x32xf32>, tensor<1x2048x32xf32>, tensor<1x2048x32xf32>)
  return %dq, %dk, %dv : tensor<1x2048x32xf32>, tensor<1x2048x32xf32>, tensor<1x2048x32xf32>
}
