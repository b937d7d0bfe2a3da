// RUN: not drawloom-opt %s --drawloom-lower-attention="query-tile=24" 2>&1 | FileCheck %s
// RUN: not drawloom-opt %s --drawloom-lower-attention="key-tile=12" 2>&1 | FileCheck %s --check-prefix=KEYS
// RUN: not drawloom-opt %s --drawloom-vectorize-tiles="vector-width=12" 2>&1 | FileCheck %s --check-prefix=WIDTH

// CHECK: expected query-tile to be 0 or a power of two and key-tile to be a multiple of 8, got 24 and 0
// KEYS: got 0 and 12
// WIDTH: expected vector-width to be a power of two and registers to be at least 4, got 12 and 32
