// RUN: drawloom-opt %s -drawloom-lower-gpu-ops -canonicalize -cse | FileCheck %s

// A bulk copy moves a panel at a time: 128 columns are two panels of 64, 64 rows of 128 bytes apart.
// CHECK-LABEL: func.func @bulk
// CHECK-SAME: %[[MAP:[a-z0-9]+]]: !llvm.ptr
func.func @bulk(%x: memref<4x64x128xbf16>, %row: i32, %map: !llvm.ptr)
    attributes {drawloom.tensor_maps = [#drawloom_gpu.tensor_map<place = 0, type = bf16, dims = [128, 256], strides = [256], box = [64, 64], swizzle = 128>]} {
  // CHECK-DAG: %[[C64:.*]] = arith.constant 64 : i32
  // CHECK: llvm.inline_asm {{.*}}"cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1, {$2, $3}], [$4];", "r,l,r,r,r,~{memory}" %{{.*}}, %[[MAP]], %{{.*}}
  // CHECK: llvm.inline_asm {{.*}}"cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1, {$2, $3}], [$4];", "r,l,r,r,r,~{memory}" %{{.*}}, %[[MAP]], %[[C64]],
  %c0 = arith.constant 0 : i32
  %barrier = arith.constant 65536 : i32
  %m = drawloom_gpu.tensor_map 0 : !llvm.ptr
  %t = drawloom_gpu.shared_tile %c0 : !drawloom_gpu.tile<64 x 128, bf16, swizzle 128, pitch 64>
  drawloom_gpu.tma_load %t, %m[%c0, %row], %barrier : !drawloom_gpu.tile<64 x 128, bf16, swizzle 128, pitch 64>, !llvm.ptr
  // CHECK: llvm.inline_asm {{.*}}"cp.async.bulk.prefetch.tensor.2d.L2.global.tile [$0, {$1, $2}];", "l,r,r" %[[MAP]], %{{.*}}
  drawloom_gpu.tma_prefetch %m[%c0, %row] : !llvm.ptr
  // CHECK: "cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [$1, {$2, $3}], [$0];"
  // CHECK: "cp.async.bulk.commit_group;"
  // CHECK: "cp.async.bulk.wait_group.read 0;"
  drawloom_gpu.tma_store %t, %m[%c0, %row] : !drawloom_gpu.tile<64 x 128, bf16, swizzle 128, pitch 64>, !llvm.ptr
  drawloom_gpu.bulk_commit
  drawloom_gpu.bulk_wait 0 read
  return
}

// A function that is not an entry yet keeps its tensor maps.
// CHECK-LABEL: func.func @no_entry
func.func @no_entry(%x: memref<4x64x128xbf16>) -> !llvm.ptr
    attributes {drawloom.tensor_maps = [#drawloom_gpu.tensor_map<place = 0, type = bf16, dims = [128, 256], strides = [256], box = [64, 64], swizzle = 128>]} {
  // CHECK: drawloom_gpu.tensor_map 0
  %m = drawloom_gpu.tensor_map 0 : !llvm.ptr
  drawloom_gpu.bulk_commit
  return %m : !llvm.ptr
}

// 16 bytes a thread; what is not valid is read as nothing.
// CHECK-LABEL: func.func @by_threads
func.func @by_threads(%x: memref<4x64x128xbf16>, %i: index, %row: i32, %chunk: i32, %valid: i1) {
  // CHECK: memref.extract_aligned_pointer_as_index
  // CHECK: arith.extui %{{.*}} : i1 to i32
  // CHECK: "cp.async.cg.shared.global [$0], [$1], 16, $2;", "r,l,r,~{memory}"
  // CHECK: "cp.async.commit_group;"
  // CHECK: "cp.async.wait_group 1;"
  // CHECK: "cp.async.mbarrier.arrive.noinc.shared.b64 [$0];"
  %c0 = arith.constant 0 : i32
  %t = drawloom_gpu.shared_tile %c0 : !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  drawloom_gpu.copy_async %x[%i, %i, %i] to %t[%row, %chunk] if %valid : memref<4x64x128xbf16>, !drawloom_gpu.tile<64 x 64, bf16, swizzle 128, pitch 64>
  drawloom_gpu.copy_async_commit
  drawloom_gpu.copy_async_wait 1
  drawloom_gpu.copy_async_arrive %c0
  return
}

// Shared arrays are memrefs at an offset of the block's shared memory.
// CHECK-LABEL: func.func @array
func.func @array(%offset: i32) -> f32 {
  // CHECK: %[[BASE:.*]] = llvm.mlir.addressof @shared : !llvm.ptr<3>
  // CHECK: llvm.getelementptr %[[BASE]][%{{.*}}] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
  // CHECK: builtin.unrealized_conversion_cast {{.*}} to memref<64xf32, #gpu.address_space<workgroup>>
  %c0 = arith.constant 0 : index
  %a = drawloom_gpu.shared_array %offset : memref<64xf32, #gpu.address_space<workgroup>>
  %x = memref.load %a[%c0] : memref<64xf32, #gpu.address_space<workgroup>>
  return %x : f32
}

// A store whose sector others fill says which line the cache should keep.
// CHECK-LABEL: func.func @kept
func.func @kept(%x: memref<2x3x64xf32>, %value: f32, %i: index) {
  // CHECK: memref.extract_aligned_pointer_as_index
  // CHECK: "{ .reg .b64 policy; createpolicy.fractional.L2::evict_last.b64 policy, 1.0; st.global.L2::cache_hint.f32 [$0], $1, policy; }", "l,f,~{memory}" %{{.*}}, %{{.*}}
  drawloom_gpu.store_evict_last %value, %x[%i, %i, %i] : memref<2x3x64xf32>
  return
}
