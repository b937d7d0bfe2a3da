// Independent work spread over threads, results in order.
#pragma once
#include "mlir/Support/LLVM.h"
#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

namespace drawloom {

/// Calls `work(i)`, which returns a FailureOr<Result>, for each i in [0, count) on `threads` threads (0: one
/// a core), and returns the results by i whichever thread made them. After a failure no more work is begun.
template <class Result, class Work>
mlir::FailureOr<std::vector<Result>> inParallel(size_t count, unsigned threads, Work work) {
  std::vector<std::optional<Result>> results(count);
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  auto run = [&] {
    for (size_t i; (i = next++) < count && !failed;) {
      mlir::FailureOr<Result> result = work(i);
      if (mlir::succeeded(result))
        results[i] = std::move(*result);
      else
        failed = true;
    }
  };
  size_t used = std::min<size_t>(threads ? threads : std::max(1u, std::thread::hardware_concurrency()), count);
  std::vector<std::thread> others;
  for (size_t t = 1; t < used; ++t) others.emplace_back(run);
  run();
  for (std::thread &thread : others) thread.join();
  if (failed) return mlir::failure();
  std::vector<Result> list;
  for (auto &result : results) list.push_back(std::move(*result));
  return list;
}

} // namespace drawloom
