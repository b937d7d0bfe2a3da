// Where a value would be overwritten while it is still needed, a copy is made; nowhere else.
// RUN: drawloom-opt %s --drawloom-insert-copies --drawloom-plan-memory --drawloom-verify-memory | FileCheck %s

module {

// The product is written over a dead value: no copy.
// CHECK-LABEL: func.func @dead_operand
// CHECK: %[[A:.*]] = drawloom.matmul %arg0, %arg1 {drawloom.places = array<i64: [[P:[0-9]+, 0]]>}
// CHECK-NEXT: drawloom.matmul %arg0, %arg1 init %[[A]] {drawloom.places = array<i64: [[P]]>}
// CHECK-NEXT: return
func.func @dead_operand(%a: tensor<4x4xf32> {drawloom.name = "a"}, %b: tensor<4x4xf32> {drawloom.name = "b"}) -> (tensor<4x4xf32> {drawloom.name = "c"}) {
  %0 = drawloom.matmul %a, %b : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = drawloom.matmul %a, %b init %0 : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}

// CHECK-LABEL: func.func @operand_read_later
// CHECK: %[[A:.*]] = drawloom.matmul
// CHECK: %[[C:.*]] = drawloom.launch @kernels::@copy_4x4_f32_from_4_to_4 grid 1(%[[A]])
// CHECK: drawloom.matmul %arg0, %arg1 init %[[C]]
func.func @operand_read_later(%a: tensor<4x4xf32> {drawloom.name = "a"}, %b: tensor<4x4xf32> {drawloom.name = "b"}) -> (tensor<4x4xf32> {drawloom.name = "c"}) {
  %0 = drawloom.matmul %a, %b : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = drawloom.matmul %a, %b init %0 : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = drawloom.matmul %0, %1 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %2 : tensor<4x4xf32>
}

// An op that reads its own init through another operand.
// CHECK-LABEL: func.func @operand_read_by_the_same_op
// CHECK: %[[C:.*]] = drawloom.launch @kernels::@copy
// CHECK: drawloom.matmul %{{.*}}, %arg1 init %[[C]]
func.func @operand_read_by_the_same_op(%a: tensor<4x4xf32> {drawloom.name = "a"}, %b: tensor<4x4xf32> {drawloom.name = "b"}) -> (tensor<4x4xf32> {drawloom.name = "c"}) {
  %0 = drawloom.matmul %a, %b : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = drawloom.matmul %0, %b init %0 : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}

// A buffer that the function does not name as a result may not change.
// CHECK-LABEL: func.func @argument_that_stays
// CHECK: %[[C:.*]] = drawloom.launch @kernels::@copy_4x4_f32_from_4_to_4 grid 1(%arg0)
// CHECK: drawloom.matmul %arg0, %arg1 init %[[C]]
func.func @argument_that_stays(%a: tensor<4x4xf32> {drawloom.name = "a"}, %b: tensor<4x4xf32> {drawloom.name = "b"}) -> (tensor<4x4xf32> {drawloom.name = "c"}) {
  %0 = drawloom.matmul %a, %b init %a : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// CHECK-LABEL: func.func @argument_written_in_place
// CHECK-NOT: copy
// CHECK: return
func.func @argument_written_in_place(%a: tensor<4x4xf32> {drawloom.name = "a"}, %b: tensor<4x4xf32> {drawloom.name = "b"}, %c: tensor<4x4xf32> {drawloom.name = "c"}) -> (tensor<4x4xf32> {drawloom.name = "c"}) {
  %0 = drawloom.matmul %a, %b init %c : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// Only the part's own columns count: its sibling is read later, but lies elsewhere.
// CHECK-LABEL: func.func @part_of_a_split
// CHECK-NOT: copy
// CHECK: return
func.func @part_of_a_split(%a: tensor<4x8xf32> {drawloom.name = "d"}, %b: tensor<4x4xf32> {drawloom.name = "b"}) -> (tensor<4x4xf32> {drawloom.name = "c"}) {
  %x = drawloom.matmul %b, %a : (tensor<4x4xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %p, %q = drawloom.split %x : (tensor<4x8xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>)
  %0 = drawloom.matmul %b, %b init %p : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = drawloom.matmul %0, %q : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}

// The part itself is read later: the copy has rows at the distance that the op writes them.
// CHECK-LABEL: func.func @part_read_later
// CHECK: %[[W:.*]] = drawloom.launch @kernels::@copy_4x4_f32_from_8_to_8_wide grid 1(%{{.*}}#0) {{.*}} -> tensor<4x8xf32>
// CHECK: %[[S:.*]]:2 = drawloom.split %[[W]]
// CHECK: drawloom.matmul %arg1, %arg1 init %[[S]]#0
func.func @part_read_later(%a: tensor<4x8xf32> {drawloom.name = "d"}, %b: tensor<4x4xf32> {drawloom.name = "b"}) -> (tensor<4x4xf32> {drawloom.name = "c"}) {
  %x = drawloom.matmul %b, %a : (tensor<4x4xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %p, %q = drawloom.split %x : (tensor<4x8xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>)
  %0 = drawloom.matmul %b, %b init %p : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = drawloom.matmul %0, %p : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}

// Parts are written in place of their columns.
// CHECK-LABEL: func.func @parts_in_place
// CHECK: drawloom.matmul {{.*}}places = array<i64: [[B:[0-9]+]], 0>
// CHECK-NEXT: drawloom.matmul {{.*}}places = array<i64: [[B]], 16>
// CHECK-NEXT: drawloom.concat {{.*}}places = array<i64: [[B]], 0>
// CHECK-NEXT: return
func.func @parts_in_place(%b: tensor<4x4xf32> {drawloom.name = "b"}) -> (tensor<4x8xf32> {drawloom.name = "d"}) {
  %0 = drawloom.matmul %b, %b : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = drawloom.matmul %b, %b {transpose_b} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = drawloom.concat %0, %1 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// A part with two uses, and one that is an argument, are copied.
// CHECK-LABEL: func.func @parts_copied
// CHECK: %[[A:.*]] = drawloom.matmul
// CHECK: %[[X:.*]] = drawloom.launch @kernels::@copy_4x4_f32_from_4_to_12 grid 1(%[[A]])
// CHECK: %[[Y:.*]] = drawloom.launch @kernels::@copy_4x4_f32_from_4_to_12 grid 1(%[[A]])
// CHECK: %[[Z:.*]] = drawloom.launch @kernels::@copy_4x4_f32_from_4_to_12 grid 1(%arg0)
// CHECK: drawloom.concat %[[X]], %[[Y]], %[[Z]]
func.func @parts_copied(%b: tensor<4x4xf32> {drawloom.name = "b"}) -> (tensor<4x12xf32> {drawloom.name = "e"}) {
  %0 = drawloom.matmul %b, %b : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = drawloom.concat %0, %0, %b : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x12xf32>
  return %2 : tensor<4x12xf32>
}

// Two buffers change places: both old values are read before either is written.
// CHECK-LABEL: func.func @swap
// CHECK: %[[X:.*]] = drawloom.launch {{.*}}(%arg1) {{.*}}places = array<i64: [[T:[0-9]+]], 0>
// CHECK: %[[Y:.*]] = drawloom.launch {{.*}}(%arg0)
// CHECK: %[[A:.*]] = drawloom.launch {{.*}}(%[[X]])
// CHECK: %[[B:.*]] = drawloom.launch {{.*}}(%[[Y]])
// CHECK: return %[[A]], %[[B]]
func.func @swap(%a: tensor<4x4xf32> {drawloom.name = "a"}, %b: tensor<4x4xf32> {drawloom.name = "b"}) -> (tensor<4x4xf32> {drawloom.name = "a"}, tensor<4x4xf32> {drawloom.name = "b"}) {
  return %b, %a : tensor<4x4xf32>, tensor<4x4xf32>
}

// The new value is there before the old one is read for the last time.
// CHECK-LABEL: func.func @made_too_early
// CHECK: %[[N:.*]] = drawloom.matmul
// CHECK: drawloom.matmul %arg0
// CHECK: %[[C:.*]] = drawloom.launch @kernels::@copy{{.*}}(%[[N]])
// CHECK: return %[[C]]
func.func @made_too_early(%a: tensor<4x4xf32> {drawloom.name = "a"}, %b: tensor<4x4xf32> {drawloom.name = "b"}) -> (tensor<4x4xf32> {drawloom.name = "a"}, tensor<4x4xf32> {drawloom.name = "c"}) {
  %0 = drawloom.matmul %b, %b : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = drawloom.matmul %a, %0 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0, %1 : tensor<4x4xf32>, tensor<4x4xf32>
}

// One value for two buffers, and an argument handed through: the second buffer gets a copy, the argument stays where it is.
// CHECK-LABEL: func.func @one_value_twice
// CHECK: %[[V:.*]] = drawloom.matmul
// CHECK: %[[C:.*]] = drawloom.launch @kernels::@copy{{.*}}(%[[V]])
// CHECK: return %arg0, %[[V]], %[[C]]
func.func @one_value_twice(%a: tensor<4x4xf32> {drawloom.name = "a"}) -> (tensor<4x4xf32> {drawloom.name = "a"}, tensor<4x4xf32> {drawloom.name = "b"}, tensor<4x4xf32> {drawloom.name = "c"}) {
  %0 = drawloom.matmul %a, %a : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %a, %0, %0 : tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>
}
}

// The kernel moves whole vectors, then what is left of a row.
// CHECK: module @kernels
// CHECK: func.func @copy_4x4_f32_from_8_to_8_wide(%{{.*}}: memref<4x4xf32, strided<[8, 1]>>, %{{.*}}: memref<4x8xf32>, %{{.*}}: index, %{{.*}}: index)
