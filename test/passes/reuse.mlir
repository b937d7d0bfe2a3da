// A result takes over the memory of an operand that dies there, if the kernel allows it.
// RUN: drawloom-opt %s --drawloom-insert-copies --drawloom-plan-memory --drawloom-verify-memory | FileCheck %s

module {
// CHECK-LABEL: func.func @dies
// CHECK-SAME: drawloom.activation_bytes = 64
// CHECK: drawloom.matmul {{.*}}places = array<i64: [[B:[0-9]+]], 0>
// CHECK: drawloom.launch {{.*}}places = array<i64: [[B]], 0>
func.func @dies(%a: tensor<4x4xf32> {drawloom.name = "a"}) -> (tensor<4x4xf32> {drawloom.name = "b"}) {
  %0 = drawloom.matmul %a, %a : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = drawloom.launch @kernels::@one grid 1(%0) {drawloom.reuse = array<i64: 0>} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = drawloom.matmul %1, %1 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %2 : tensor<4x4xf32>
}

// CHECK-LABEL: func.func @lives_on
// CHECK-SAME: drawloom.activation_bytes = 128
func.func @lives_on(%a: tensor<4x4xf32> {drawloom.name = "a"}) -> (tensor<4x4xf32> {drawloom.name = "b"}) {
  %0 = drawloom.matmul %a, %a : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = drawloom.launch @kernels::@one grid 1(%0) {drawloom.reuse = array<i64: 0>} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = drawloom.matmul %1, %0 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %2 : tensor<4x4xf32>
}

// A buffer is updated in place by a kernel that allows it, and by a copy if it does not.
// CHECK-LABEL: func.func @update
// CHECK-NOT: copy
// CHECK: return
func.func @update(%a: tensor<4x4xf32> {drawloom.name = "a"}) -> (tensor<4x4xf32> {drawloom.name = "a"}) {
  %0 = drawloom.launch @kernels::@one grid 1(%a) {drawloom.reuse = array<i64: 0>} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// CHECK-LABEL: func.func @update_elsewhere
// CHECK: drawloom.launch @kernels::@one
// CHECK: drawloom.launch @kernels::@copy
// CHECK: return
func.func @update_elsewhere(%a: tensor<4x4xf32> {drawloom.name = "a"}) -> (tensor<4x4xf32> {drawloom.name = "a"}) {
  %0 = drawloom.launch @kernels::@one grid 1(%a) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

module @kernels {
  func.func @one(%a: memref<4x4xf32>, %b: memref<4x4xf32>, %begin: index, %end: index) {
    return
  }
}
}
