// RUN: drawloom-opt %s --drawloom-split-pieces --drawloom-lower-attention="query-tile=8 key-tile=8" --split-input-file | FileCheck %s
// Keys and values of a slice are gathered once, by its first tile of queries or the first that a thread has, and stay for the others.

// CHECK-LABEL: func.func @attend
// CHECK: %[[KEYS:.*]] = memref.alloca() {alignment = 64 : i64} : memref<24x16xf32>
// CHECK: memref.store %false, %[[THERE:.*]][%c0] : memref<1xi1>
// CHECK: scf.for
// CHECK: scf.if
// CHECK: memref.store %false, %[[THERE]]
// CHECK: %[[IS:.*]] = memref.load %[[THERE]]
// CHECK: %[[MISSING:.*]] = arith.xori %[[IS]], %true
// CHECK: scf.if %[[MISSING]]
// CHECK: tile.load %{{.*}} from %arg1
// CHECK: tile.load %{{.*}} from %arg2
// CHECK: memref.store %true, %[[THERE]]
// CHECK: scf.for %[[SLOT:.*]] = 
// CHECK-NOT: tile.load
// CHECK: memref.subview %{{.*}}[%[[SLOT]], 0] [8, 16] [1, 1]
// CHECK: tile.softmax_finish
func.func @f(%q: tensor<1x64x32xf32>, %k: tensor<1x64x32xf32>, %v: tensor<1x64x32xf32>) -> (tensor<1x64x32xf32>, tensor<1x2x64xf32>) {
  %out, %lse = drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"column(4)">, heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x64x32xf32>) -> (tensor<1x64x32xf32>, tensor<1x2x64xf32>)
  return %out, %lse : tensor<1x64x32xf32>, tensor<1x2x64xf32>
}

// -----

// So do their gradients, which are written once.
// CHECK-LABEL: func.func @attend_grad
// CHECK: tile.load %{{.*}} from %arg2
// CHECK: tile.load %{{.*}} from %arg3
// CHECK-COUNT-2: tile.fill %{{.*}} with 0.000000e+00 : memref<24x16xf32>
// CHECK: scf.for
// CHECK: scf.for
// CHECK-COUNT-2: tile.matmul {{.*}} {accumulate, pairs = "row-inner"}
// CHECK-NEXT: {{^ *}}}
// CHECK-NEXT: tile.store %{{.*}} to %arg6
// CHECK-NEXT: {{^ *}}}
// CHECK: tile.store %{{.*}} to %arg7
// CHECK: tile.store %{{.*}} to %arg8
func.func @f(%q: tensor<1x64x32xf32>, %d: tensor<1x64x32xf32>, %lse: tensor<1x2x64xf32>) -> (tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x64x32xf32>) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %q, %lse {pattern = #drawloom.pattern<"column(4)">, heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x2x64xf32>)
    -> (tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x64x32xf32>)
  return %dq, %dk, %dv : tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x64x32xf32>
}

// -----

// Those that one tile of queries meets take the place of keys and values; slots that it does not meet become zero.
// CHECK-LABEL: func.func @attend_grad
// CHECK: tile.load %[[K:.*]] from %arg2
// CHECK: scf.for
// CHECK: scf.for
// CHECK-COUNT-2: tile.matmul {{.*}} {pairs = "row-inner"}
// CHECK-NEXT: {{^ *}}}
// CHECK-COUNT-4: tile.fill %{{.*}} with 0.000000e+00 : memref<1x16xf32, strided<[16, 1], offset: ?>>
// CHECK: tile.store %{{.*}} to %arg7
func.func @f(%q: tensor<1x64x32xf32>, %d: tensor<1x64x32xf32>, %lse: tensor<1x2x64xf32>) -> (tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x64x32xf32>) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %q, %lse {pattern = #drawloom.pattern<"column(8)">, heads = 2 : i64, scale = 0.25 : f64}
    : (tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x2x64xf32>)
    -> (tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x64x32xf32>)
  return %dq, %dk, %dv : tensor<1x64x32xf32>, tensor<1x64x32xf32>, tensor<1x64x32xf32>
}
