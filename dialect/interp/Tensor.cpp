// Making and comparing tensors.
#include "dialect/interp/Tensor.h"
#include "runtime/abi/Philox.h"
#include <cassert>
#include <cmath>
#include <limits>

using namespace drawloom;

static int64_t product(llvm::ArrayRef<int64_t> shape) {
  int64_t size = 1;
  for (int64_t extent : shape) size *= extent;
  return size;
}

int64_t Tensor::size() const { return product(shape); }

Tensor Tensor::zeros(llvm::ArrayRef<int64_t> shape) { return full(shape, 0.0); }

Tensor Tensor::full(llvm::ArrayRef<int64_t> shape, double value) {
  return of(shape, std::vector<double>(product(shape), value));
}

Tensor Tensor::of(llvm::ArrayRef<int64_t> shape, std::vector<double> values) {
  assert(int64_t(values.size()) == product(shape));
  return {shape.vec(), std::move(values), {}, false};
}

Tensor Tensor::ofIntegers(llvm::ArrayRef<int64_t> shape, std::vector<int64_t> integers) {
  assert(int64_t(integers.size()) == product(shape));
  return {shape.vec(), {}, std::move(integers), true};
}

Tensor Tensor::random(llvm::ArrayRef<int64_t> shape, uint64_t seed, double scale) {
  Tensor t = zeros(shape);
  for (size_t k = 0; k < t.values.size(); ++k)
    t.values[k] = scale * (abi::dropoutWord(seed, 0, 0, k) / 2147483648.0 - 1.0);
  return t;
}

Tensor Tensor::randomIntegers(llvm::ArrayRef<int64_t> shape, uint64_t seed, int64_t below) {
  std::vector<int64_t> integers(product(shape));
  for (size_t k = 0; k < integers.size(); ++k)
    integers[k] = int64_t((uint64_t(abi::dropoutWord(seed, 0, 0, k)) * uint64_t(below)) >> 32);
  return ofIntegers(shape, std::move(integers));
}

Tensor Tensor::fromAttribute(mlir::DenseElementsAttr attr) {
  auto type = attr.getType();
  Tensor t{type.getShape().vec(), {}, {}, llvm::isa<mlir::IntegerType>(type.getElementType())};
  if (t.isInteger)
    for (const llvm::APInt &v : attr.getValues<llvm::APInt>()) t.integers.push_back(v.getSExtValue());
  else
    for (llvm::APFloat v : attr.getValues<llvm::APFloat>()) t.values.push_back(v.convertToDouble());
  return t;
}

namespace {

/// Calls visit(a_k, b_k) on the finite elements; false if the tensors cannot be compared or non-finite
/// elements differ.
template <typename Visit> bool compareFinite(const Tensor &a, const Tensor &b, Visit visit) {
  if (a.shape != b.shape || a.isInteger != b.isInteger) return false;
  if (a.isInteger) return a.integers == b.integers;
  for (size_t k = 0; k < a.values.size(); ++k) {
    double x = a.values[k], y = b.values[k];
    if (std::isfinite(x) && std::isfinite(y))
      visit(x, y);
    else if (!(x == y)) // infinities of one sign are equal, NaNs never
      return false;
  }
  return true;
}

} // namespace

double drawloom::relativeError(const Tensor &a, const Tensor &b) {
  double difference = 0, norm = 0;
  bool comparable = compareFinite(a, b, [&](double x, double y) {
    difference += (x - y) * (x - y);
    norm += y * y;
  });
  if (!comparable) return std::numeric_limits<double>::infinity();
  return norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

double drawloom::maxDifference(const Tensor &a, const Tensor &b) {
  double largest = 0;
  bool comparable =
      compareFinite(a, b, [&](double x, double y) { largest = std::max(largest, std::abs(x - y)); });
  return comparable ? largest : std::numeric_limits<double>::infinity();
}
