// Products that OpenBLAS computes, on one thread a call.
#include "runtime/device/Gemm.h"
#include "runtime/device/ThreadPool.h"
#include <algorithm>
#include <cblas.h>

namespace drawloom {

/// One BLAS thread a call: our pool divides the work. The only global state of the runtime.
static void useOneBlasThread() {
  static const bool done = (openblas_set_num_threads(1), true);
  (void)done;
}

/// y = alpha M x + beta y for a part of the rows of M: what a product with one row or column is.
static void multiplyVector(const GemmArguments &g, int64_t begin, int64_t count) {
  bool row = g.m == 1; // C is a row: y = op(B)^T x; else y = op(A) x
  // `stored`: whether output element i is row i of the matrix in memory.
  bool stored = row ? g.transB : !g.transA;
  const float *matrix = row ? g.b : g.a;
  int64_t ld = row ? g.ldb : g.lda;
  const float *x = row ? g.a : g.b;
  int64_t xStride = row ? (g.transA ? g.lda : 1) : (g.transB ? 1 : g.ldb);
  float *y = g.c + begin * (row ? 1 : g.ldc);
  auto yStride = blasint(row ? 1 : g.ldc);
  float beta = g.beta;
  if (beta == 0) { // not every BLAS overwrites a NaN here
    for (int64_t i = 0; i < count; ++i) y[i * yStride] = 0;
    beta = 1;
  }
  if (stored)
    cblas_sgemv(CblasRowMajor, CblasNoTrans, blasint(count), blasint(g.k), g.alpha, matrix + begin * ld,
                blasint(ld), x, blasint(xStride), beta, y, yStride);
  else
    cblas_sgemv(CblasRowMajor, CblasTrans, blasint(g.k), blasint(count), g.alpha, matrix + begin, blasint(ld),
                x, blasint(xStride), beta, y, yStride);
}

static void multiplyChunk(const GemmArguments &g, int64_t i, int64_t rows, int64_t j, int64_t columns) {
  if (g.m == 1) return multiplyVector(g, j, columns);
  if (g.n == 1) return multiplyVector(g, i, rows);
  cblas_sgemm(CblasRowMajor, g.transA ? CblasTrans : CblasNoTrans, g.transB ? CblasTrans : CblasNoTrans,
              blasint(rows), blasint(columns), blasint(g.k), g.alpha, g.a + (g.transA ? i : i * g.lda),
              blasint(g.lda), g.b + (g.transB ? j * g.ldb : j), blasint(g.ldb), g.beta, g.c + i * g.ldc + j,
              blasint(g.ldc));
}

void gemmBlas(ThreadPool &pool, const GemmArguments &g, const GemmPlan &plan) {
  useOneBlasThread();
  int64_t rowChunks = (g.m + plan.rows - 1) / plan.rows,
          columnChunks = (g.n + plan.columns - 1) / plan.columns;
  auto chunks = uint64_t(rowChunks * columnChunks);
  // Chunks stay the same when one thread does them all: they are part of what the bits depend on.
  pool.parallelFor(chunks, plan.shared ? 1 : chunks, [&](uint64_t begin, uint64_t end) {
    for (; begin < end; ++begin) {
      int64_t i = int64_t(begin) / columnChunks * plan.rows, j = int64_t(begin) % columnChunks * plan.columns;
      multiplyChunk(g, i, std::min(plan.rows, g.m - i), j, std::min(plan.columns, g.n - j));
    }
  });
}

} // namespace drawloom
