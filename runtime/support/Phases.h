// Where the time of a process goes before its first useful work: named phases on the clock of Clock.h.
#pragma once
#include "runtime/support/Nvtx.h"
#include <cstdint>
#include <string>
#include <vector>

namespace drawloom {

/// A phase that has ended. Phases of one thread may lie in each other, those of several threads overlap.
struct PhaseSpan {
  std::string name;
  uint64_t start = 0, nanoseconds = 0; // as in Clock.h
  int thread = 0;                      // from 0, in the order in which threads ended their first phase
};

/// Lasts as long as it lives, on the thread that made it. For NVIDIA's tools it is a range.
class PhaseTimer {
public:
  explicit PhaseTimer(std::string name);
  ~PhaseTimer() { end(); }
  PhaseTimer(const PhaseTimer &) = delete;
  PhaseTimer &operator=(const PhaseTimer &) = delete;
  /// Ends it now.
  void end();

private:
  std::string name; // empty: has ended
  uint64_t start;
  NvtxRange range;
};

/// The phases of this process so far, by their starts. The first is "process": from when the system started
/// it to the first phase; it is left out where the system does not tell. A process that goes on and on,
/// loading program after program, keeps its first kMostPhases.
std::vector<PhaseSpan> phasesSoFar();
inline constexpr size_t kMostPhases = 256;

/// When the system started this process, in 10 ms steps; now, where it does not tell.
uint64_t processStart();

} // namespace drawloom
