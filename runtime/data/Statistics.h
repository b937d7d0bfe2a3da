// What the bytes of a data set are like, all from counts of their values.
#pragma once
#include "runtime/data/DataSet.h"
#include <vector>

namespace drawloom {

/// How often each byte value occurs.
struct Histogram {
  std::array<uint64_t, 256> counts{};

  uint64_t total() const;
  double mean() const;
  double deviation() const; // standard deviation
  /// Bits a byte that coding by these frequencies alone takes: what a model has to beat.
  double entropy() const;
  double share(int first, int last) const; // of the values in [first, last]
  Histogram &operator+=(const Histogram &other);
};

/// Counts of a part: one histogram, or of images one each of R, G and B.
std::vector<Histogram> measure(const DataSet &data, Range part);

/// The sum over channels.
Histogram together(const std::vector<Histogram> &channels);

/// Loudness of mu-law codes in dB, where a full square wave has 0: of the mean square and of the largest.
struct Loudness {
  double rms = 0, peak = 0;
};
Loudness loudness(const Histogram &codes);

} // namespace drawloom
