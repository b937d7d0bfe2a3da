// A sum over the row ends a loop. A value that later loops need again is read back from where it is stored: its result if
// it has one, else a row of stack memory.
// RUN: drawloom-opt %s --drawloom-lower-rows --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @add_layer_norm
// CHECK: %[[STACK:.*]] = memref.alloca() {alignment = 64 : i64} : memref<32xf32>
// CHECK: %[[SUM:.*]] = scf.for {{.*}} iter_args
// CHECK: vector.store %{{.*}}, %[[STACK]]
// CHECK: vector.extract %{{.*}}[0] : f32
// CHECK: scf.for {{.*}} iter_args
// CHECK: vector.load %[[STACK]]
// CHECK: math.sqrt
// CHECK: scf.for
// CHECK: vector.load %[[STACK]]
// CHECK: math.fma
// CHECK: vector.store %{{.*}}, %arg4
func.func @stack(%x: tensor<3x32xf32>, %y: tensor<3x32xf32>, %g: tensor<32xf32>, %b: tensor<32xf32>) -> tensor<3x32xf32> {
  %r = drawloom.fusion(%x, %y, %g, %b) : (tensor<3x32xf32>, tensor<3x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<3x32xf32> {
  ^bb0(%a0: tensor<3x32xf32>, %a1: tensor<3x32xf32>, %a2: tensor<32xf32>, %a3: tensor<32xf32>):
    %0 = drawloom.add %a0, %a1 : tensor<3x32xf32>
    %o, %mean, %rstd = drawloom.layer_norm %0, %a2, %a3 : (tensor<3x32xf32>, tensor<32xf32>, tensor<32xf32>) -> (tensor<3x32xf32>, tensor<3xf32>, tensor<3xf32>)
    drawloom.yield %o : tensor<3x32xf32>
  }
  return %r : tensor<3x32xf32>
}

// -----

// CHECK-LABEL: func.func @add_layer_norm
// CHECK-NOT: memref.alloca
// CHECK: vector.store %{{.*}}, %arg4
// CHECK: vector.load %arg4
// CHECK: vector.load %arg4
// CHECK: vector.store %{{.*}}, %arg5
func.func @result(%x: tensor<3x32xf32>, %y: tensor<3x32xf32>, %g: tensor<32xf32>, %b: tensor<32xf32>) -> (tensor<3x32xf32>, tensor<3x32xf32>) {
  %r:2 = drawloom.fusion(%x, %y, %g, %b) : (tensor<3x32xf32>, tensor<3x32xf32>, tensor<32xf32>, tensor<32xf32>) -> (tensor<3x32xf32>, tensor<3x32xf32>) {
  ^bb0(%a0: tensor<3x32xf32>, %a1: tensor<3x32xf32>, %a2: tensor<32xf32>, %a3: tensor<32xf32>):
    %0 = drawloom.add %a0, %a1 : tensor<3x32xf32>
    %o, %mean, %rstd = drawloom.layer_norm %0, %a2, %a3 : (tensor<3x32xf32>, tensor<32xf32>, tensor<32xf32>) -> (tensor<3x32xf32>, tensor<3xf32>, tensor<3xf32>)
    drawloom.yield %0, %o : tensor<3x32xf32>, tensor<3x32xf32>
  }
  return %r#0, %r#1 : tensor<3x32xf32>, tensor<3x32xf32>
}
