// RUN: not drawloom-opt %s -drawloom-lower-attention="target=sm_90a forward-cut=2,128" 2>&1 | FileCheck %s
// CHECK: error: expected forward-cut to be 9 numbers, got 2
module {
}
