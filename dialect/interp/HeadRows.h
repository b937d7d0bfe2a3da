// Rows of one head in a [B, n, H * width] tensor, and the two vector operations on them.
#pragma once
#include "dialect/interp/Tensor.h"

namespace drawloom {

/// Head h of row (b, i).
inline const double *headRow(const Tensor &t, int64_t b, int64_t i, int64_t h, int64_t heads) {
  return t.row(b * t.shape[1] + i) + h * (t.columns() / heads);
}
inline double *headRow(Tensor &t, int64_t b, int64_t i, int64_t h, int64_t heads) {
  return t.row(b * t.shape[1] + i) + h * (t.columns() / heads);
}

inline double dot(const double *a, const double *b, int64_t count) {
  double sum = 0;
  for (int64_t c = 0; c < count; ++c) sum += a[c] * b[c];
  return sum;
}

/// to += factor * from.
inline void addScaled(double *to, double factor, const double *from, int64_t count) {
  for (int64_t c = 0; c < count; ++c) to[c] += factor * from[c];
}

} // namespace drawloom
