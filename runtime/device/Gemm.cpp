#include "runtime/device/Gemm.h"
#include "runtime/device/GemmKernel.h"
#include "runtime/device/Memory.h"
#include "runtime/device/ThreadPool.h"
#include <algorithm>

namespace drawloom {

// Sizes, fitted with test/runtime/DeviceBench.cpp. A chain of kMaxDepth keeps a panel of B in the
// second-level cache and lets C be read and written seldom; the packed B of one round stays in the last-level
// cache.
static constexpr int64_t kMaxDepth = 512, kDepthMultiple = 8;
static constexpr int64_t kMaxItemRows = 96, kItems = 16; // aim for at least kItems work items
static constexpr int64_t kBandColumns = 2048, kPackedFloats = 1 << 20;
// Below this many rows or columns the packing of B is not repaid.
static constexpr int64_t kSlim = 24;
static constexpr double kSharedFlops = 1e6; // about 10 us on one thread
// BLAS chunks: a matrix times a vector streams the matrix once, in chunks of this many bytes of it.
static constexpr int64_t kVectorChunkBytes = 128 << 10, kBlasMultiple = 32, kMinBlasChunk = 64;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t roundUp(int64_t a, int64_t b) { return ceilDiv(a, b) * b; }

/// The longer side of C is cut, the other never.
static GemmPlan planBlas(int64_t m, int64_t n, int64_t k) {
  int64_t length = std::max(m, n);
  int64_t side = m == 1 || n == 1 ? roundUp(std::max<int64_t>(kVectorChunkBytes / 4 / k, 1), kBlasMultiple)
                                  : std::max(kMinBlasChunk, roundUp(ceilDiv(length, kItems), kBlasMultiple));
  GemmPlan p;
  p.rows = m >= n ? std::min(m, side) : m;
  p.columns = m >= n ? n : std::min(n, side);
  return p;
}

GemmPlan planGemm(int64_t m, int64_t n, int64_t k, const GemmKernel *kernel) {
  GemmPlan p;
  if (kernel) {
    p.kernel = kernel;
    p.rows = std::clamp(roundUp(ceilDiv(m, kItems), kernel->rows), 2 * kernel->rows,
                        kMaxItemRows / kernel->rows * kernel->rows);
    int64_t rowItems = ceilDiv(m, p.rows), columnItems = std::max<int64_t>(1, kItems / rowItems / 2);
    p.columns = std::min(roundUp(ceilDiv(n, columnItems), kernel->columns), kBandColumns);
    p.depth = roundUp(ceilDiv(k, ceilDiv(k, kMaxDepth)), kDepthMultiple);
    p.bandColumns = std::min(roundUp(n, kernel->columns), kBandColumns / p.columns * p.columns);
    p.depthBlocks = std::clamp<int64_t>(kPackedFloats / (p.bandColumns * p.depth), 1, ceilDiv(k, p.depth));
    p.scratchFloats = uint64_t(p.bandColumns * p.depth * p.depthBlocks);
  } else {
    p = planBlas(m, n, k);
  }
  p.shared = 2.0 * double(m) * double(n) * double(k) >= kSharedFlops;
  return p;
}

GemmPlan planGemm(int64_t m, int64_t n, int64_t k) {
  return planGemm(m, n, k, std::min(m, n) < kSlim ? nullptr : gemmKernel());
}

namespace {

/// One round of a product: columns [column, column + columns) of B and [depth, depth + depths) of k are
/// packed, then every row of C receives their part.
struct Round {
  const GemmArguments &g;
  const GemmPlan &plan;
  float *packed;
  int64_t column, columns, depth, depths;

