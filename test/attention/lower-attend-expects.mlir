// RUN: drawloom-opt %s -split-input-file -drawloom-split-pieces -drawloom-lower-attention=target=sm_90a | FileCheck %s

// Rows meet many tiles: after the first one, tiles count from the greatest scores of before, which nobody compares. Where
// that makes sums too great, the warp makes the scores once more, compares them, and multiplies the outputs so far.
// CHECK-LABEL: func.func @attend
// CHECK: arith.maxnumf
// CHECK: scf.for {{.*}} iter_args
// CHECK-NOT: arith.maxnumf
// CHECK: scf.while
// CHECK-NOT: arith.maxnumf
// CHECK: arith.cmpf ugt, %{{.*}}, %{{.*}} : f32
// CHECK: drawloom_gpu.any_lane
// CHECK: scf.condition
// CHECK: drawloom_gpu.mma_sync
// CHECK: arith.maxnumf
// CHECK: drawloom_gpu.wgmma_wait 0
// CHECK: scf.if %{{.*}}#5 -> (vector<8x2x2xf32>)
func.func @dense(%q: tensor<1x2048x64xbf16>) -> tensor<1x2048x64xbf16> {
  %o, %l = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"dense">, heads = 1 : i64, scale = 0.125 : f64} : (tensor<1x2048x64xbf16>, tensor<1x2048x64xbf16>, tensor<1x2048x64xbf16>) -> (tensor<1x2048x64xbf16>, tensor<1x1x2048xf32>)
  return %o : tensor<1x2048x64xbf16>
}

// -----

// f16 ends at 65,504, so its limit is 2^14.
// CHECK-LABEL: func.func @attend
// CHECK: %[[LIMIT:.*]] = arith.constant 1.638400e+04 : f32
// CHECK: arith.cmpf ugt, %{{.*}}, %[[LIMIT]] : f32
func.func @half(%q: tensor<1x2048x64xf16>) -> tensor<1x2048x64xf16> {
  %o, %l = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"dense">, heads = 1 : i64, scale = 0.125 : f64} : (tensor<1x2048x64xf16>, tensor<1x2048x64xf16>, tensor<1x2048x64xf16>) -> (tensor<1x2048x64xf16>, tensor<1x1x2048xf32>)
  return %o : tensor<1x2048x64xf16>
}

// -----

// A window's rows meet few tiles, and often none of the first: every tile is compared.
// CHECK-LABEL: func.func @attend
// CHECK-NOT: drawloom_gpu.any_lane
// CHECK-NOT: drawloom_gpu.mma_sync
func.func @window(%q: tensor<1x2048x64xbf16>) -> tensor<1x2048x64xbf16> {
  %o, %l = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"local(128)">, heads = 1 : i64, scale = 0.125 : f64} : (tensor<1x2048x64xbf16>, tensor<1x2048x64xbf16>, tensor<1x2048x64xbf16>) -> (tensor<1x2048x64xbf16>, tensor<1x1x2048xf32>)
  return %o : tensor<1x2048x64xbf16>
}
