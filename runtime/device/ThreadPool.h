// Threads that share the work items of one command at a time.
#pragma once
#include <atomic>
#include <cstdint>
#include <pthread.h>
#include <type_traits>
#include <vector>

namespace drawloom {

/// A persistent pool. The calling thread takes part, so a pool of n threads starts n - 1. Items must be
/// independent: which thread performs which is not determined, that every item is performed once is. Several
/// pools may live in one process; calls on one pool must come from one thread at a time. Every thread has
/// stack for abi::kKernelStackBytes and the default floating-point mode (round to nearest, no flush to zero).
class ThreadPool {
public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int threads() const { return int(workers.size()) + 1; }

  /// Performs body(begin, end) on disjoint ranges that cover [0, count), and returns when all are done.
  /// Ranges are large at first and small at the end (guided self-scheduling), and never smaller than `grain`
  /// but for the last. `body` must not throw.
  template <class Body> void parallelFor(uint64_t count, uint64_t grain, Body &&body) {
    using B = std::remove_reference_t<Body>;
    dispatch(
        count, grain, [](void *b, uint64_t begin, uint64_t end) { (*static_cast<B *>(b))(begin, end); },
        const_cast<void *>(static_cast<const void *>(&body)));
  }

private:
  using Thunk = void (*)(void *body, uint64_t begin, uint64_t end);

  void dispatch(uint64_t count, uint64_t grain, Thunk thunk, void *body);
  void performItems();
  void work();
  bool join(uint32_t &seen);
  void leave();
  void stop();

  // The job. Written only while no worker has joined.
  Thunk thunk = nullptr;
  void *body = nullptr;
  uint64_t count = 0, grain = 1;
  alignas(64) std::atomic<uint64_t> next{0}; // first item not claimed
  // Serial number of the job (high 32 bits), whether workers may still join (bit 31), how many have joined
  // (low bits).
  alignas(64) std::atomic<uint64_t> gate{0};
  alignas(64) std::atomic<uint32_t> published{0}; // the serial number again: what sleeping workers wait on
  alignas(64) std::atomic<uint32_t> drained{
      0}; // counts jobs whose last worker left: what the caller waits on
  std::atomic<bool> stopping{false};
  std::vector<pthread_t> workers;
};

/// Cores that this process may use (its affinity mask), at least 1.
int availableCores();

/// Sets the default floating-point mode for as long as it lives: what the caller has set for itself must not
/// reach the kernels, whose results must not depend on which thread runs them.
class DefaultFloatMode {
public:
  DefaultFloatMode();
  ~DefaultFloatMode();
  DefaultFloatMode(const DefaultFloatMode &) = delete;
  DefaultFloatMode &operator=(const DefaultFloatMode &) = delete;

private:
  uint32_t saved;
};

/// Throws Error(kFailed) unless the calling thread has the stack that kernels may need.
void requireKernelStack();

} // namespace drawloom
