// exp and its like become arithmetic, in f32 whatever the operand's type.
// RUN: drawloom-opt %s --drawloom-expand-math | FileCheck %s

// CHECK-LABEL: func.func @functions
// CHECK-NOT: math.exp
// CHECK-NOT: math.log
// CHECK-NOT: math.rsqrt
// CHECK: math.sqrt %{{.*}} : vector<4xf32>
// CHECK: arith.divf
func.func @functions(%x: vector<4xf32>) -> vector<4xf32> {
  %a = math.exp %x : vector<4xf32>
  %b = math.exp2 %a : vector<4xf32>
  %c = math.log %b : vector<4xf32>
  %d = math.log2 %c : vector<4xf32>
  %e = math.rsqrt %d : vector<4xf32>
  return %e : vector<4xf32>
}

// CHECK-LABEL: func.func @narrow
// CHECK: arith.extf %{{.*}} : bf16 to f32
// CHECK: arith.truncf %{{.*}} : f32 to bf16
func.func @narrow(%x: bf16) -> bf16 {
  %a = math.exp %x : bf16
  return %a : bf16
}

// What asks for the hardware's approximation keeps it; what has instructions stays.
// CHECK-LABEL: func.func @approximate
// CHECK: math.exp2 %{{.*}} fastmath<afn> : f32
// CHECK: math.floor
func.func @approximate(%x: f32) -> f32 {
  %a = math.exp2 %x fastmath<afn> : f32
  %b = math.floor %a : f32
  return %b : f32
}
