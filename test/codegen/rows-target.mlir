// RUN: not drawloom-opt %s --drawloom-lower-rows=target=sm_70 2>&1 | FileCheck %s
// CHECK: error: target must be cpu, sm_90a or sm_80, got sm_70
module {}
