// One GPU: its context, a stream for this program's work, and what it is.
#pragma once
#include "runtime/cuda/Driver.h"
#include <string>

namespace drawloom::cuda {

/// What a card is.
struct CardFacts {
  std::string name;         // "NVIDIA H100 80GB HBM3"
  int major = 0, minor = 0; // compute capability
  int multiprocessors = 0;
  uint64_t sharedBytesABlock = 0;
  uint64_t memoryBytes = 0;
};
CardFacts factsOf(const Driver &driver, DeviceOrdinal device);

/// The most capable target of the compiler whose code this card runs: "sm_90a", "sm_80", or empty.
std::string targetOf(const CardFacts &facts);
/// The target for this machine's first card. Throws Error(kFailed): no driver, no card, or one that is too
/// old.
std::string machineTarget();
/// Whether the card runs code that was compiled for `target`. sm_90a runs on compute capability 9.0 alone;
/// sm_80 is compiled again by the driver for whatever came after.
bool runsTarget(const CardFacts &facts, std::string_view target);
/// Whether it runs a cubin that was assembled for `target` as it is.
bool runsCubin(const CardFacts &facts, std::string_view target);

/// The first card that the driver shows (CUDA_VISIBLE_DEVICES chooses). Holds its primary context, which
/// other libraries of the process share, and a stream of its own.
class Card {
public:
  explicit Card(const Driver &driver);
  ~Card();
  Card(const Card &) = delete;
  Card &operator=(const Card &) = delete;

  /// Makes the context that of the calling thread; every use of the card begins with it.
  void use() const { check(driver, driver.ctxSetCurrent(context), "cannot use the card"); }
  void synchronize() const;
  uint64_t freeBytes() const;
  /// Bytes of the card's memory that were taken since this object was made, by any process.
  uint64_t usedBytes() const;

  const Driver &driver;
  CardFacts facts;
  StreamHandle stream = nullptr;

private:
  DeviceOrdinal device = 0;
  ContextHandle context = nullptr;
  uint64_t freeAtStart = 0;
};

/// A point in a stream's work.
class Event {
public:
  explicit Event(const Driver &driver);
  ~Event();
  Event(Event &&other) noexcept;
  Event &operator=(Event &&) = delete;
  void record(StreamHandle stream) const;
  /// Seconds from `start` to this event; both have happened.
  double secondsSince(const Event &start) const;

private:
  const Driver *driver;
  EventHandle handle = nullptr;
};

} // namespace drawloom::cuda
