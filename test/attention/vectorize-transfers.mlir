// RUN: drawloom-opt %s --drawloom-vectorize-tiles --split-input-file | FileCheck %s

// Rows are gathered at the positions of the map; rows beyond the limit are zero and read nothing.
// CHECK-LABEL: func.func @rows
// CHECK: %[[LEFT:.*]] = arith.subi %arg3, %arg2
// CHECK: %[[COUNT:.*]] = arith.minsi %[[LEFT]], %c8
// CHECK: scf.for %[[X:.*]] = %c0{{.*}} to %[[COUNT]]
// CHECK: %[[AT:.*]] = arith.addi %arg2, %[[X]]
// CHECK: %[[P:.*]] = affine.apply #{{.*}}(%[[AT]])
// CHECK: vector.load %arg1[%{{.*}}, %[[P]], %{{.*}}] : memref<2x99x40xf32>, vector<16xf32>
// CHECK: scf.for %{{.*}} = %[[COUNT]] to %c8
// CHECK-NOT: vector.load
// CHECK: vector.store %cst
func.func @rows(%t: memref<8x16xf32>, %src: memref<2x99x40xf32>, %first: index, %limit: index) {
  %c1 = arith.constant 1 : index
  drawloom.tile.load %t from %src[%c1, %c1] at affine_map<(t) -> (3 * t)>(%first) to %limit : memref<8x16xf32>, memref<2x99x40xf32>
  return
}

// -----

// Without a limit there are no zeros.
// CHECK-LABEL: func.func @whole
// CHECK-COUNT-1: scf.for
// CHECK-NOT: scf.for
func.func @whole(%t: memref<8x16xf32>, %src: memref<2x99x40xf32>, %first: index) {
  %c1 = arith.constant 1 : index
  drawloom.tile.load %t from %src[%c1, %c1] at affine_map<(t) -> (3 * t)>(%first) : memref<8x16xf32>, memref<2x99x40xf32>
  return
}

// -----

// A square block is transposed in registers: log2(8) stages of 8 shuffles.
// CHECK-LABEL: func.func @transposed
// CHECK-COUNT-24: vector.shuffle
// CHECK-NOT: vector.shuffle
// CHECK: arith.mulf
func.func @transposed(%t: memref<8x8xf32>, %src: memref<2x99x40xf32>, %first: index, %limit: index) {
  %c1 = arith.constant 1 : index
  drawloom.tile.load %t from %src[%c1, %c1] at affine_map<(t) -> (t)>(%first) to %limit {transpose, factor = 0.5 : f32} : memref<8x8xf32>, memref<2x99x40xf32>
  return
}

// -----

// One number a row.
// CHECK-LABEL: func.func @numbers
// CHECK: memref.load %arg1[%c1{{.*}}, %c1{{.*}}, %{{.*}}]
func.func @numbers(%t: memref<8xf32>, %src: memref<2x2x99xf32>, %first: index, %limit: index) {
  %c1 = arith.constant 1 : index
  drawloom.tile.load %t from %src[%c1, %c1] at affine_map<(t) -> (t)>(%first) to %limit : memref<8xf32>, memref<2x2x99xf32>
  return
}

// -----

// A store leaves rows beyond the limit alone, and adds if asked to.
// CHECK-LABEL: func.func @store
// CHECK: scf.if
// CHECK: %[[OLD:.*]] = vector.load %arg1
// CHECK: math.fma %{{.*}}, %{{.*}}, %[[OLD]]
// CHECK: vector.store %{{.*}}, %arg1
func.func @store(%t: memref<8x8xf32>, %dst: memref<2x99x40xf32>, %first: index, %limit: index) {
  %c1 = arith.constant 1 : index
  drawloom.tile.store %t to %dst[%c1, %c1] at affine_map<(t) -> (t)>(%first) to %limit {transpose, accumulate, factor = 0.5 : f32} : memref<8x8xf32>, memref<2x99x40xf32>
  return
}

// -----

// Past the caches go whole lines, where the first row begins one; a fence at the end orders them before what follows the kernel.
// CHECK-LABEL: func.func @past
// CHECK: %[[ADDRESS:.*]] = memref.extract_aligned_pointer_as_index %arg1
// CHECK: %[[IN_LINE:.*]] = affine.apply #{{.*}}(%[[ADDRESS]], %arg4)
// CHECK: %[[BEGINS:.*]] = arith.cmpi eq, %[[IN_LINE]], %c0
// CHECK: scf.if %[[BEGINS]]
// CHECK: vector.store %{{.*}}, %arg1{{.*}} {alignment = 64 : i64, nontemporal = true}
// CHECK: else
// CHECK: vector.store %{{.*}}, %arg1[%{{[^{]*}}] : memref
// CHECK: llvm.fence seq_cst
// CHECK-NEXT: return
func.func @past(%t: memref<8x16xf32>, %dst: memref<2x99x48xf32>, %first: index, %limit: index, %channel: index) {
  %c1 = arith.constant 1 : index
  drawloom.tile.store %t to %dst[%c1, %channel] at affine_map<(t) -> (t)>(%first) to %limit {past_caches} : memref<8x16xf32>, memref<2x99x48xf32>
  return
}

// -----

// Rows that share lines with others do not.
// CHECK-LABEL: func.func @shared_lines
// CHECK-NOT: nontemporal
func.func @shared_lines(%t: memref<8x16xf32>, %dst: memref<2x99x40xf32>, %first: index, %limit: index) {
  %c1 = arith.constant 1 : index
  drawloom.tile.store %t to %dst[%c1, %c1] at affine_map<(t) -> (t)>(%first) to %limit {past_caches} : memref<8x16xf32>, memref<2x99x40xf32>
  return
}
