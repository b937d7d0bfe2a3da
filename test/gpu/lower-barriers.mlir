// RUN: drawloom-opt %s -drawloom-lower-gpu-ops -canonicalize -cse | FileCheck %s

// CHECK-LABEL: func.func @mbarriers
func.func @mbarriers(%at: i32, %parity: i32) {
  // CHECK: "mbarrier.init.shared::cta.b64 [$0], $1;"
  // CHECK: "fence.mbarrier_init.release.cluster;"
  // CHECK: "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;"
  // CHECK: "mbarrier.arrive.shared::cta.b64 _, [$0];"
  // CHECK: mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;
  %c2 = arith.constant 2 : i32
  drawloom_gpu.mbarrier_init %at, %c2
  drawloom_gpu.mbarrier_fence
  drawloom_gpu.mbarrier_arrive %at expect %c2
  drawloom_gpu.mbarrier_arrive %at
  drawloom_gpu.mbarrier_wait %at, %parity
  return
}

// CHECK-LABEL: func.func @ring
func.func @ring(%step: i32) -> (i32, i32) {
  // CHECK-DAG: %[[SLOT:.*]] = arith.remui %arg0, %c3
  // CHECK-DAG: %[[ROUND:.*]] = arith.divui %arg0, %c3
  // CHECK: %[[PARITY:.*]] = arith.andi %[[ROUND]], %c1
  // CHECK: return %[[SLOT]], %[[PARITY]]
  %slot, %parity = drawloom_gpu.ring_slot %step of 3
  drawloom_gpu.mbarrier_fence
  return %slot, %parity : i32, i32
}

// Barriers are intrinsics: LLVM must know that threads meet there.
// CHECK-LABEL: func.func @named
func.func @named() {
  // CHECK: llvm.call_intrinsic "llvm.nvvm.barrier.cta.sync.aligned.count"(%{{.*}}, %{{.*}}) : (i32, i32) -> ()
  // CHECK: llvm.call_intrinsic "llvm.nvvm.barrier.cta.arrive.aligned.count"
  // CHECK: llvm.call_intrinsic "llvm.nvvm.bar.warp.sync"(%{{.*}}) : (i32) -> ()
  drawloom_gpu.named_barrier 1 of 128
  drawloom_gpu.named_barrier 2 of 256 arrive
  drawloom_gpu.warp_sync
  return
}

// CHECK-LABEL: func.func @roles
func.func @roles() -> i1 {
  // CHECK: "setmaxnreg.dec.sync.aligned.u32 24;"
  // CHECK: "setmaxnreg.inc.sync.aligned.u32 240;"
  // CHECK: elect.sync _|p, 0xffffffff;
  drawloom_gpu.set_max_registers 24
  drawloom_gpu.set_max_registers 240 increase
  %one = drawloom_gpu.elect
  return %one : i1
}

// CHECK-LABEL: func.func @vote
func.func @vote(%condition: i1) -> i1 {
  // CHECK: %[[ALL:.*]] = arith.constant -1 : i32
  // CHECK: llvm.call_intrinsic "llvm.nvvm.vote.any.sync"(%[[ALL]], %arg0) : (i32, i1) -> i1
  %any = drawloom_gpu.any_lane %condition
  return %any : i1
}
