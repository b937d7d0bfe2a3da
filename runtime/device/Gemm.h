// Dense matrix products on the CPU: C = alpha op(A) op(B) + beta C in fp32, row-major.
//
// OpenBLAS computes, on one thread; a product is cut into chunks of C that depend on its shape only, so its bits do not
// depend on the number of threads. The sum over k is never cut. The rule (runtime/device/Gemm.cpp) trades the packing
// that every chunk repeats against enough chunks to balance threads.
#pragma once
#include <cstdint>

namespace drawloom {

class ThreadPool;

struct GemmArguments {
  bool transA = false, transB = false;
  int64_t m = 0, n = 0, k = 0;
  float alpha = 1, beta = 0;
  const float *a = nullptr;
  int64_t lda = 0;
  const float *b = nullptr;
  int64_t ldb = 0;
  float *c = nullptr;
  int64_t ldc = 0;
};

/// How C is cut: chunks of rows x columns, the last of each direction smaller.
struct GemmChunks {
  int64_t rows = 0, columns = 0; // of one chunk
  int64_t rowChunks = 0, columnChunks = 0;
  int64_t count() const { return rowChunks * columnChunks; }
};
/// The cut of an m x n x k product. A function of the shape only.
GemmChunks gemmChunks(int64_t m, int64_t n, int64_t k);

/// Performs the product in the given chunks; chunks.count() == 1 runs on the calling thread.
void gemm(ThreadPool &pool, const GemmArguments &g, const GemmChunks &chunks);

} // namespace drawloom
