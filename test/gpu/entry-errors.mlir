// What a kernel may not ask for.
// RUN: drawloom-opt %s --drawloom-gpu-entry --split-input-file --verify-diagnostics

// expected-error @below {{expected drawloom.threads to be an integer from 1 to 1024, got 2048 : i64}}
func.func @threads(%begin: index, %end: index) attributes {drawloom.threads = 2048} { return }

// -----

// expected-error @below {{expected drawloom.threads to be whole warps of 32 (or one thread), got 48}}
func.func @warps(%begin: index, %end: index) attributes {drawloom.threads = 48} { return }

// -----

// expected-error @below {{expected drawloom.shared to be an integer from 0 to 232448, got 300000 : i64}}
func.func @shared(%begin: index, %end: index) attributes {drawloom.threads = 32, drawloom.shared = 300000} { return }

// -----

// expected-error @below {{expected drawloom.items to be an integer from 1 to 2147483647, got "two"}}
func.func @items(%begin: index, %end: index) attributes {drawloom.items = "two"} { return }

// -----

// expected-error @below {{expected drawloom.tensor_maps to be a list of #drawloom_gpu.tensor_map, got [1]}}
func.func @maps(%x: memref<4xf32>, %begin: index, %end: index) attributes {drawloom.tensor_maps = [1]} { return }

// -----

// expected-error @below {{expected a kernel to end in two indices, the first work item and the end}}
func.func @signature(%x: memref<4xf32>, %begin: index) { return }
