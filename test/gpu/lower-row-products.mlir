// RUN: drawloom-opt %s --drawloom-lower-products | FileCheck %s

// Row ops that need whole rows, behind a product of at most 256 columns, are one launch with it: blocks of neighbouring rows, here 3 of 128.
// The residual is the operand whose place the first output may take.
// CHECK-LABEL: func.func @forward
// CHECK: launch @kernels::@matmul_bias_add_dropout_add_layer_norm grid 3(%{{.*}}) {{.*}}drawloom.reuse = array<i64: 4, -1, -1, -1>{{.*}}scalars = array<i64: 7>
// CHECK-SAME: -> (tensor<300x256xbf16>, tensor<300x256xbf16>, tensor<300xf32>, tensor<300xf32>)
func.func @forward(%x: tensor<300x600xbf16>, %w: tensor<256x600xbf16>, %b: tensor<256xf32>, %rng: tensor<2xi64>, %h: tensor<300x256xbf16>, %g: tensor<256xf32>)
    -> (tensor<300x256xbf16>, tensor<300x256xbf16>, tensor<300xf32>, tensor<300xf32>) {
  %r:4 = drawloom.fusion(%x, %w, %b, %rng, %h, %g) : (tensor<300x600xbf16>, tensor<256x600xbf16>, tensor<256xf32>, tensor<2xi64>, tensor<300x256xbf16>, tensor<256xf32>)
      -> (tensor<300x256xbf16>, tensor<300x256xbf16>, tensor<300xf32>, tensor<300xf32>) {
  ^bb0(%a0: tensor<300x600xbf16>, %a1: tensor<256x600xbf16>, %a2: tensor<256xf32>, %a3: tensor<2xi64>, %a4: tensor<300x256xbf16>, %a5: tensor<256xf32>):
    %0 = drawloom.matmul %a0, %a1 {transpose_b} : (tensor<300x600xbf16>, tensor<256x600xbf16>) -> tensor<300x256xbf16>
    %1 = drawloom.bias_add %0, %a2 : (tensor<300x256xbf16>, tensor<256xf32>) -> tensor<300x256xbf16>
    %2 = drawloom.dropout %1, %a3 {rate = 0.25 : f64, site = 7 : i64} : (tensor<300x256xbf16>, tensor<2xi64>) -> tensor<300x256xbf16>
    %3 = drawloom.add %a4, %2 : tensor<300x256xbf16>
    %4, %5, %6 = drawloom.layer_norm %3, %a5, %a5 : (tensor<300x256xbf16>, tensor<256xf32>, tensor<256xf32>) -> (tensor<300x256xbf16>, tensor<300xf32>, tensor<300xf32>)
    drawloom.yield %3, %4, %5, %6 : tensor<300x256xbf16>, tensor<300x256xbf16>, tensor<300xf32>, tensor<300xf32>
  }
  return %r#0, %r#1, %r#2, %r#3 : tensor<300x256xbf16>, tensor<300x256xbf16>, tensor<300xf32>, tensor<300xf32>
}

// Sums over rows are a row of partial sums a block, and what an add outside puts them on top of is added with them.
// CHECK-LABEL: func.func @gradient
// CHECK-SAME: [[OLD:%arg7]]: tensor<192xf32>
// CHECK: [[L:%.*]]:3 = drawloom.launch @kernels::@matmul_layer_norm_grad_add grid 2({{.*}} -> (tensor<200x192xf16>, tensor<2x192xf32>, tensor<2x192xf32>)
// CHECK: launch @kernels::@sum_partials grid {{[0-9]+}}([[L]]#1, [[L]]#2, [[OLD]]) {{.*}}inplace = array<i64: 2, -1>
// CHECK-NOT: drawloom.add
func.func @gradient(%dy: tensor<200x64xf16>, %w: tensor<64x192xf16>, %x: tensor<200x192xf16>, %g: tensor<192xf32>, %m: tensor<200xf32>, %s: tensor<200xf32>,
    %d: tensor<200x192xf16>, %old: tensor<192xf32>) -> (tensor<200x192xf16>, tensor<192xf32>, tensor<192xf32>) {
  %r:3 = drawloom.fusion(%dy, %w, %x, %g, %m, %s, %d) : (tensor<200x64xf16>, tensor<64x192xf16>, tensor<200x192xf16>, tensor<192xf32>, tensor<200xf32>, tensor<200xf32>, tensor<200x192xf16>)
      -> (tensor<200x192xf16>, tensor<192xf32>, tensor<192xf32>) {
  ^bb0(%a0: tensor<200x64xf16>, %a1: tensor<64x192xf16>, %a2: tensor<200x192xf16>, %a3: tensor<192xf32>, %a4: tensor<200xf32>, %a5: tensor<200xf32>, %a6: tensor<200x192xf16>):
    %0 = drawloom.matmul %a0, %a1 : (tensor<200x64xf16>, tensor<64x192xf16>) -> tensor<200x192xf16>
    %1, %2, %3 = drawloom.layer_norm_grad %0, %a2, %a3, %a4, %a5 : (tensor<200x192xf16>, tensor<200x192xf16>, tensor<192xf32>, tensor<200xf32>, tensor<200xf32>)
      -> (tensor<200x192xf16>, tensor<192xf32>, tensor<192xf32>)
    %4 = drawloom.add %a6, %1 : tensor<200x192xf16>
    drawloom.yield %4, %2, %3 : tensor<200x192xf16>, tensor<192xf32>, tensor<192xf32>
  }
  %t = drawloom.add %old, %r#1 : tensor<192xf32>
  return %r#0, %t, %r#2 : tensor<200x192xf16>, tensor<192xf32>, tensor<192xf32>
}

// A warp brings slices of a, for two row groups, and of b, for two column groups. Consumers load rows of the residual ahead of the product; they put that to shared
// memory, where the warps of all its columns find whole rows and go through them as row kernels do.
// CHECK-LABEL: func.func @matmul_bias_add_dropout_add_layer_norm(
// CHECK-SAME: drawloom.threads = 640
// CHECK: set_max_registers 24
// CHECK: scf.for
// CHECK-COUNT-2: tma_load {{.*}} : <64 x 64
// CHECK-COUNT-2: tma_load {{.*}} : <128 x 64
// CHECK: set_max_registers 112 increase
// CHECK-COUNT-2: vector.load %{{.*}} : memref<300x256xbf16>, vector<8xbf16>
// CHECK: scf.for
// CHECK: wgmma {{.*}} {transpose_b} : {{.*}}-> vector<16x2x2xf32>
// CHECK: wgmma_wait 0
// CHECK: named_barrier
// CHECK: store_fragment
// CHECK: named_barrier
// CHECK: scf.for
// CHECK-COUNT-2: vector.load %{{.*}} : memref<300x256xbf16>, vector<8xbf16>
// CHECK: vector.load {{.*}}workgroup{{.*}}, vector<8xbf16>
// CHECK: mul.wide.u32
// CHECK: vector.store
// CHECK: gpu.shuffle xor
// CHECK: math.sqrt
// CHECK: memref.store

// 192 columns are three panels, which no two groups can share: there is one group for 64 rows. Sums are added up across the warps at the end.
// CHECK-LABEL: func.func @matmul_layer_norm_grad_add(
// CHECK-SAME: drawloom.threads = 384
// CHECK: wgmma {{.*}} -> vector<24x2x2xf32>
// CHECK: named_barrier 1 of 256
// CHECK: vector.store {{.*}} : memref<{{.*}}xf32, #gpu.address_space<workgroup>>
