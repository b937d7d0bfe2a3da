// A kernel becomes an entry: pointers into global memory, scalars, the grid; the block's number says which items it does.
// RUN: drawloom-opt %s --drawloom-gpu-entry | FileCheck %s

// CHECK-LABEL: func.func @several(
// CHECK-SAME: %[[X:.*]]: memref<64xf32, 1>, %[[S:.*]]: index, %[[GRID:.*]]: index)
// CHECK-SAME: drawloom.items = 4
// CHECK: %[[PLAIN:.*]] = memref.memory_space_cast %[[X]] : memref<64xf32, 1> to memref<64xf32>
// CHECK: %[[BLOCK:.*]] = gpu.block_id x
// CHECK: %[[FIRST:.*]] = arith.muli %[[BLOCK]], %{{.*}}
// CHECK: %[[NEXT:.*]] = arith.addi %[[FIRST]], %{{.*}}
// CHECK: %[[END:.*]] = arith.minsi %[[GRID]], %[[NEXT]]
// CHECK: scf.for %{{.*}} = %[[FIRST]] to %[[END]]
// CHECK: memref.store %{{.*}}, %[[PLAIN]]
func.func @several(%x: memref<64xf32>, %s: index, %begin: index, %end: index) attributes {drawloom.threads = 128, drawloom.items = 4} {
  %c1 = arith.constant 1 : index
  %v = arith.constant 1.0 : f32
  scf.for %i = %begin to %end step %c1 {
    memref.store %v, %x[%i] : memref<64xf32>
  }
  return
}

// Without items a block does one, and there are as many blocks as items.
// CHECK-LABEL: func.func @one(
// CHECK-NOT: arith.minsi
// CHECK: %[[BLOCK:.*]] = gpu.block_id x
// CHECK: %[[END:.*]] = arith.addi %[[BLOCK]], %c1
func.func @one(%x: memref<64xf32, strided<[1], offset: 8>>, %begin: index, %end: index) attributes {drawloom.threads = 32} {
  %c1 = arith.constant 1 : index
  %v = arith.constant 1.0 : f32
  scf.for %i = %begin to %end step %c1 {
    memref.store %v, %x[%i] : memref<64xf32, strided<[1], offset: 8>>
  }
  return
}

// Tensor maps come last.
// CHECK-LABEL: func.func @maps(
// CHECK-SAME: %{{.*}}: memref<64x64xbf16, 1>, %{{.*}}: index, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
func.func @maps(%x: memref<64x64xbf16>, %begin: index, %end: index) attributes {drawloom.threads = 128, drawloom.tensor_maps = [
    #drawloom_gpu.tensor_map<place = 0, type = bf16, dims = [64, 64], strides = [128], box = [64, 64], swizzle = 128>,
    #drawloom_gpu.tensor_map<place = 0, type = bf16, dims = [64, 64], strides = [128], box = [64, 8], swizzle = 128>]} {
  return
}
