#include "test/attention/Reference.h"
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>

namespace drawloom::test {

double Problem::scale() const { return 1.0 / std::sqrt(double(dQk)); }

Pattern parsePattern(const std::string &text) {
  PatternError error;
  auto pattern = Pattern::parse(text, error);
  if (!pattern)
    throw std::invalid_argument(text + ": " + error.str());
  return *pattern;
}

/// Sums of products in four parts, which a processor adds side by side.
template <typename X, typename Y> static double dot(const X *x, const Y *y, int64_t count) {
  double parts[4] = {};
  int64_t c = 0;
  for (; c + 4 <= count; c += 4)
    for (int64_t part = 0; part < 4; ++part)
      parts[part] += double(x[c + part]) * double(y[c + part]);
  for (; c < count; ++c)
    parts[0] += double(x[c]) * double(y[c]);
  return (parts[0] + parts[1]) + (parts[2] + parts[3]);
}

Reference reference(const Problem &p, const std::vector<float> &q, const std::vector<float> &k, const std::vector<float> &v,
                    const std::vector<float> &dout, const Rounding &round) {
  auto rounded = [&](double x) { return round ? round(x) : x; };
  Pattern pattern = parsePattern(p.pattern);
  Reference r;
  r.out.assign(p.vSize(), 0.0);
  r.lse.assign(p.batch * p.heads * p.n, -std::numeric_limits<double>::infinity());
  r.dq.assign(p.qSize(), 0.0), r.dk.assign(p.qSize(), 0.0), r.dv.assign(p.vSize(), 0.0);
  auto qAt = [&](int64_t b, int64_t h, int64_t i) { return ((b * p.n + i) * p.heads + h) * p.dQk; };
  auto vAt = [&](int64_t b, int64_t h, int64_t i) { return ((b * p.n + i) * p.heads + h) * p.dV; };
  for (int64_t b = 0; b < p.batch; ++b)
    for (int64_t h = 0; h < p.heads; ++h)
      for (int64_t i = 0; i < p.n; ++i) {
        std::vector<int64_t> keys;
        std::vector<double> scores;
        for (int64_t j = 0; j <= i; ++j)
          if (pattern.contains(h, i, j, p.n)) {
            keys.push_back(j);
            scores.push_back(dot(&q[qAt(b, h, i)], &k[qAt(b, h, j)], p.dQk) * p.scale());
          }
        if (keys.empty())
          continue;
        double largest = *std::max_element(scores.begin(), scores.end()), sum = 0;
        for (double s : scores)
          sum += std::exp(s - largest);
        double lse = r.lse[(b * p.heads + h) * p.n + i] = largest + std::log(sum);
        double *out = &r.out[vAt(b, h, i)];
        for (size_t t = 0; t < keys.size(); ++t) {
          double weight = rounded(std::exp(scores[t] - largest)) / sum;
          const float *value = &v[vAt(b, h, keys[t])];
          for (int64_t c = 0; c < p.dV; ++c)
            out[c] += weight * value[c];
        }
        for (int64_t c = 0; c < p.dV; ++c)
          out[c] = rounded(out[c]);
        if (dout.empty())
          continue;
        const float *d = &dout[vAt(b, h, i)];
        const float *query = &q[qAt(b, h, i)];
        double *dq = &r.dq[qAt(b, h, i)], delta = dot(d, out, p.dV);
        for (size_t t = 0; t < keys.size(); ++t) {
          int64_t keyAt = qAt(b, h, keys[t]), valueAt = vAt(b, h, keys[t]);
          double probability = std::exp(scores[t] - lse), inType = rounded(probability);
          double ds = rounded(probability * (dot(d, &v[valueAt], p.dV) - delta)) * p.scale();
          const float *key = &k[keyAt];
          double *dk = &r.dk[keyAt], *dv = &r.dv[valueAt];
          for (int64_t c = 0; c < p.dV; ++c)
            dv[c] += inType * d[c];
          for (int64_t c = 0; c < p.dQk; ++c)
            dq[c] += ds * key[c], dk[c] += ds * query[c];
        }
      }
  for (auto *gradient : {&r.dq, &r.dk, &r.dv})
    for (double &x : *gradient)
      x = rounded(x);
  return r;
}

double relativeError(const std::vector<float> &got, const std::vector<double> &expected) {
  if (got.size() != expected.size())
    return std::numeric_limits<double>::infinity();
  double difference = 0, norm = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isinf(expected[i])) {
      if (double(got[i]) != expected[i])
        return std::numeric_limits<double>::infinity();
      continue;
    }
    difference += (got[i] - expected[i]) * (got[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  if (!std::isfinite(difference))
    return std::numeric_limits<double>::infinity();
  return norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

std::string attentionModule(const Problem &p, bool isPacked, const std::string &element) {
  auto tensor = [&](int64_t channels) {
    return "tensor<" + std::to_string(p.batch) + "x" + std::to_string(p.n) + "x" + std::to_string(channels) + "x" + element + ">";
  };
  std::string q = tensor(p.heads * p.dQk), v = tensor(p.heads * p.dV), qkv = tensor(p.heads * (2 * p.dQk + p.dV));
  std::string lse = "tensor<" + std::to_string(p.batch) + "x" + std::to_string(p.heads) + "x" + std::to_string(p.n) + "xf32>";
  std::ostringstream attributes, text;
  attributes.precision(17);
  attributes << "{pattern = #drawloom.pattern<\"" << p.pattern << "\">, heads = " << p.heads << " : i64, scale = " << std::showpoint
             << p.scale() << " : f64}";
  if (isPacked)
    text << "func.func @main(%qkv: " << qkv << ", %dout: " << v << ") -> (" << v << ", " << lse << ", " << qkv << ") {\n"
         << "  %q, %k, %v = drawloom.split %qkv : (" << qkv << ") -> (" << q << ", " << q << ", " << v << ")\n";
  else
    text << "func.func @main(%q: " << q << ", %k: " << q << ", %v: " << v << ", %dout: " << v << ") -> (" << v << ", " << lse << ", "
         << q << ", " << q << ", " << v << ") {\n";
  text << "  %out, %lse = drawloom.attention %q, %k, %v " << attributes.str() << " : (" << q << ", " << q << ", " << v << ") -> (" << v
       << ", " << lse << ")\n"
       << "  %dq, %dk, %dv = drawloom.attention_grad %dout, %q, %k, %v, %out, %lse " << attributes.str() << " : (" << v << ", " << q << ", "
       << q << ", " << v << ", " << v << ", " << lse << ") -> (" << q << ", " << q << ", " << v << ")\n";
  if (isPacked)
    text << "  %d = drawloom.concat %dq, %dk, %dv : (" << q << ", " << q << ", " << v << ") -> " << qkv << "\n"
         << "  return %out, %lse, %d : " << v << ", " << lse << ", " << qkv << "\n}\n";
  else
    text << "  return %out, %lse, %dq, %dk, %dv : " << v << ", " << lse << ", " << q << ", " << q << ", " << v << "\n}\n";
  return text.str();
}

} // namespace drawloom::test
