#include "runtime/train/InitialWeights.h"
#include "runtime/abi/Philox.h"
#include "runtime/data/Streams.h"
#include <algorithm>
#include <cmath>
#include <numbers>

namespace drawloom {

static void fillNormal(std::span<float> value, double stddev, uint64_t seed, uint32_t site) {
  for (size_t e = 0; e < value.size(); e += 2) {
    auto w = abi::philoxBlock(seed, kInitStep, site, uint32_t(e / 2));
    double radius = std::sqrt(-2 * std::log(1 - uniform53(w[0], w[1]))); // 1 - u lies in (0, 1]
    double angle = 2 * std::numbers::pi * uniform53(w[2], w[3]);
    value[e] = float(stddev * radius * std::cos(angle));
    if (e + 1 < value.size()) value[e + 1] = float(stddev * radius * std::sin(angle));
  }
}

void initializeWeights(const std::vector<ParameterRef> &parameters, uint64_t seed) {
  for (size_t k = 0; k < parameters.size(); ++k) {
    const ParameterRef &p = parameters[k];
    switch (p.init) {
    case plan::Init::Zeros: std::fill(p.value.begin(), p.value.end(), 0.0f); break;
    case plan::Init::Ones: std::fill(p.value.begin(), p.value.end(), 1.0f); break;
    case plan::Init::Normal: fillNormal(p.value, p.stddev, seed, uint32_t(k)); break;
    }
  }
}

void resetOptimizer(const std::vector<ParameterRef> &parameters) {
  for (const ParameterRef &p : parameters) {
    for (auto s : {p.gradient, p.moment1, p.moment2}) std::fill(s.begin(), s.end(), 0.0f);
    if (!p.ema.empty()) std::copy(p.value.begin(), p.value.end(), p.ema.begin());
  }
}

} // namespace drawloom
