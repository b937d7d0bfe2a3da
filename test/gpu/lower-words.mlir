// RUN: drawloom-opt %s -drawloom-lower-gpu-ops -canonicalize -cse | FileCheck %s

// What blocks hand on to each other: a number for each, words that one sets and another waits for, sums that stay where they are.
// CHECK-LABEL: func.func @relay
func.func @relay(%words: memref<9xf32>, %sums: memref<4x64xf32>, %i: index, %value: i32) -> (i32, vector<4xf32>) {
  // CHECK: "atom.relaxed.gpu.global.add.u32 $0, [$1], 1;", "=r,l,~{memory}"
  %number = drawloom_gpu.take_number %words[%i] : memref<9xf32>
  // CHECK: ld.acquire.gpu.global.u32 word, [$0];{{.*}}setp.ge.u32 done, word, $1;
  drawloom_gpu.await_word %words[%i], %value : memref<9xf32>
  // CHECK: "cp.async.bulk.global.shared::cta.bulk_group [$0], [$1], $2;", "l,r,r,~{memory}"
  drawloom_gpu.bulk_store %value, %value to %sums[%i, %i] : memref<4x64xf32>
  // CHECK: "cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f32 [$0], [$1], $2;", "l,r,r,~{memory}"
  drawloom_gpu.bulk_store %value, %value to %sums[%i, %i] add : memref<4x64xf32>
  // CHECK: "ld.relaxed.gpu.global.v4.f32 {$0, $1, $2, $3}, [$4];", "=f,=f,=f,=f,l,~{memory}"
  %sum = drawloom_gpu.read_global %sums[%i, %i] : memref<4x64xf32> -> vector<4xf32>
  // CHECK: fence.acq_rel.gpu;{{.*}}st.relaxed.gpu.global.u32 [$0], $1;
  drawloom_gpu.publish_word %words[%i], %value : memref<9xf32>
  return %number, %sum : i32, vector<4xf32>
}
