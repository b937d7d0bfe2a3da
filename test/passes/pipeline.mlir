// A small model with every phase, whatever is recomputed; the same products and sums are accumulated in place.
// RUN: drawloom-opt %s --drawloom-pipeline="recompute=none stop-after=memory" | FileCheck %s
// RUN: drawloom-opt %s --drawloom-pipeline="recompute=attention stop-after=memory" | FileCheck %s
// RUN: drawloom-opt %s --drawloom-pipeline="recompute=block stop-after=memory" | FileCheck %s
// RUN: drawloom-opt %s --drawloom-pipeline="stop-after=graph dump-phases=%t.phases" | FileCheck %s --check-prefix=GRAPH
// RUN: FileCheck %s --check-prefix=GRAPH < %t.phases/1-graph.mlir
// RUN: not drawloom-opt %s --drawloom-pipeline="stop-after=end" 2>&1 | FileCheck %s --check-prefix=BAD

// BAD: there is no phase 'end'; the phases are graph, loops, memory, kernel

// GRAPH-LABEL: func.func @gradient
// GRAPH: drawloom.attend
// GRAPH: drawloom.fusion

// CHECK: drawloom.arena_bytes = {activations = {{[0-9]+}} : i64, gradients = 1088 : i64, io = 448 : i64, parameters = 1088 : i64}
// CHECK-LABEL: func.func @gradient
// CHECK-NOT: @copy
// CHECK: matmul {{.*}} init %{{.*}}transpose_a
// CHECK: matmul {{.*}} init %{{.*}}transpose_a
// CHECK-NOT: matmul {{.*}}transpose_a{{.*}} init
// CHECK: return
func.func @loss(%w: tensor<24x8xf32> {drawloom.name = "w", drawloom.role = "parameter"}, %b: tensor<24xf32> {drawloom.name = "b", drawloom.role = "parameter"},
                %u: tensor<5x8xf32> {drawloom.name = "u", drawloom.role = "parameter"}, %x: tensor<1x7x8xf32> {drawloom.name = "x", drawloom.role = "io"},
                %t: tensor<1x7xi32> {drawloom.name = "targets", drawloom.role = "io"}) -> (tensor<1x7xf32> {drawloom.name = "nll"}) {
  %0 = drawloom.linear %x, %w bias %b {drawloom.segment = "layers.0.attention"} : (tensor<1x7x8xf32>, tensor<24x8xf32>, tensor<24xf32>) -> tensor<1x7x24xf32>
  %q, %k, %v = drawloom.split %0 {drawloom.segment = "layers.0.attention"} : (tensor<1x7x24xf32>) -> (tensor<1x7x8xf32>, tensor<1x7x8xf32>, tensor<1x7x8xf32>)
  %o, %l = drawloom.attention %q, %k, %v {drawloom.keep, drawloom.segment = "layers.0.attention", pattern = #drawloom.pattern<"strided(3)">, heads = 1 : i64, scale = 0.5 : f64}
    : (tensor<1x7x8xf32>, tensor<1x7x8xf32>, tensor<1x7x8xf32>) -> (tensor<1x7x8xf32>, tensor<1x1x7xf32>)
  %1 = drawloom.add %x, %o {drawloom.segment = "layers.0.attention"} : tensor<1x7x8xf32>
  %2 = drawloom.gelu %1 {drawloom.segment = "layers.0.ff"} : tensor<1x7x8xf32>
  %3 = drawloom.linear %2, %u : (tensor<1x7x8xf32>, tensor<5x8xf32>) -> tensor<1x7x5xf32>
  %4 = drawloom.cross_entropy %3, %t : (tensor<1x7x5xf32>, tensor<1x7xi32>) -> tensor<1x7xf32>
  return %4 : tensor<1x7xf32>
}
