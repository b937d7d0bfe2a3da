// Monotonic time in nanoseconds, and a stopwatch.
#pragma once
#include <cstdint>

namespace drawloom {

/// Nanoseconds since an arbitrary fixed point; never goes back.
uint64_t monotonicNanoseconds();

class Stopwatch {
public:
  uint64_t nanoseconds() const { return monotonicNanoseconds() - start; }
  double seconds() const { return double(nanoseconds()) * 1e-9; }
  void restart() { start = monotonicNanoseconds(); }

private:
  uint64_t start = monotonicNanoseconds();
};

} // namespace drawloom
