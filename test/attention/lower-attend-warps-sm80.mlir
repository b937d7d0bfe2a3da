// RUN: drawloom-opt %s -drawloom-split-pieces -drawloom-lower-attention=target=sm_80 | FileCheck %s

// The same kernel from products of warps and copies by threads.
// CHECK: func.func @attend
// CHECK-NOT: {{wgmma|tma_load|fence_async_shared|set_max_registers}}
// CHECK: drawloom_gpu.copy_async
// CHECK: drawloom_gpu.load_fragment
// CHECK: drawloom_gpu.mma_sync {{.*}} {transpose_b}
// CHECK-NOT: {{wgmma|tma_load|fence_async_shared|set_max_registers}}
func.func @dense(%q: tensor<1x2048x64xbf16>, %k: tensor<1x2048x64xbf16>, %v: tensor<1x2048x64xbf16>) -> tensor<1x2048x64xbf16> {
  %o, %l = drawloom.attention %q, %k, %v {pattern = #drawloom.pattern<"dense">, heads = 1 : i64, scale = 0.125 : f64} : (tensor<1x2048x64xbf16>, tensor<1x2048x64xbf16>, tensor<1x2048x64xbf16>) -> (tensor<1x2048x64xbf16>, tensor<1x1x2048xf32>)
  return %o : tensor<1x2048x64xbf16>
}
