#include "runtime/program/Trace.h"
#include "runtime/train/PeakRate.h"
#include "runtime/train/TrainableProgram.h"

namespace drawloom {

double TrainableProgram::measurePeakGflops() { return drawloom::measurePeakGflops(threads()); }

double ProgramAdapter::measurePeakGflops() {
  return program.device() == DeviceKind::Cpu ? TrainableProgram::measurePeakGflops() : program.denseGflops();
}

std::string ProgramAdapter::trace(const std::vector<std::string> &functions) const {
  return chromeTrace(program, functions, phasesSoFar());
}

} // namespace drawloom
