// From a kernel to PTX: the entry's parameters, memory spaces, what may not be contracted, what may be approximated.
// RUN: drawloom-ptx %s | FileCheck %s
// RUN: drawloom-ptx %s --target sm_80 | FileCheck %s --check-prefix=OLDER

// CHECK: .version 8.7
// CHECK: .target sm_90a
// CHECK-NOT: .version
// OLDER: .version 8.1
// OLDER: .target sm_80
module @kernels {
// CHECK: .extern .shared .align 1024 .b8 exchange_shared[];
// CHECK-LABEL: .visible .entry exchange(
// CHECK-NEXT: .param .u64 .ptr .global
// CHECK-NEXT: .param .u64 .ptr .global
// CHECK-NEXT: .param .u64 exchange_param_2
// CHECK-NEXT: .param .u64 exchange_param_3
// CHECK-NEXT: )
// CHECK-NEXT: .reqntid 128
// CHECK-NEXT: .minnctapersm 1
// CHECK: %ctaid.x
// CHECK: ld.global.v4.b32
// CHECK: mul.rn.f32
// CHECK: add.rn.f32
// CHECK: fma.rn.f32
// CHECK: sqrt.rn.f32
// CHECK: st.shared.b32
// CHECK: bar.sync
// CHECK: ld.shared.b32
// CHECK: shfl.sync.bfly.b32
// CHECK: div.rn.f32
// CHECK: cvt.rn.bf16x2.f32
// CHECK: st.global.v2.b32
func.func @exchange(%x: memref<4096xf32>, %y: memref<4096xbf16>, %s: index, %begin: index, %end: index)
    attributes {drawloom.threads = 128, drawloom.shared = 2048} {
  %c4 = arith.constant 4 : index
  %c16 = arith.constant 16 : index
  %c512 = arith.constant 512 : index
  %one = arith.constant 1 : i32
  %width = arith.constant 32 : i32
  %t = gpu.thread_id x
  %shared = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
  %tile = memref.view %shared[%c16][] : memref<?xi8, #gpu.address_space<workgroup>> to memref<128xf32, #gpu.address_space<workgroup>>
  %base = arith.muli %begin, %c512 : index
  %mine = arith.muli %t, %c4 : index
  %i = arith.addi %base, %mine : index
  %v = vector.load %x[%i] {alignment = 16} : memref<4096xf32>, vector<4xf32>
  %m = arith.mulf %v, %v : vector<4xf32>
  %a = arith.addf %m, %v : vector<4xf32>
  %f = math.fma %a, %v, %m : vector<4xf32>
  %r = math.sqrt %f : vector<4xf32>
  %first = vector.extract %r[0] : f32 from vector<4xf32>
  memref.store %first, %tile[%t] : memref<128xf32, #gpu.address_space<workgroup>>
  gpu.barrier
  %other = memref.load %tile[%s] : memref<128xf32, #gpu.address_space<workgroup>>
  %shuffled, %ok = gpu.shuffle xor %other, %one, %width : f32
  %all = vector.broadcast %shuffled : f32 to vector<4xf32>
  %q = arith.divf %r, %all : vector<4xf32>
  %n = arith.truncf %q : vector<4xf32> to vector<4xbf16>
  vector.store %n, %y[%i] {alignment = 8} : memref<4096xbf16>, vector<4xbf16>
  return
}

// A kernel that asks for it loses subnormal numbers, and bounds its registers.
// CHECK-LABEL: .visible .entry approximate(
// CHECK: .minnctapersm 2
// CHECK: ex2.approx.ftz.f32
func.func @approximate(%x: memref<32xf32>, %begin: index, %end: index)
    attributes {drawloom.threads = 32, drawloom.min_blocks = 2, drawloom.flush_denormals} {
  %t = gpu.thread_id x
  %v = memref.load %x[%t] : memref<32xf32>
  %e = math.exp2 %v fastmath<afn> : f32
  memref.store %e, %x[%t] : memref<32xf32>
  return
}

// A tensor map is a parameter of 128 bytes by value.
// CHECK-LABEL: .visible .entry map(
// CHECK: .param .align 64 .b8 map_param_2[128]
func.func @map(%x: memref<64x64xbf16>, %begin: index, %end: index) attributes {drawloom.threads = 128, drawloom.tensor_maps = [
    #drawloom_gpu.tensor_map<place = 0, type = bf16, dims = [64, 64], strides = [128], box = [64, 64], swizzle = 128>]} {
  return
}
}
