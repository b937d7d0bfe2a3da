// SIGINT and SIGTERM as a wish that the training loop grants between two steps.
#pragma once
#include <csignal>

namespace drawloom {

/// While it lives, the first SIGINT or SIGTERM is only noted; a second one ends the process at once. One at a
/// time.
class SignalGuard {
public:
  SignalGuard();
  ~SignalGuard();
  SignalGuard(const SignalGuard &) = delete;
  SignalGuard &operator=(const SignalGuard &) = delete;
  /// SIGINT, SIGTERM, or 0 when none has come.
  int received() const;

private:
  struct sigaction oldInt, oldTerm;
};

} // namespace drawloom
