// A small model compiled, run and compared with the float64 interpreter on this machine.
#pragma once
#include "runtime/program/Program.h"

namespace drawloom::cli {

struct SelfTestResult {
  double relativeError = 0;         // of the compiled model's losses against the interpreter's, in norm
  bool sameBits = false;            // gradients of one thread and of all threads; on a card, of two runs
  double firstNll = 0, lastNll = 0; // mean loss before and after a few optimizer steps
  double seconds = 0;
  bool passed() const { return relativeError <= 1e-5 && sameBits && lastNll < firstNll; }
};

/// Compiles a two-layer model with fixed, column and free-form patterns at a ragged length and checks
/// forward, backward and optimizer, in fp32 on `device`. Takes some seconds.
SelfTestResult selfTest(DeviceKind device);

} // namespace drawloom::cli
