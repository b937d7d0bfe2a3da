#include "runtime/device/GemmKernel.h"
#include "runtime/artifact/CpuFeatures.h"
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <immintrin.h>
#include <string>

namespace drawloom {

// 24 accumulators of 16 floats, 2 for B, 1 broadcast of A: 27 of 32 registers.
__attribute__((target("avx512f"))) static void tile12x32(int64_t k, const float *a, const float *b,
                                                         float alpha, float beta, float *c, int64_t ldc) {
  constexpr int R = 12, V = 2;
  __m512 acc[R][V];
#pragma clang loop unroll(full)
  for (int i = 0; i < R; ++i)
#pragma clang loop unroll(full)
    for (int j = 0; j < V; ++j) acc[i][j] = _mm512_setzero_ps();
  for (int64_t l = 0; l < k; ++l, a += R, b += V * 16) {
    __m512 b0 = _mm512_load_ps(b), b1 = _mm512_load_ps(b + 16);
#pragma clang loop unroll(full)
    for (int i = 0; i < R; ++i) {
      __m512 x = _mm512_set1_ps(a[i]);
      acc[i][0] = _mm512_fmadd_ps(x, b0, acc[i][0]);
      acc[i][1] = _mm512_fmadd_ps(x, b1, acc[i][1]);
    }
  }
  __m512 al = _mm512_set1_ps(alpha), be = _mm512_set1_ps(beta);
#pragma clang loop unroll(full)
  for (int i = 0; i < R; ++i)
#pragma clang loop unroll(full)
    for (int j = 0; j < V; ++j) {
      float *p = c + i * ldc + j * 16;
      __m512 r = _mm512_mul_ps(al, acc[i][j]);
      if (beta != 0) r = _mm512_add_ps(r, _mm512_mul_ps(be, _mm512_loadu_ps(p)));
      _mm512_storeu_ps(p, r);
    }
}

// 12 accumulators of 8 floats, 2 for B, 1 broadcast of A: 15 of 16 registers.
__attribute__((target("avx2,fma"))) static void tile6x16(int64_t k, const float *a, const float *b,
                                                         float alpha, float beta, float *c, int64_t ldc) {
  constexpr int R = 6, V = 2;
  __m256 acc[R][V];
#pragma clang loop unroll(full)
  for (int i = 0; i < R; ++i)
#pragma clang loop unroll(full)
    for (int j = 0; j < V; ++j) acc[i][j] = _mm256_setzero_ps();
  for (int64_t l = 0; l < k; ++l, a += R, b += V * 8) {
    __m256 b0 = _mm256_load_ps(b), b1 = _mm256_load_ps(b + 8);
#pragma clang loop unroll(full)
    for (int i = 0; i < R; ++i) {
      __m256 x = _mm256_broadcast_ss(a + i);
      acc[i][0] = _mm256_fmadd_ps(x, b0, acc[i][0]);
      acc[i][1] = _mm256_fmadd_ps(x, b1, acc[i][1]);
    }
  }
  __m256 al = _mm256_set1_ps(alpha), be = _mm256_set1_ps(beta);
#pragma clang loop unroll(full)
  for (int i = 0; i < R; ++i)
#pragma clang loop unroll(full)
    for (int j = 0; j < V; ++j) {
      float *p = c + i * ldc + j * 8;
      __m256 r = _mm256_mul_ps(al, acc[i][j]);
      if (beta != 0) r = _mm256_add_ps(r, _mm256_mul_ps(be, _mm256_loadu_ps(p)));
      _mm256_storeu_ps(p, r);
    }
}

static constexpr GemmKernel kAvx512{tile12x32, 12, 32}, kAvx2{tile6x16, 6, 16};

const GemmKernel *const *gemmKernels() {
  static const auto kernels = [] {
    std::array<const GemmKernel *, 3> found{};
    size_t count = 0;
    const std::string avx512[] = {"avx512f"}, avx2[] = {"avx2", "fma"};
    if (missingCpuFeatures(avx512).empty()) found[count++] = &kAvx512;
    if (missingCpuFeatures(avx2).empty()) found[count++] = &kAvx2;
    return found;
  }();
  return kernels.data();
}

const GemmKernel *gemmKernel() { return gemmKernels()[0]; }

/// Four vectors at once, four elements at a time, through 4 x 4 transpositions.
static void transposeFour(const float *source, int64_t vectorStride, int64_t k, int64_t width, float *panel) {
  int64_t l = 0;
  for (; l + 4 <= k; l += 4) {
    __m128 r0 = _mm_loadu_ps(source + l), r1 = _mm_loadu_ps(source + vectorStride + l);
    __m128 r2 = _mm_loadu_ps(source + 2 * vectorStride + l), r3 = _mm_loadu_ps(source + 3 * vectorStride + l);
    _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
    _mm_storeu_ps(panel + l * width, r0);
    _mm_storeu_ps(panel + (l + 1) * width, r1);
    _mm_storeu_ps(panel + (l + 2) * width, r2);
    _mm_storeu_ps(panel + (l + 3) * width, r3);
  }
  for (; l < k; ++l)
    for (int64_t v = 0; v < 4; ++v) panel[l * width + v] = source[v * vectorStride + l];
}

/// Vectors that are rows in memory: a transposition, panel by panel.
static void packRows(const float *source, int64_t vectorStride, int64_t count, int64_t k, int64_t width,
                     float *panel) {
  int64_t v = 0;
  for (; v + 4 <= count; v += 4) transposeFour(source + v * vectorStride, vectorStride, k, width, panel + v);
  for (; v < count; ++v)
    for (int64_t l = 0; l < k; ++l) panel[l * width + v] = source[v * vectorStride + l];
  for (; v < width; ++v)
    for (int64_t l = 0; l < k; ++l) panel[l * width + v] = 0;
}

/// Vectors that are columns in memory: contiguous pieces of one row after the other, so that memory is read
/// in order. Width is known at compile time, so that a piece is a few vector moves and no call.
template <int64_t Width>
static void packColumns(const float *source, int64_t elementStride, int64_t count, int64_t k, float *panels) {
  for (int64_t l = 0; l < k; ++l) {
    const float *row = source + l * elementStride;
    float *to = panels + l * Width;
    int64_t v = 0;
    for (; v + Width <= count; v += Width, to += Width * k)
      std::memcpy(to, row + v, size_t(Width) * sizeof(float));
    if (v == count) continue;
    for (int64_t i = 0; i < Width; ++i) to[i] = v + i < count ? row[v + i] : 0;
  }
}

static void packColumns(const float *source, int64_t elementStride, int64_t count, int64_t k, int64_t width,
                        float *panels) {
  switch (width) {
  case 6: return packColumns<6>(source, elementStride, count, k, panels);
  case 12: return packColumns<12>(source, elementStride, count, k, panels);
  case 16: return packColumns<16>(source, elementStride, count, k, panels);
  case 32: return packColumns<32>(source, elementStride, count, k, panels);
  }
  std::abort(); // a kernel with a tile of another size needs a line here
}

void packPanels(const float *source, int64_t vectorStride, int64_t elementStride, int64_t count, int64_t k,
                int64_t width, float *panels) {
  if (vectorStride == 1) return packColumns(source, elementStride, count, k, width, panels);
  for (int64_t v = 0; v < count; v += width, panels += width * k)
    packRows(source + v * vectorStride, vectorStride, std::min(width, count - v), k, width, panels);
}

} // namespace drawloom
