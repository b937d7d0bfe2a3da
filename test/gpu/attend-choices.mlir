// RUN: drawloom-opt %s --split-input-file --drawloom-split-pieces "--drawloom-lower-attention=target=sm_90a" --verify-diagnostics | FileCheck %s
// A module with a tuning learns what could be chosen: forward, cuts; backward, kernels. The first is the cost model's.

// CHECK: module attributes {drawloom.choices = [
// CHECK-SAME: {chosen = 0 : i64, cuts = ["groups=3 keys=128 query-stages=2 key-stages=3 {{[^"]*}}", "groups=2 keys=128{{.*}}problem = "attend bf16 n=3072 batch=1 heads=2 d=64/64 on sm_90a view=
// CHECK-SAME: {chosen = 0 : i64, cuts = ["window", "relay", "owners"], problem = "attend_grad bf16 n=640 batch=2 heads=2 d=64/64 on sm_90a view=
// CHECK-SAME: {chosen = 0 : i64, cuts = ["slices", "relay", "owners"], problem = "attend_grad bf16 n=640 batch=2 heads=2 d=64/64 continues on sm_90a view=
module attributes {drawloom.tuning = {}} {
  func.func @forward(%q: tensor<1x3072x128xbf16>) -> (tensor<1x3072x128xbf16>, tensor<1x2x3072xf32>) {
    %o, %l = drawloom.attention %q, %q, %q {pattern = #drawloom.pattern<"fixed(128, c=32)">, heads = 2 : i64, scale = 0.125 : f64}
      : (tensor<1x3072x128xbf16>, tensor<1x3072x128xbf16>, tensor<1x3072x128xbf16>) -> (tensor<1x3072x128xbf16>, tensor<1x2x3072xf32>)
    return %o, %l : tensor<1x3072x128xbf16>, tensor<1x2x3072xf32>
  }
  func.func @backward(%q: tensor<2x640x128xbf16>, %d: tensor<2x640x128xbf16>, %lse: tensor<2x2x640xf32>) -> (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>) {
    %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %q, %lse {pattern = #drawloom.pattern<"strided(128)">, heads = 2 : i64, scale = 0.125 : f64}
      : (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x2x640xf32>)
      -> (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>)
    return %dq, %dk, %dv : tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>
  }
}

// -----

// What the tuning says is done, and it is gone afterwards.
// CHECK: module attributes {drawloom.choices = [{chosen = 2 : i64, cuts = ["window", "relay", "owners"]
// CHECK-NOT: drawloom.tuning
// CHECK: launch @kernels::@attend_grad grid
module attributes {drawloom.tuning = {"attend_grad bf16 n=640 batch=2 heads=2 d=64/64 on sm_90a view=0a905007c4ccbc70" = "owners"}} {
  func.func @backward(%q: tensor<2x640x128xbf16>, %d: tensor<2x640x128xbf16>, %lse: tensor<2x2x640xf32>) -> (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>) {
    %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %q, %lse {pattern = #drawloom.pattern<"local(128)">, heads = 2 : i64, scale = 0.125 : f64}
      : (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x2x640xf32>)
      -> (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>)
    return %dq, %dk, %dv : tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>
  }
}

// -----

// A cut that does not fit is not offered, so it cannot be had.
// CHECK: module attributes {drawloom.choices = [{chosen = 0 : i64
// CHECK: launch @kernels::@attend_grad_window
module attributes {drawloom.tuning = {"attend_grad bf16 n=640 batch=2 heads=2 d=64/64 on sm_90a view=0a905007c4ccbc70" = "slices"}} {
  func.func @backward(%q: tensor<2x640x128xbf16>, %d: tensor<2x640x128xbf16>, %lse: tensor<2x2x640xf32>) -> (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>) {
    // expected-warning @+1 {{is none of the 3 cuts that fit; the cost model's is used}}
    %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %q, %lse {pattern = #drawloom.pattern<"local(128)">, heads = 2 : i64, scale = 0.125 : f64}
      : (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x2x640xf32>)
      -> (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>)
    return %dq, %dk, %dv : tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>
  }
}
