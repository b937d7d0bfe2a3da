// Places of a chain of products.
// RUN: drawloom-opt %s --drawloom-insert-copies --drawloom-plan-memory=report --drawloom-verify-memory 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REPORT < %t

// REPORT: @gradient: 256 bytes of activations, 256 alive at once
// REPORT: gradients: 192 bytes
// REPORT: optimizer: 576 bytes
// REPORT: parameters: 192 bytes

// What belongs to a parameter has its offset in each arena; a slot of the optimizer has the size of the parameters.
// CHECK: drawloom.buffers = [{arena = "parameters", bytes = 12 : i64, dtype = "f32", name = "b", offset = 0 : i64, shape = array<i64: 3>}
// CHECK-SAME: {arena = "parameters", bytes = 80 : i64, dtype = "f32", name = "w", offset = 64 : i64, shape = array<i64: 4, 5>}
// CHECK-SAME: {arena = "gradients", bytes = 80 : i64, dtype = "f32", name = "w.grad", offset = 64 : i64
// CHECK-SAME: {arena = "gradients", bytes = 12 : i64, dtype = "f32", name = "b.grad", offset = 0 : i64
// CHECK-SAME: {arena = "optimizer", bytes = 80 : i64, dtype = "f32", name = "w.m", offset = 64 : i64
// CHECK-SAME: {arena = "optimizer", bytes = 12 : i64, dtype = "f32", name = "b.v", offset = 192 : i64
// CHECK-SAME: {arena = "optimizer", bytes = 80 : i64, dtype = "f32", name = "w.ema", offset = 448 : i64
// CHECK-SAME: {arena = "state", bytes = 100 : i64, dtype = "f32", name = "cache.0.k", offset = 0 : i64
// CHECK-SAME: {arena = "io", bytes = 16 : i64, dtype = "i32", name = "tokens", offset = 0 : i64
// CHECK-SAME: {arena = "io", bytes = 100 : i64, dtype = "f32", name = "x", offset = 64 : i64

// Two of the three activations are alive at once; the third takes the place of the first.
// CHECK: func.func @gradient
// CHECK-SAME: %{{[a-z0-9]+}}: tensor<4x5xf32> {drawloom.name = "w", drawloom.place = array<i64: 1, 0>
// CHECK-SAME: drawloom.activation_bytes = 256 : i64
// CHECK-SAME: drawloom.locals = [
// CHECK-SAME: {bytes = 80 : i64, dtype = "f32", first = 0 : i64, last = 1 : i64, offset = 128 : i64, shape = array<i64: 4, 5>}
// CHECK-SAME: {bytes = 100 : i64, dtype = "f32", first = 1 : i64, last = 2 : i64, offset = 0 : i64, shape = array<i64: 5, 5>}
// CHECK-SAME: {bytes = 80 : i64, dtype = "f32", first = 2 : i64, last = 3 : i64, offset = 128 : i64, shape = array<i64: 4, 5>}
func.func @gradient(%b: tensor<3xf32> {drawloom.name = "b", drawloom.role = "parameter"}, %w: tensor<4x5xf32> {drawloom.name = "w", drawloom.role = "parameter"}, %g: tensor<4x5xf32> {drawloom.name = "w.grad", drawloom.role = "gradient"},
    %t: tensor<4xi32> {drawloom.name = "tokens", drawloom.role = "io"}, %x: tensor<5x5xf32> {drawloom.name = "x", drawloom.role = "io"}) -> (tensor<4x5xf32> {drawloom.name = "w.grad"}) {
  %0 = drawloom.matmul %w, %x : (tensor<4x5xf32>, tensor<5x5xf32>) -> tensor<4x5xf32>
  %1 = drawloom.matmul %0, %w {transpose_a} : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<5x5xf32>
  %2 = drawloom.matmul %w, %1 : (tensor<4x5xf32>, tensor<5x5xf32>) -> tensor<4x5xf32>
  %3 = drawloom.matmul %2, %x init %g : (tensor<4x5xf32>, tensor<5x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  return %3 : tensor<4x5xf32>
}
func.func @update(%g: tensor<3xf32> {drawloom.name = "b.grad", drawloom.role = "gradient"}, %m: tensor<4x5xf32> {drawloom.name = "w.m", drawloom.role = "moment1"}, %v: tensor<3xf32> {drawloom.name = "b.v", drawloom.role = "moment2"},
    %e: tensor<4x5xf32> {drawloom.name = "w.ema", drawloom.role = "ema"}, %c: tensor<5x5xf32> {drawloom.name = "cache.0.k", drawloom.role = "cache"}) {
  return
}
