// RUN: sed -e 's/PATTERN/local(256)/' %s | drawloom-opt --drawloom-split-pieces --drawloom-lower-attention=target=sm_90a | FileCheck %s --check-prefix=WINDOW
// RUN: sed -e 's/PATTERN/local(300)/' %s | drawloom-opt --drawloom-split-pieces "--drawloom-lower-attention=target=sm_90a relay=false" | FileCheck %s --check-prefix=OWNERS
// RUN: sed -e 's/PATTERN/local(300)/' %s | drawloom-opt --drawloom-split-pieces "--drawloom-lower-attention=target=sm_90a" | FileCheck %s --check-prefix=RELAY
// RUN: sed -e 's/PATTERN/dense/' %s | drawloom-opt --drawloom-split-pieces "--drawloom-lower-attention=target=sm_90a relay=false" | FileCheck %s --check-prefix=OWNERS
// RUN: sed -e 's/PATTERN/dense/' %s | drawloom-opt --drawloom-split-pieces "--drawloom-lower-attention=target=sm_90a" | FileCheck %s --check-prefix=RELAY
// RUN: sed -e 's/PATTERN/i - j >= 10 and i - j < 100/' %s | drawloom-opt --drawloom-split-pieces --drawloom-lower-attention=target=sm_90a | FileCheck %s --check-prefix=WINDOW
// The window kernel takes any view whose tiles meet only their own and a few later ones, as long as shared memory holds what waits; the others
// go to the owners of tiles, or to owners of keys that relay dQ.

// WINDOW: launch @kernels::@attend_grad_window
// OWNERS: launch @kernels::@attend_grad grid
// RELAY: launch @kernels::@attend_grad_relay grid
func.func @f(%q: tensor<2x640x128xbf16>, %d: tensor<2x640x128xbf16>, %lse: tensor<2x2x640xf32>) -> (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>) {
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %q, %q, %q, %lse {pattern = #drawloom.pattern<"PATTERN">, heads = 2 : i64, scale = 0.125 : f64}
    : (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x2x640xf32>)
    -> (tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>)
  return %dq, %dk, %dv : tensor<2x640x128xbf16>, tensor<2x640x128xbf16>, tensor<2x640x128xbf16>
}
