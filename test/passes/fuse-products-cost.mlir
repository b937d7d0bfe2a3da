// An epilogue pays if the bytes that it saves take at least as long as our kernel loses on the operations: 2 · 1024 · 512 · 512 of them, and 2^20 bytes.
// At half the library's rate 0.80 us are lost, and 0.44 us saved at 2.4 TB/s, 1.05 us at 1 TB/s.
// RUN: drawloom-opt %s --drawloom-fuse-products="target=sm_90a library-rate=670 own-rate=335 memory-rate=2.4" | FileCheck %s --check-prefix=LOSES
// RUN: drawloom-opt %s --drawloom-fuse-products="target=sm_90a library-rate=670 own-rate=335 memory-rate=1" | FileCheck %s --check-prefix=PAYS
// RUN: drawloom-opt %s --drawloom-fuse-products="target=sm_90a library-rate=670 own-rate=670" | FileCheck %s --check-prefix=PAYS
// In the pipeline it is an option, for Hopper.
// RUN: drawloom-opt %s --drawloom-pipeline="target=sm_90a product-epilogues=true stop-after=graph" | FileCheck %s --check-prefix=PAYS
// RUN: drawloom-opt %s --drawloom-pipeline="target=sm_90a product-epilogues=false stop-after=graph" | FileCheck %s --check-prefix=LOSES
// RUN: drawloom-opt %s --drawloom-pipeline="target=sm_80 product-epilogues=true stop-after=graph" | FileCheck %s --check-prefix=LOSES
// RUN: drawloom-opt %s --drawloom-pipeline="target=cpu product-epilogues=true stop-after=graph" | FileCheck %s --check-prefix=LOSES

// LOSES-LABEL: func.func @f
// LOSES-NEXT: drawloom.matmul
// PAYS-LABEL: func.func @f
// PAYS-NEXT: drawloom.fusion
// PAYS: drawloom.matmul
func.func @f(%x: tensor<1024x512xbf16>, %w: tensor<512x512xbf16>, %b: tensor<512xf32>) -> tensor<1024x512xbf16> {
  %0 = drawloom.matmul %x, %w {transpose_b} : (tensor<1024x512xbf16>, tensor<512x512xbf16>) -> tensor<1024x512xbf16>
  %1 = drawloom.bias_add %0, %b : (tensor<1024x512xbf16>, tensor<512xf32>) -> tensor<1024x512xbf16>
  %2 = drawloom.gelu %1 : tensor<1024x512xbf16>
  return %2 : tensor<1024x512xbf16>
}
