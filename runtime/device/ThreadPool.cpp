#include "runtime/device/ThreadPool.h"
#include "runtime/abi/Abi.h"
#include "runtime/support/Clock.h"
#include "runtime/support/Error.h"
#include <algorithm>
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>

namespace drawloom {

static constexpr uint64_t kOpen = uint64_t(1) << 31, kJoined = kOpen - 1;
// A worker that has nothing to do spins this long before it sleeps: longer than the gap between two commands
// of a step, short enough not to matter to anything else.
static constexpr uint64_t kSpinNanoseconds = 50'000;
static constexpr uint64_t kStackSlack = 512 << 10;

/// Spins until `done()` or until the time is over; says which.
template <class Done> static bool spin(Done &&done) {
  uint64_t begin = 0;
  for (unsigned i = 1;; ++i) {
    if (done()) return true;
    _mm_pause();
    if (i % 64 != 0) continue;
    uint64_t now = monotonicNanoseconds();
    if (begin == 0) begin = now;
    if (now - begin > kSpinNanoseconds) return false;
  }
}

ThreadPool::ThreadPool(int threads) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, abi::kKernelStackBytes + kStackSlack);
  auto entry = [](void *pool) -> void * {
    static_cast<ThreadPool *>(pool)->work();
    return nullptr;
  };
  int code = 0;
  for (int i = 1; i < threads && code == 0; ++i) {
    pthread_t worker{};
    code = pthread_create(&worker, &attributes, entry, this);
    if (code == 0) workers.push_back(worker);
  }
  pthread_attr_destroy(&attributes);
  // Fewer threads give the same results more slowly, but silence would hide a wrong limit.
  if (code != 0) {
    int started = int(workers.size()) + 1;
    stop();
    failWithHint(kFailed, "set a smaller number of threads, or raise the process limit (ulimit -u)",
                 "could start only {} of {} threads", started, threads);
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  stopping = true;
  published.fetch_add(1);
  published.notify_all();
  for (pthread_t w : workers) pthread_join(w, nullptr);
  workers.clear();
}

void ThreadPool::dispatch(uint64_t itemCount, uint64_t itemGrain, Thunk itemThunk, void *itemBody) {
  if (itemCount == 0) return;
  itemGrain = std::max<uint64_t>(itemGrain, 1);
  if (workers.empty() || itemCount <= itemGrain) return itemThunk(itemBody, 0, itemCount);
  thunk = itemThunk, body = itemBody, count = itemCount, grain = itemGrain;
  next.store(0, std::memory_order_relaxed);
  uint32_t before = drained.load(std::memory_order_relaxed);
  uint32_t serial = published.load(std::memory_order_relaxed) + 1;
  gate.store(uint64_t(serial) << 32 | kOpen, std::memory_order_seq_cst);
  published.store(serial, std::memory_order_seq_cst);
  published.notify_all();
  performItems();
  // No item is left: late workers need not come. Those who have come are still at work on what they claimed.
  if ((gate.fetch_and(~kOpen, std::memory_order_acq_rel) & kJoined) == 0) return;
  auto allLeft = [&] { return drained.load(std::memory_order_acquire) != before; };
  while (!spin(allLeft)) drained.wait(before, std::memory_order_acquire);
}

void ThreadPool::performItems() {
  uint64_t share = uint64_t(threads()) * 4;
  uint64_t begin = next.load(std::memory_order_relaxed);
  while (begin < count) {
    uint64_t end = std::min(count, begin + std::max(grain, (count - begin) / share));
    if (!next.compare_exchange_weak(begin, end, std::memory_order_relaxed)) continue;
    thunk(body, begin, end);
    begin = next.load(std::memory_order_relaxed);
  }
}

/// Joins the open job, if there is one that this worker has not seen.
bool ThreadPool::join(uint32_t &seen) {
  uint64_t g = gate.load(std::memory_order_acquire);
  while ((g & kOpen) && uint32_t(g >> 32) != seen)
    if (gate.compare_exchange_weak(g, g + 1, std::memory_order_acq_rel)) {
      seen = uint32_t(g >> 32);
      return true;
    }
  return false;
}

void ThreadPool::leave() {
  uint64_t before = gate.fetch_sub(1, std::memory_order_acq_rel);
  if ((before & kOpen) || (before & kJoined) != 1) return;
  drained.fetch_add(1, std::memory_order_release);
  drained.notify_one();
}

void ThreadPool::work() {
  DefaultFloatMode mode;
  uint32_t seen = 0;      // the last job that this worker joined
  uint32_t announced = 0; // the last serial number that it has looked at
  while (true) {
    auto news = [&] { return published.load(std::memory_order_acquire) != announced; };
    if (!spin(news)) published.wait(announced, std::memory_order_acquire);
    announced = published.load(std::memory_order_acquire);
    if (stopping.load(std::memory_order_acquire)) return;
    if (!join(seen)) continue;
    performItems();
    leave();
  }
}

int availableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

static constexpr uint32_t kDefaultMxcsr = 0x1F80; // every exception masked, nearest, no flush to zero

DefaultFloatMode::DefaultFloatMode() : saved(_mm_getcsr()) { _mm_setcsr(kDefaultMxcsr); }
DefaultFloatMode::~DefaultFloatMode() { _mm_setcsr(saved); }

void requireKernelStack() {
  static thread_local uintptr_t lowest = [] {
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return uintptr_t(0);
    void *base = nullptr;
    size_t bytes = 0;
    pthread_attr_getstack(&attributes, &base, &bytes);
    pthread_attr_destroy(&attributes);
    return reinterpret_cast<uintptr_t>(base);
  }();
  auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  if (here - lowest < abi::kKernelStackBytes)
    failWithHint(kFailed, "call from a thread with 8 MiB of stack (ulimit -s 8192)",
                 "the calling thread has {} KiB of stack left; compiled code may need {} KiB",
                 (here - lowest) >> 10, abi::kKernelStackBytes >> 10);
}

} // namespace drawloom
