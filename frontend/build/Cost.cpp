#include "frontend/build/Cost.h"
#include "dialect/pattern/Pattern.h"
#include <map>

namespace drawloom {

int64_t pairsOfLayer(const Network &network, int64_t layer) {
  PatternError error;
  return Pattern::parse(network.layers[size_t(layer)].pattern, error)->countPairs(network.n, network.heads);
}

TokenFlops flopsPerToken(const Network &net) {
  TokenFlops flops;
  std::map<std::string, double> pairs; // layers share patterns, and counting an unnamed one is not free
  for (size_t k = 0; k < net.layers.size(); ++k) {
    auto [it, fresh] = pairs.try_emplace(net.layers[k].pattern, 0);
    if (fresh) it->second = double(pairsOfLayer(net, int64_t(k)));
    // A pair costs a dot product of q and k and an accumulation of v.
    flops.attention += 2 * it->second * double(net.qk / net.heads + net.d / net.heads) / double(net.n);
    flops.linear += 2 * double(net.d) * double(2 * net.qk + net.d + net.d + 2 * net.ff);
  }
  flops.linear += 2 * double(net.d) * double(net.vocab);
  return flops;
}

} // namespace drawloom
