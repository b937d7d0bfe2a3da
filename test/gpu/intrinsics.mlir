// Threads, barriers and shuffles become NVVM; dynamic shared memory is one external array.
// RUN: drawloom-opt %s --drawloom-lower-gpu-intrinsics | FileCheck %s

// CHECK: llvm.mlir.global external @shared() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
// CHECK-NOT: llvm.mlir.global
// CHECK-LABEL: func.func @block
// CHECK: nvvm.read.ptx.sreg.tid.x
// CHECK: llvm.mlir.addressof @shared : !llvm.ptr<3>
// CHECK: memref.view %{{.*}} : memref<?xi8, 3> to memref<32xf32, 3>
// CHECK: memref.view %{{.*}} : memref<?xi8, 3> to memref<16xf32, 3>
// CHECK: nvvm.barrier
// CHECK: nvvm.shfl.sync bfly
func.func @block(%x: f32, %begin: index, %end: index) -> f32 {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %t = gpu.thread_id x
  %bytes = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
  %a = memref.view %bytes[%c0][] : memref<?xi8, #gpu.address_space<workgroup>> to memref<32xf32, #gpu.address_space<workgroup>>
  %b = memref.view %bytes[%c128][] : memref<?xi8, #gpu.address_space<workgroup>> to memref<16xf32, #gpu.address_space<workgroup>>
  memref.store %x, %a[%t] : memref<32xf32, #gpu.address_space<workgroup>>
  gpu.barrier
  %v = memref.load %b[%c0] : memref<16xf32, #gpu.address_space<workgroup>>
  %one = arith.constant 1 : i32
  %width = arith.constant 32 : i32
  %s, %ok = gpu.shuffle xor %v, %one, %width : f32
  return %s : f32
}
