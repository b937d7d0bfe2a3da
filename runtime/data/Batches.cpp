#include "runtime/data/Batches.h"
#include "runtime/abi/Philox.h"
#include "runtime/data/Streams.h"
#include "runtime/support/Error.h"
#include <algorithm>
#include <bit>

namespace drawloom {

static constexpr int kFeistelRounds = 8;

WindowOrder::WindowOrder(uint64_t seed, Range part, uint64_t n, const std::string &what, Windows windows)
    : seed(seed), part(part), n(n), kind(windows) {
  if (part.size() < n)
    failWithHint(kBadInput, "give more data, a larger share of it (data.split), or a smaller model.n",
                 "{} is too short: a window of the model takes {} bytes, found {}", what, n, part.size());
  count = kind == Windows::Fixed ? part.size() / n : std::max<uint64_t>(1, (part.size() - n + 1) / n);
}

uint64_t WindowOrder::start(uint64_t sequence) const {
  uint64_t epoch = sequence / count;
  // All windows fit behind any offset up to this one.
  uint64_t slack = kind == Windows::Fixed ? 0 : std::min(n - 1, part.size() - count * n);
  auto words = abi::philoxBlock(seed, epoch, kOffsetSite, 0);
  uint64_t offset = uint64_t(uniform53(words[0], words[1]) * double(slack + 1));
  return part.begin + offset + n * permute(seed, epoch, count, sequence % count);
}

uint64_t permute(uint64_t seed, uint64_t index, uint64_t size, uint64_t x) {
  if (size <= 1) return x;
  int half = (std::bit_width(size - 1) + 1) / 2;
  uint64_t mask = (uint64_t(1) << half) - 1;
  do { // the network permutes [0, 4^half); walking its cycle until below `size` gives a permutation of [0,
       // size)
    uint64_t left = x >> half, right = x & mask;
    for (int round = 0; round < kFeistelRounds; ++round) {
      uint64_t f = abi::philoxBlock(seed, index, kOrderSite + uint32_t(round), uint32_t(right))[0];
      left = std::exchange(right, left ^ (f & mask));
    }
    x = left << half | right;
  } while (x >= size);
  return x;
}

void fillRow(std::span<const uint8_t> bytes, std::span<int32_t> tokens, std::span<int32_t> targets) {
  for (size_t t = 0; t < targets.size(); ++t) targets[t] = t < bytes.size() ? bytes[t] : 0;
  tokens[0] = kStartSymbol;
  std::copy(targets.begin(), targets.end() - 1, tokens.begin() + 1);
}

} // namespace drawloom