  int64_t blockDepth(int64_t block) const { return std::min(plan.depth, depths - block * plan.depth); }
  /// Where a block's panels begin: block after block, and within it panel after panel.
  float *panels(int64_t block, int64_t panelColumn) const {
    return packed + block * plan.depth * roundUp(columns, plan.kernel->columns) +
           panelColumn * blockDepth(block);
  }
  void packB(int64_t block, int64_t panelColumn, int64_t count) const;
  void multiply(int64_t row, int64_t rows, int64_t itemColumn, int64_t itemColumns) const;
  void multiplyTile(int64_t block, const float *a, int64_t row, int64_t rows, int64_t tileColumn) const;
};

} // namespace

void Round::packB(int64_t block, int64_t panelColumn, int64_t count) const {
  int64_t l = depth + block * plan.depth, j = column + panelColumn;
  const float *source = g.transB ? g.b + j * g.ldb + l : g.b + l * g.ldb + j;
  packPanels(source, g.transB ? g.ldb : 1, g.transB ? 1 : g.ldb, count, blockDepth(block),
             plan.kernel->columns, panels(block, panelColumn));
}

/// One tile of C. Ragged tiles are computed whole beside C, and joined with the arithmetic of the kernel.
void Round::multiplyTile(int64_t block, const float *a, int64_t row, int64_t rows, int64_t tileColumn) const {
  auto &kernel = *plan.kernel;
  const float *b = panels(block, tileColumn);
  float *c = g.c + row * g.ldc + column + tileColumn;
  float beta = depth + block == 0 ? g.beta : 1; // the first chain of all meets what was in C
  int64_t tileColumns = std::min(kernel.columns, columns - tileColumn);
  if (rows == kernel.rows && tileColumns == kernel.columns)
    return kernel.function(blockDepth(block), a, b, g.alpha, beta, c, g.ldc);
  alignas(64) float tile[kMaxTileRows * kMaxTileColumns];
  kernel.function(blockDepth(block), a, b, g.alpha, 0, tile, kernel.columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < tileColumns; ++j) {
      float &to = c[i * g.ldc + j], r = tile[i * kernel.columns + j];
      to = beta != 0 ? r + beta * to : r;
    }
}

void Round::multiply(int64_t row, int64_t rows, int64_t itemColumn, int64_t itemColumns) const {
  auto &kernel = *plan.kernel;
  alignas(64) float a[kMaxItemRows * kMaxDepth];
  for (int64_t block = 0; block * plan.depth < depths; ++block) {
    int64_t l = depth + block * plan.depth, blockDepths = blockDepth(block);
    const float *source = g.transA ? g.a + l * g.lda + row : g.a + row * g.lda + l;
    packPanels(source, g.transA ? 1 : g.lda, g.transA ? g.lda : 1, rows, blockDepths, kernel.rows, a);
    for (int64_t j = itemColumn; j < itemColumn + itemColumns; j += kernel.columns)
      for (int64_t i = 0; i < rows; i += kernel.rows)
        multiplyTile(block, a + i * blockDepths, row + i, std::min(kernel.rows, rows - i), j);
  }
}

static void performRound(ThreadPool &pool, const Round &r) {
  auto &plan = r.plan;
  // Four panels an item: long enough pieces of a row of B to be read at full speed.
  int64_t packColumns = 4 * plan.kernel->columns, groups = ceilDiv(r.columns, packColumns);
  auto packs = uint64_t(groups * ceilDiv(r.depths, plan.depth));
  pool.parallelFor(packs, plan.shared ? 1 : packs, [&](uint64_t begin, uint64_t end) {
    for (; begin < end; ++begin) {
      int64_t j = int64_t(begin) % groups * packColumns;
      r.packB(int64_t(begin) / groups, j, std::min(packColumns, r.columns - j));
    }
  });
  int64_t columnItems = ceilDiv(r.columns, plan.columns);
  auto items = uint64_t(ceilDiv(r.g.m, plan.rows) * columnItems);
  pool.parallelFor(items, plan.shared ? 1 : items, [&](uint64_t begin, uint64_t end) {
    for (; begin < end; ++begin) {
      int64_t i = int64_t(begin) / columnItems * plan.rows, j = int64_t(begin) % columnItems * plan.columns;
      r.multiply(i, std::min(plan.rows, r.g.m - i), j, std::min(plan.columns, r.columns - j));
    }
  });
}

void gemm(ThreadPool &pool, const GemmArguments &g, const GemmPlan &plan, float *scratch) {
  if (!plan.kernel) return gemmBlas(pool, g, plan);
  int64_t roundDepth = plan.depth * plan.depthBlocks;
  for (int64_t j = 0; j < g.n; j += plan.bandColumns)
    for (int64_t l = 0; l < g.k; l += roundDepth)
      performRound(
          pool, {g, plan, scratch, j, std::min(plan.bandColumns, g.n - j), l, std::min(roundDepth, g.k - l)});
}

void gemm(ThreadPool &pool, const GemmArguments &g) {
  auto plan = planGemm(g.m, g.n, g.k);
  auto scratch = Mapping::zeroed(plan.scratchFloats * sizeof(float));
  gemm(pool, g, plan, reinterpret_cast<float *>(scratch.data()));
}

} // namespace drawloom
