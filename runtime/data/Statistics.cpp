#include "runtime/data/Statistics.h"
#include "runtime/data/MuLaw.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace drawloom {

static constexpr size_t kPixels = size_t(1) << 18; // read at once; three bytes each

uint64_t Histogram::total() const { return std::accumulate(counts.begin(), counts.end(), uint64_t(0)); }

double Histogram::mean() const {
  double sum = 0;
  for (size_t v = 0; v < 256; ++v) sum += double(v) * double(counts[v]);
  return sum / double(total());
}

double Histogram::deviation() const {
  double m = mean(), squares = 0;
  for (size_t v = 0; v < 256; ++v) squares += (double(v) - m) * (double(v) - m) * double(counts[v]);
  return std::sqrt(squares / double(total()));
}

double Histogram::entropy() const {
  double bits = 0, all = double(total());
  for (uint64_t c : counts)
    if (c > 0) bits -= double(c) / all * std::log2(double(c) / all);
  return bits;
}

double Histogram::share(int first, int last) const {
  uint64_t sum = std::accumulate(counts.begin() + first, counts.begin() + last + 1, uint64_t(0));
  return double(sum) / double(total());
}

Histogram &Histogram::operator+=(const Histogram &other) {
  for (size_t v = 0; v < 256; ++v) counts[v] += other.counts[v];
  return *this;
}

std::vector<Histogram> measure(const DataSet &data, Range part) {
  std::vector<Histogram> channels(data.format().wholeItems() ? 3 : 1);
  std::vector<uint8_t> block(3 * kPixels);
  for (uint64_t at = part.begin; at < part.end; at += block.size()) {
    size_t want = size_t(std::min<uint64_t>(block.size(), part.end - at));
    size_t have = data.read(at, std::span(block).first(want));
    for (size_t k = 0; k < have; ++k) ++channels[k % channels.size()].counts[block[k]];
  }
  return channels;
}

Histogram together(const std::vector<Histogram> &channels) {
  Histogram sum;
  for (const Histogram &h : channels) sum += h;
  return sum;
}

Loudness loudness(const Histogram &codes) {
  double squares = 0, peak = 0;
  for (size_t v = 0; v < 256; ++v) {
    if (codes.counts[v] == 0) continue;
    double x = double(decodeMuLaw(uint8_t(v)));
    squares += x * x * double(codes.counts[v]);
    peak = std::max(peak, std::abs(x));
  }
  return {10 * std::log10(squares / double(codes.total())), 20 * std::log10(peak)};
}

} // namespace drawloom
