// A biased row that only fusions read is not stored: they add the bias again.
// RUN: drawloom-opt %s --drawloom-fuse | FileCheck %s

// CHECK-LABEL: func.func @ff
// CHECK: %[[M:.*]] = drawloom.matmul %arg0
// CHECK: drawloom.fusion(%[[M]], %arg2)
// CHECK: drawloom.matmul %{{.*}}#1, %arg3
// CHECK: %[[DY:.*]] = drawloom.matmul
// CHECK: drawloom.fusion(%[[DY]], %arg4, %[[M]], %arg2)
// CHECK-NEXT: ^bb0(%[[D:.*]]: tensor<6x8xf32>, %{{.*}}: tensor<8xf32>, %[[X:.*]]: tensor<6x8xf32>, %[[B:.*]]: tensor<8xf32>):
// CHECK-NEXT: %[[SUM:.*]] = drawloom.bias_add %[[X]], %[[B]]
// CHECK-NEXT: drawloom.gelu_grad %[[D]], %[[SUM]]
func.func @ff(%x: tensor<6x4xf32>, %w: tensor<8x4xf32>, %b: tensor<8xf32>, %v: tensor<4x8xf32>, %db: tensor<8xf32>) -> (tensor<6x8xf32>, tensor<8xf32>) {
  %0 = drawloom.matmul %x, %w {transpose_b} : (tensor<6x4xf32>, tensor<8x4xf32>) -> tensor<6x8xf32>
  %1 = drawloom.bias_add %0, %b : (tensor<6x8xf32>, tensor<8xf32>) -> tensor<6x8xf32>
  %2 = drawloom.gelu %1 : tensor<6x8xf32>
  %3 = drawloom.matmul %2, %v {transpose_b} : (tensor<6x8xf32>, tensor<4x8xf32>) -> tensor<6x4xf32>
  %4 = drawloom.matmul %3, %v : (tensor<6x4xf32>, tensor<4x8xf32>) -> tensor<6x8xf32>
  %5 = drawloom.gelu_grad %4, %1 : tensor<6x8xf32>
  %6 = drawloom.column_sum %5 init %db : (tensor<6x8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %5, %6 : tensor<6x8xf32>, tensor<8xf32>
}

// Something else reads it too: it is stored.
// CHECK-LABEL: func.func @read_elsewhere
// CHECK: %[[F:.*]]:2 = drawloom.fusion
// CHECK: %[[DY:.*]] = drawloom.matmul %{{.*}}#1, %arg2
// CHECK: drawloom.matmul %[[F]]#0
// CHECK: drawloom.fusion(%[[DY]], %[[F]]#0, %arg3)
func.func @read_elsewhere(%x: tensor<6x8xf32>, %b: tensor<8xf32>, %v: tensor<8x8xf32>, %db: tensor<8xf32>) -> (tensor<6x8xf32>, tensor<6x8xf32>, tensor<8xf32>) {
  %1 = drawloom.bias_add %x, %b : (tensor<6x8xf32>, tensor<8xf32>) -> tensor<6x8xf32>
  %2 = drawloom.gelu %1 : tensor<6x8xf32>
  %3 = drawloom.matmul %2, %v : (tensor<6x8xf32>, tensor<8x8xf32>) -> tensor<6x8xf32>
  %4 = drawloom.matmul %1, %v : (tensor<6x8xf32>, tensor<8x8xf32>) -> tensor<6x8xf32>
  %5 = drawloom.gelu_grad %3, %1 : tensor<6x8xf32>
  %6 = drawloom.column_sum %5 init %db : (tensor<6x8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %4, %5, %6 : tensor<6x8xf32>, tensor<6x8xf32>, tensor<8xf32>
}

// The epilogue of a product reads it: it is stored.
// CHECK-LABEL: func.func @read_by_an_epilogue
// CHECK: %[[F:.*]]:2 = drawloom.fusion
// CHECK: drawloom.fusion(%{{.*}}, %arg2, %[[F]]#0)
// CHECK: drawloom.matmul
// CHECK-NEXT: drawloom.gelu_grad
func.func @read_by_an_epilogue(%x: tensor<6x8xf32>, %b: tensor<8xf32>, %v: tensor<8x8xf32>) -> (tensor<6x8xf32>, tensor<6x8xf32>) {
  %1 = drawloom.bias_add %x, %b : (tensor<6x8xf32>, tensor<8xf32>) -> tensor<6x8xf32>
  %2 = drawloom.gelu %1 : tensor<6x8xf32>
  %3 = drawloom.fusion(%x, %v, %1) : (tensor<6x8xf32>, tensor<8x8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32> {
  ^bb0(%dy: tensor<6x8xf32>, %w: tensor<8x8xf32>, %u: tensor<6x8xf32>):
    %4 = drawloom.matmul %dy, %w : (tensor<6x8xf32>, tensor<8x8xf32>) -> tensor<6x8xf32>
    %5 = drawloom.gelu_grad %4, %u : tensor<6x8xf32>
    drawloom.yield %5 : tensor<6x8xf32>
  }
  return %2, %3 : tensor<6x8xf32>, tensor<6x8xf32>
}
