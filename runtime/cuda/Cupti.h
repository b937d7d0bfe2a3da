// When kernels ran on a card, as CUPTI's activity records have it (CUPTI's documentation, "Activity API").
// Its library comes with CUDA's toolkit, or with PyTorch, and is loaded when it is asked for.
#pragma once
#include "runtime/program/Program.h"
#include <memory>

namespace drawloom::cuda {

/// Kernels that run from its start to its end, on all cards and streams of this process. One at a time.
class KernelTrace {
public:
  /// Null, with the reason, where there is no CUPTI ($DRAWLOOM_CUPTI, or where LibrarySearch.h looks) or it
  /// does not start, as when another tool uses it.
  static std::unique_ptr<KernelTrace> start(std::string &problem);
  ~KernelTrace();

  /// Ends it. The kernels in the order of their starts, on the clock of Clock.h.
  std::vector<KernelSpan> finish();

private:
  struct Api;
  KernelTrace(const Api &api, int64_t toClock) : api(api), toClock(toClock) {}
  static const Api *load(std::string &problem);

  const Api &api;
  int64_t toClock; ///< from CUPTI's clock, ns
  bool isOpen = true;
};

} // namespace drawloom::cuda
