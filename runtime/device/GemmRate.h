// What this processor does in dense products: the yardstick of benchmarks.
#pragma once

namespace drawloom {

class ThreadPool;

/// GFLOP/s of dense 1024^3 products through the runtime's own GEMM: the best of several, some tens of
/// milliseconds.
double measureGemmGflops(ThreadPool &pool);

} // namespace drawloom
