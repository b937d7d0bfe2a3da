// The inner kernel of our own GEMM: one register tile of C from packed panels of A and B.
//
// Every element of C is one chain of fused multiply-adds over a block of k in ascending order, whatever the
// tile, the instruction set or the thread: so results have the same bits on every processor with FMA, for any
// division of work.
#pragma once
#include <cstdint>

namespace drawloom {

/// A tile kernel: C (rows x columns, row-major with stride ldc) = alpha * A B + beta * C, where `a` is packed
/// as [k][rows] and `b` as [k][columns], both 64-aligned and padded to full tiles. With beta 0, C is not
/// read.
struct GemmKernel {
  using Function = void (*)(int64_t k, const float *a, const float *b, float alpha, float beta, float *c,
                            int64_t ldc);
  Function function = nullptr;
  int64_t rows = 0, columns = 0;
};

inline constexpr int64_t kMaxTileRows = 12, kMaxTileColumns = 32;

/// The best kernel for this processor; null without AVX2 and FMA.
const GemmKernel *gemmKernel();

/// Every kernel that runs on this processor, best first (tests compare their bits).
const GemmKernel *const *gemmKernels();

/// Packs `count` vectors of length k into panels of `width` vectors: panel p holds vectors [p width, (p + 1)
/// width) as [k][width], with zeros for vectors that are not there, and begins at panels + p * width * k.
/// Vector v begins at source + v * vectorStride, its elements are elementStride apart; one of the two strides
/// is 1.
void packPanels(const float *source, int64_t vectorStride, int64_t elementStride, int64_t count, int64_t k,
                int64_t width, float *panels);

} // namespace drawloom
