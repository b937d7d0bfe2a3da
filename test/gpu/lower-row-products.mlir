// RUN: drawloom-opt %s --drawloom-lower-products | FileCheck %s

// Row ops that need whole rows, behind a product of at most 256 columns, are one launch with it: items of 64 rows, three to a block.
// The residual is the operand whose place the first output may take.
// CHECK-LABEL: func.func @forward
// CHECK: launch @kernels::@matmul_bias_add_dropout_add_layer_norm grid 5(%{{.*}}) {{.*}}drawloom.reuse = array<i64: 4, -1, -1, -1>{{.*}}scalars = array<i64: 7>
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

// Sums over rows are a row of partial sums an item, as in row kernels, and what an add outside puts them on top of is added with them.
// CHECK-LABEL: func.func @gradient
// CHECK-SAME: [[OLD:%arg7]]: tensor<192xf32>
// CHECK: [[L:%.*]]:3 = drawloom.launch @kernels::@matmul_layer_norm_grad_add grid 4({{.*}} -> (tensor<200x192xf16>, tensor<4x192xf32>, tensor<4x192xf32>)
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

// Three groups go through rows, from which they load rows of the residual ahead; they find the product in places of their own. A fourth group multiplies
// for them in turn, with half of the columns at a time, and a warp brings slices of a and of b.
// CHECK-LABEL: func.func @matmul_bias_add_dropout_add_layer_norm(
// CHECK-SAME: drawloom.items = 3 : i64
// CHECK-SAME: drawloom.threads = 640
// CHECK: set_max_registers 120 increase
// CHECK-COUNT-4: vector.load %{{.*}} : memref<300x256xbf16>, vector<8xbf16>
// CHECK: scf.for
// CHECK: mbarrier_wait
// CHECK: scf.for {{.*}} = %c0 to %c16 step %c4
// CHECK-COUNT-4: vector.load %{{.*}} : memref<300x256xbf16>, vector<8xbf16>
// CHECK: vector.load {{.*}}workgroup{{.*}}, vector<8xbf16>
// CHECK: mul.wide.u32
// CHECK: vector.store
// CHECK: gpu.shuffle xor
// CHECK: math.sqrt
// CHECK: memref.store
// CHECK: warp_sync
// CHECK: mbarrier_arrive
// CHECK: scf.for
// CHECK: wgmma {{.*}} {transpose_b} : {{.*}}-> vector<16x2x2xf32>
// CHECK: wgmma_wait 0
// CHECK: mbarrier_wait
// CHECK-COUNT-2: store_fragment
// CHECK: wgmma {{.*}} {transpose_b} : {{.*}}-> vector<16x2x2xf32>
// CHECK: wgmma_wait 0
// CHECK-NOT: mbarrier_wait
// CHECK-COUNT-2: store_fragment
// CHECK: warp_sync
// CHECK: mbarrier_arrive
// CHECK: set_max_registers 24
// CHECK: scf.for
// CHECK: tma_load {{.*}} : <64 x 64
// CHECK: tma_load {{.*}} : <128 x 64

// 192 columns are three times 64. Sums over a tile's rows, 16 for each warp, start from zero and meet in the place that these rows have left; the group's threads add
// them to their totals.
// CHECK-LABEL: func.func @matmul_layer_norm_grad_add(
// CHECK-SAME: drawloom.items = 3 : i64
// CHECK-SAME: drawloom.threads = 640
// CHECK: %[[END:.*]]:{{[0-9]+}} = scf.for {{.*}} iter_args(%[[TOTAL:[a-z0-9]+]] = %cst
// CHECK: %[[SUMS:.*]]:{{[0-9]+}} = scf.for %{{.*}} = %c0 to %c16 step %c2 iter_args(%{{.*}} = %[[ZERO:.*]], %{{.*}} = %[[ZERO]],
// CHECK: warp_sync
// CHECK: vector.store %[[SUMS]]#0, %[[PLACE:.*]][
// CHECK: vector.store %[[SUMS]]#1, %[[PLACE]][
// CHECK: named_barrier 1 of 128
// CHECK: named_barrier 2 of 128
// CHECK: named_barrier 3 of 128
// CHECK: %[[R0:.*]] = memref.load %[[PLACE]]
// CHECK: arith.addf %[[TOTAL]], %[[R0]]
// CHECK: warp_sync
// CHECK: mbarrier_arrive
// The last block may have fewer items.
// CHECK: %[[ITEM:.*]] = arith.addi %arg10
// CHECK: arith.cmpi ult, %[[ITEM]], %arg11
// CHECK: memref.store %[[END]]#0
// CHECK: wgmma {{.*}} -> vector<8x2x2xf32>
