// On a GPU a copy is a launch of threads that move 16 bytes each: chunks of dense memory, or rows of a part.
// RUN: drawloom-opt %s --drawloom-insert-copies=target=sm_90a | FileCheck %s

// CHECK-LABEL: func.func @same_twice
// CHECK: drawloom.launch @kernels::@copy_40x512_bf16_from_512_to_512_by_8 grid 3(
func.func @same_twice(%x: tensor<40x512xbf16>) -> (tensor<40x512xbf16> {drawloom.name = "a"}, tensor<40x512xbf16> {drawloom.name = "b"}) {
  return %x, %x : tensor<40x512xbf16>, tensor<40x512xbf16>
}

// CHECK-LABEL: func.func @copy_40x512_bf16_from_512_to_512_by_8
// CHECK-SAME: drawloom.threads = 256 : i64
// CHECK: vector.load %{{.*}} {alignment = 16 : i64} : memref<20480xbf16>, vector<8xbf16>
// CHECK: vector.store
