// Attention and its gradient by their definitions, in float64, pair by pair.
#pragma once
#include "dialect/pattern/Pattern.h"
#include <functional>
#include <string>
#include <vector>

namespace drawloom::test {

struct Problem {
  std::string pattern;
  int64_t batch = 1, n = 1, heads = 1, dQk = 8, dV = 8;
  double scale() const;
  int64_t qSize() const { return batch * n * heads * dQk; }
  int64_t vSize() const { return batch * n * heads * dV; }
};

struct Reference {
  std::vector<double> out, lse, dq, dk, dv;
};

Pattern parsePattern(const std::string &pattern);

/// What a 16-bit kernel may do to operands of products and to results.
using Rounding = std::function<double(double)>;

/// `dout` may be empty: no gradients. With `round`, probabilities (relative to the largest of a row), their gradients and the results are
/// rounded as a kernel does that keeps its softmax in f32 and multiplies 16-bit operands.
Reference reference(const Problem &p, const std::vector<float> &q, const std::vector<float> &k, const std::vector<float> &v,
                    const std::vector<float> &dout, const Rounding &round = nullptr);

/// |got - expected| / |expected| in the Euclidean norm; infinite numbers must be equal, and NaN never is.
double relativeError(const std::vector<float> &got, const std::vector<double> &expected);

/// `@main(q, k, v, dout) -> (out, lse, dq, dk, dv)`. Packed: q, k and v are parts of one argument, and so are the gradients of a result.
/// `element` is the type of all but lse, which is f32.
std::string attentionModule(const Problem &p, bool isPacked = false, const std::string &element = "f32");

} // namespace drawloom::test
