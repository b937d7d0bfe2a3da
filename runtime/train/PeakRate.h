// The denominator of "share of peak".
#pragma once

namespace drawloom {

/// Single-precision GFLOP/s that `threads` threads reach together with independent fused multiply-adds in
/// registers, in the widest vectors that the CPU has (AVX-512, AVX2 or SSE2's multiply and add). Takes about
/// 50 ms.
double measurePeakGflops(int threads);

} // namespace drawloom
