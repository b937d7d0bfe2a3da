// What happens to many of a function's arguments happens in one launch; a block finds its tensor by a search through constants.
// RUN: drawloom-opt %s --drawloom-lower-rows=target=sm_90a | FileCheck %s

// CHECK-LABEL: func.func @casts
// CHECK: %[[R:.*]]:3 = drawloom.launch @kernels::@all_cast grid 3(%arg0, %arg1, %arg2)
// CHECK-NOT: drawloom.launch
// CHECK: return %[[R]]#0, %[[R]]#1, %[[R]]#2
func.func @casts(%a: tensor<64x64xf32>, %b: tensor<8192xf32>, %c: tensor<8xf32>) -> (tensor<64x64xbf16>, tensor<8192xbf16>, tensor<8xbf16>) {
  %0 = drawloom.cast %a : tensor<64x64xf32> to tensor<64x64xbf16>
  %1 = drawloom.cast %b : tensor<8192xf32> to tensor<8192xbf16>
  %2 = drawloom.cast %c : tensor<8xf32> to tensor<8xbf16>
  return %0, %1, %2 : tensor<64x64xbf16>, tensor<8192xbf16>, tensor<8xbf16>
}

// With and without decay apart; everything is written in place.
// CHECK-LABEL: func.func @update
// CHECK: drawloom.launch @kernels::@adam grid 2(%arg0, %arg3, %arg6, %arg9, %arg12, %arg13) {{.*}}inplace = array<i64: 0, 2, 3, 1>
// CHECK: drawloom.launch @kernels::@all_adam grid 2(%arg1, %arg4, %arg7, %arg10, %arg2, %arg5, %arg8, %arg11, %arg12, %arg13)
// CHECK-SAME: inplace = array<i64: 0, 2, 3, 1, 4, 6, 7, 5>
func.func @update(%p0: tensor<64x64xf32>, %p1: tensor<64xf32>, %p2: tensor<8xf32>, %g0: tensor<64x64xf32>, %g1: tensor<64xf32>, %g2: tensor<8xf32>,
    %m0: tensor<64x64xf32>, %m1: tensor<64xf32>, %m2: tensor<8xf32>, %v0: tensor<64x64xf32>, %v1: tensor<64xf32>, %v2: tensor<8xf32>, %norm: tensor<1xf32>, %hyper: tensor<16xf32>)
    -> (tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) {
  %0:4 = drawloom.adam %p0, %g0, %m0, %v0, %norm, %hyper {decay} : (tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>, tensor<1xf32>, tensor<16xf32>) -> (tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>)
  %1:4 = drawloom.adam %p1, %g1, %m1, %v1, %norm, %hyper : (tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<1xf32>, tensor<16xf32>) -> (tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>)
  %2:4 = drawloom.adam %p2, %g2, %m2, %v2, %norm, %hyper : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<1xf32>, tensor<16xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
  return %0#0, %0#1, %0#2, %0#3, %1#0, %1#1, %1#2, %1#3, %2#0, %2#1, %2#2, %2#3 : tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}

// CHECK-LABEL: func.func @all_cast
// CHECK: scf.for %[[ITEM:.*]] =
// CHECK: %[[FOUND:.*]]:4 = scf.if
// CHECK: memref.cast
// CHECK: vector.load %[[FOUND]]#0
