// Values of the reference interpreter: row-major tensors of float64 or int64.
#pragma once
#include "mlir/IR/BuiltinAttributes.h"
#include <cstdint>
#include <vector>

namespace drawloom {

/// A tensor of any float type is held in float64, of any integer type in int64; one of the two vectors is
/// used.
struct Tensor {
  std::vector<int64_t> shape;
  std::vector<double> values;
  std::vector<int64_t> integers;
  bool isInteger = false;

  static Tensor zeros(llvm::ArrayRef<int64_t> shape);
  static Tensor full(llvm::ArrayRef<int64_t> shape, double value);
  /// Sizes must match the product of the extents.
  static Tensor of(llvm::ArrayRef<int64_t> shape, std::vector<double> values);
  static Tensor ofIntegers(llvm::ArrayRef<int64_t> shape, std::vector<int64_t> integers);
  /// Uniform in [-scale, scale), a function of (seed, element) alone.
  static Tensor random(llvm::ArrayRef<int64_t> shape, uint64_t seed, double scale = 1.0);
  /// Uniform integers in [0, below).
  static Tensor randomIntegers(llvm::ArrayRef<int64_t> shape, uint64_t seed, int64_t below);
  /// The elements of `dense<...>`, splats expanded.
  static Tensor fromAttribute(mlir::DenseElementsAttr attr);

  int64_t size() const;
  /// The last extent (1 for a scalar), and the product of the others.
  int64_t columns() const { return shape.empty() ? 1 : shape.back(); }
  int64_t rows() const { return size() / columns(); }
  double *row(int64_t r) { return values.data() + r * columns(); }
  const double *row(int64_t r) const { return values.data() + r * columns(); }
};

/// |a - b| / |b| in the Euclidean norm (absolute if b is 0); infinite elements must be equal and are left
/// out, NaNs and different shapes give infinity. Integer tensors: 0 if equal, else infinity.
double relativeError(const Tensor &a, const Tensor &b);
/// The largest |a_k - b_k|, with the same treatment of infinities.
double maxDifference(const Tensor &a, const Tensor &b);

} // namespace drawloom
