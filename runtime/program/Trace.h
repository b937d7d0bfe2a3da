// Where a program's time went, as a Chrome trace: chrome://tracing and ui.perfetto.dev show it.
#pragma once
#include "runtime/program/Program.h"
#include "runtime/support/Phases.h"

namespace drawloom {

/// JSON of the last profiled run of each function: an event a command, named by its label, with its kernel,
/// operations, bytes and rates. Functions that have not run are left out. `phases` become a process of their
/// own, "start", with a row a thread; so do the kernels' runs, if they were traced, with a row a stream. Why
/// they were not stands in "otherData".
std::string chromeTrace(const Program &program, const std::vector<std::string> &functions,
                        const std::vector<PhaseSpan> &phases = {});

} // namespace drawloom
