// Executes a plan the hard way, to catch what a runtime would hide: every buffer has memory of its own
// between red zones, what nobody has written is poison, and the work items of a launch run in pieces of
// random size in random order.
#pragma once
#include "runtime/schema/plan_generated.h"
#include <cstddef>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace drawloom::test {

/// Bytes between two inaccessible-in-spirit zones that are filled with a pattern.
class GuardedBuffer {
public:
  explicit GuardedBuffer(uint64_t bytes);
  std::byte *data() { return base; }
  uint64_t size() const { return bytes; }
  void poison();         ///< fills the buffer with NaNs
  bool isIntact() const; ///< nothing outside the buffer has been written

private:
  static constexpr uint64_t kZone = 4096;
  std::vector<std::byte> storage;
  std::byte *base;
  uint64_t bytes;
};

class PlanRunner {
public:
  /// Maps the code of `artifact`. Persistent buffers start as poison.
  explicit PlanRunner(const std::vector<std::byte> &artifact);
  ~PlanRunner();
  PlanRunner(const PlanRunner &) = delete;

  plan::PlanT plan;

  bool has(const std::string &name) const;
  const plan::BufferT &info(const std::string &name) const;
  GuardedBuffer &buffer(const std::string &name);

  /// Runs a function. Seed 0: each launch as one piece; else cut and shuffled by the seed. Returns a
  /// complaint, or "".
  std::string run(const std::string &function, uint64_t seed);

private:
  void launch(const plan::LaunchT &launch, const std::vector<std::byte *> &bases, std::mt19937_64 *random);
  static void gemm(const plan::GemmT &gemm, const std::vector<std::byte *> &bases);

  std::vector<GuardedBuffer> buffers;
  std::byte *code = nullptr;
  uint64_t codeBytes = 0;
};

} // namespace drawloom::test
