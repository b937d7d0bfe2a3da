// Partial sums of short rows: their number follows from the rows alone, and a block of four warps takes 64 rows after 64, whose sums its threads add to their
// totals. Here 30,000 rows are 235 times 128, of which the last one has fewer.
// RUN: drawloom-opt %s --drawloom-lower-rows=target=sm_90a | FileCheck %s

// CHECK: drawloom.launch @kernels::@column_sum grid 235(
// CHECK-SAME: -> tensor<235x256xf32>
// CHECK-LABEL: func.func @column_sum(
// CHECK-SAME: drawloom.threads = 128 : i64
// CHECK: scf.for
// CHECK: %[[FIRST:.*]] = arith.muli %{{.*}}, %c128
// CHECK: %[[END:.*]] = arith.minui %{{.*}}, %c30000
// CHECK: %[[SUMS:.*]]:6 = scf.for %{{.*}} = %c0 to %c128 step %c64 iter_args(%[[LOW:[a-z0-9]+]] = %cst{{.*}}, %[[HIGH:[a-z0-9]+]] = %cst
// CHECK: scf.for %{{.*}} = %c0 to %c16 step %c4 iter_args(%{{.*}} = %cst
// Rows that do not exist add zeros.
// CHECK: arith.cmpi ult, %{{.*}}, %[[END]]
// CHECK: arith.select
// CHECK: arith.addf %[[LOW]],
// CHECK: arith.addf %[[HIGH]],
// CHECK: memref.store %[[SUMS]]#0
// CHECK: memref.store %[[SUMS]]#1
func.func @f(%x: tensor<30000x256xbf16>) -> tensor<256xf32> {
  %0 = drawloom.column_sum %x : (tensor<30000x256xbf16>) -> tensor<256xf32>
  return %0 : tensor<256xf32>
}
