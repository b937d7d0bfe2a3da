#include "runtime/train/Signals.h"

namespace drawloom {

static volatile std::sig_atomic_t received_ = 0;

static void note(int signal) { received_ = signal; }

SignalGuard::SignalGuard() {
  received_ = 0;
  struct sigaction action{};
  action.sa_handler = note;
  // The default action is back after the first: whoever presses Ctrl-C twice means it.
  action.sa_flags = int(SA_RESETHAND) | SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &oldInt);
  sigaction(SIGTERM, &action, &oldTerm);
}

SignalGuard::~SignalGuard() {
  sigaction(SIGINT, &oldInt, nullptr);
  sigaction(SIGTERM, &oldTerm, nullptr);
}

int SignalGuard::received() const { return received_; }

} // namespace drawloom
