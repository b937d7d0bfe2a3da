#include "runtime/device/ThreadPool.h"
#include "runtime/abi/Abi.h"
#include "runtime/support/Error.h"
#include <atomic>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>
#include <vector>
#include <xmmintrin.h>

namespace drawloom {
namespace {

TEST(ThreadPool, PerformsEveryItemOnce) {
  for (int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (uint64_t count : {0, 1, 2, 5, 64, 1000, 4097})
      for (uint64_t grain : {1, 3, 100, 100000}) {
        std::vector<std::atomic<int>> done(count);
        pool.parallelFor(count, grain, [&](uint64_t begin, uint64_t end) {
          for (; begin < end; ++begin) ++done[begin];
        });
        for (auto &d : done) ASSERT_EQ(d, 1);
      }
  }
}

TEST(ThreadPool, SurvivesManyShortJobs) {
  ThreadPool pool(4);
  uint64_t sum = 0;
  for (int job = 0; job < 20000; ++job) {
    std::atomic<uint64_t> done{0};
    pool.parallelFor(8, 1, [&](uint64_t begin, uint64_t end) { done += end - begin; });
    ASSERT_EQ(done, 8u);
    sum += done;
  }
  EXPECT_EQ(sum, 160000u);
}

TEST(ThreadPool, WakesWorkersThatSleep) {
  ThreadPool pool(2);
  std::atomic<bool> both{false};
  for (int round = 0; round < 5 && !both; ++round) {
    ::usleep(2000); // far longer than workers spin
    std::thread::id first = std::this_thread::get_id();
    pool.parallelFor(2, 1, [&](uint64_t, uint64_t) {
      if (std::this_thread::get_id() != first) both = true;
      for (int i = 0; i < 200 && !both; ++i) ::usleep(1000);
    });
  }
  EXPECT_TRUE(both);
}

TEST(ThreadPool, WorkersHaveTheDefaultFloatMode) {
  unsigned saved = _mm_getcsr();
  _mm_setcsr(saved | 0x8040); // flush to zero, denormals are zero
  std::atomic<int> wrong{0};
  {
    ThreadPool pool(3);
    DefaultFloatMode mode;
    pool.parallelFor(300, 1, [&](uint64_t, uint64_t) { wrong += (_mm_getcsr() & 0x8040) != 0; });
  }
  EXPECT_EQ(_mm_getcsr() & 0x8040u, 0x8040u);
  _mm_setcsr(saved);
  EXPECT_EQ(wrong, 0);
}

/// Runs requireKernelStack on a thread of the given stack size; whether it threw.
bool throwsOnStackOf(size_t bytes) {
  bool threw = false;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, bytes);
  pthread_t thread{};
  auto body = [](void *flag) -> void * {
    try {
      requireKernelStack();
    } catch (const Error &) {
      *static_cast<bool *>(flag) = true;
    }
    return nullptr;
  };
  EXPECT_EQ(pthread_create(&thread, &attributes, body, &threw), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  return threw;
}

TEST(ThreadPool, RefusesCallersWithoutStack) {
  EXPECT_TRUE(throwsOnStackOf(1 << 20));
  EXPECT_FALSE(throwsOnStackOf(abi::kKernelStackBytes * 2));
}

} // namespace
} // namespace drawloom
