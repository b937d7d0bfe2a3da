#include "runtime/sample/Choose.h"
#include "runtime/abi/Philox.h"
#include "runtime/data/Streams.h"
#include "runtime/support/Error.h"
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace drawloom {

/// The indices of the topK largest logits, ascending.
static std::vector<int> candidates(std::span<const float> logits, int64_t topK) {
  std::vector<int> all(logits.size());
  std::iota(all.begin(), all.end(), 0);
  if (topK <= 0 || size_t(topK) >= all.size()) return all;
  std::sort(all.begin(), all.end(),
            [&](int a, int b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
  all.resize(size_t(topK));
  std::sort(all.begin(), all.end());
  return all;
}

int chooseByte(std::span<const float> logits, double temperature, int64_t topK, double uniform) {
  for (size_t k = 0; k < logits.size(); ++k)
    require(std::isfinite(logits[k]), kFailed, "the model's logit of byte {} is {}: cannot draw from it", k,
            logits[k]);
  int best = int(std::max_element(logits.begin(), logits.end()) - logits.begin());
  if (temperature == 0) return best;
  std::vector<int> chosen = candidates(logits, topK);
  std::vector<double> cumulative;
  double sum = 0;
  for (int k : chosen)
    cumulative.push_back(sum += std::exp((double(logits[k]) - double(logits[best])) / temperature));
  auto it = std::upper_bound(cumulative.begin(), cumulative.end(), uniform * sum);
  // uniform * sum may round up to sum itself.
  return chosen[std::min(size_t(it - cumulative.begin()), chosen.size() - 1)];
}

double sampleUniform(uint64_t seed, uint64_t position, uint32_t row) {
  auto w = abi::philoxBlock(seed, position, kSampleSite, row);
  return uniform53(w[0], w[1]);
}

} // namespace drawloom
