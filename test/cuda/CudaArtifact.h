// The test artifact (test/runtime/TestArtifact.h) for a card, with kernels in PTX written by hand.
#pragma once
#include "test/runtime/TestArtifact.h"

namespace drawloom::test {

/// PTX for sm_80 and later, with the entries
///   "add" (i64 *counts, i64 scalar, i64 grid): counts[i] += scalar, 256 items a block of 128 threads
///   "scale" (f32 *w, i64 numerator, i64 grid): w[i] *= numerator / 2, likewise
///   "trap" (i64 *counts, i64 scalar, i64 grid): reads memory that is not there
extern const char *const kPtx;

/// PTX for sm_90a: kPtx's entries, and
///   "tile" (f32 *from, f32 *to, i64 grid, tensor map): an item is a tile of 8 rows and 32 columns that is
///   read through the map at (0, 8 item) and written densely
extern const char *const kTmaPtx;

std::vector<std::byte> bytesOf(const char *text);

/// valid() for target "sm_80": "count" runs the kernel "add", "forward" its products. "step" scales "w" on
/// the card: w *= 3 / 2.
Parts cudaValid();

/// cudaValid() for "sm_90a" with buffers "matrix" (f32 [20, 40]) and "tiles" (f32 [3, 8, 32]) in State, and
/// the function "tiles" that reads the left 32 columns of the matrix through a tensor map, in tiles of 8
/// rows, of which the last lies half outside (zeros).
Parts withTensorMap();

} // namespace drawloom::test
