#include "runtime/device/Gemm.h"
#include "runtime/device/ThreadPool.h"
#include <algorithm>
#include <cblas.h>
#include <cmath>
#include <limits>

namespace drawloom {

// The cost model of the chunk rule, fitted to OpenBLAS 0.3.21 (test/runtime/DeviceBench.cpp prints the table). A chunk of
// R x C packs C columns of B and R rows of A: a share of kPacking / R and kPacking / C of its arithmetic. Claiming a
// chunk and calling BLAS costs as much as kCallFlops.
static constexpr double kPacking = 12, kCallFlops = 2e5;
// Chunk sizes are multiples of this, so that only the last chunk of a direction has a ragged edge of register tiles.
static constexpr int64_t kSideMultiple = 32;
static constexpr int64_t kMaxRowChunks = 64, kMaxColumnChunks = 16;
// The cut is good for these numbers of threads alike; it must not depend on the number at hand.
static constexpr int kThreadCounts[] = {1, 2, 4, 8};
// A matrix times a vector streams the matrix once: chunks of this many bytes of it.
static constexpr int64_t kVectorChunkBytes = 128 << 10;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t chunkSide(int64_t extent, int64_t chunks) {
  return std::min(extent, ceilDiv(ceilDiv(extent, chunks), kSideMultiple) * kSideMultiple);
}

/// Mean over kThreadCounts of (time with p threads) * p / (time of the arithmetic alone): 1 is perfect.
static double chunkCost(const GemmChunks &c, int64_t m, int64_t n, int64_t k) {
  double rows = double(c.rows), columns = double(c.columns);
  double one = 2 * rows * columns * double(k) * (1 + kPacking / rows + kPacking / columns) + kCallFlops;
  double ideal = 2 * double(m) * double(n) * double(k);
  double sum = 0;
  for (int p : kThreadCounts) sum += double(ceilDiv(c.count(), p)) * p * one / ideal;
  return sum / std::size(kThreadCounts);
}

GemmChunks gemmChunks(int64_t m, int64_t n, int64_t k) {
  if (m == 1 || n == 1) {
    int64_t longSide = std::max(m, n);
    int64_t side = std::clamp<int64_t>(kVectorChunkBytes / (4 * std::max<int64_t>(k, 1)), 16, longSide > 16 ? longSide : 16);
    side = std::min(longSide, ceilDiv(side, 16) * 16);
    GemmChunks c{1, 1, 1, 1};
    (m == 1 ? c.columns : c.rows) = side;
    (m == 1 ? c.columnChunks : c.rowChunks) = ceilDiv(longSide, side);
    return c;
  }
  GemmChunks best;
  double bestCost = std::numeric_limits<double>::infinity();
  for (int64_t i = 1; i <= std::min(kMaxRowChunks, ceilDiv(m, kSideMultiple)); ++i)
    for (int64_t j = 1; j <= std::min(kMaxColumnChunks, ceilDiv(n, kSideMultiple)); ++j) {
      GemmChunks c{chunkSide(m, i), chunkSide(n, j), 0, 0};
      c.rowChunks = ceilDiv(m, c.rows);
      c.columnChunks = ceilDiv(n, c.columns);
      if (double cost = chunkCost(c, m, n, k); cost < bestCost) bestCost = cost, best = c;
    }
  return best;
}

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
    cblas_sgemv(CblasRowMajor, CblasNoTrans, blasint(count), blasint(g.k), g.alpha, matrix + begin * ld, blasint(ld), x,
                blasint(xStride), beta, y, yStride);
  else
    cblas_sgemv(CblasRowMajor, CblasTrans, blasint(g.k), blasint(count), g.alpha, matrix + begin, blasint(ld), x,
                blasint(xStride), beta, y, yStride);
}

static void multiplyChunk(const GemmArguments &g, const GemmChunks &chunks, int64_t chunk) {
  int64_t i = chunk / chunks.columnChunks * chunks.rows, j = chunk % chunks.columnChunks * chunks.columns;
  int64_t rows = std::min(chunks.rows, g.m - i), columns = std::min(chunks.columns, g.n - j);
  if (g.m == 1 || g.n == 1) return multiplyVector(g, g.m == 1 ? j : i, g.m == 1 ? columns : rows);
  cblas_sgemm(CblasRowMajor, g.transA ? CblasTrans : CblasNoTrans, g.transB ? CblasTrans : CblasNoTrans, blasint(rows),
              blasint(columns), blasint(g.k), g.alpha, g.a + (g.transA ? i : i * g.lda), blasint(g.lda),
              g.b + (g.transB ? j * g.ldb : j), blasint(g.ldb), g.beta, g.c + i * g.ldc + j, blasint(g.ldc));
}

void gemm(ThreadPool &pool, const GemmArguments &g, const GemmChunks &chunks) {
  useOneBlasThread();
  pool.parallelFor(uint64_t(chunks.count()), 1, [&](uint64_t begin, uint64_t end) {
    for (; begin < end; ++begin) multiplyChunk(g, chunks, int64_t(begin));
  });
}

} // namespace drawloom
