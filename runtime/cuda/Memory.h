// Where a plan's memory is on a card: one allocation a kind of memory, and what host code sees of it.
#pragma once
#include "runtime/artifact/Artifact.h"
#include "runtime/cuda/Card.h"
#include "runtime/device/Memory.h"
#include <array>

namespace drawloom::cuda {

/// Memory of the card.
class DeviceBuffer {
public:
  DeviceBuffer() = default;
  DeviceBuffer(const Driver &driver, uint64_t bytes);
  ~DeviceBuffer();
  DeviceBuffer(DeviceBuffer &&other) noexcept;
  DeviceBuffer &operator=(DeviceBuffer &&other) noexcept;
  DevicePointer address() const { return pointer; }
  uint64_t bytes() const { return size; }

private:
  const Driver *driver = nullptr;
  DevicePointer pointer = 0;
  uint64_t size = 0;
};

/// Memory of the host that the card copies from and to by itself; zeroed.
class PinnedBuffer {
public:
  PinnedBuffer() = default;
  PinnedBuffer(const Driver &driver, uint64_t bytes);
  ~PinnedBuffer();
  PinnedBuffer(PinnedBuffer &&other) noexcept;
  PinnedBuffer &operator=(PinnedBuffer &&other) noexcept;
  std::byte *data() const { return base; }

private:
  const Driver *driver = nullptr;
  std::byte *base = nullptr;
};

/// Whether a function's commands touch the caches of decoding.
bool usesState(const plan::Plan &plan, const plan::Function &function);

/// [begin, end) of an arena, in bytes.
struct ByteRange {
  uint64_t begin = 0, end = 0;
  bool operator==(const ByteRange &) const = default;
};

/// The parts of Io memory that a function's commands touch. Neighbours closer than a copy's overhead are one
/// range.
std::vector<ByteRange> ioRangesOf(const plan::Plan &plan, const plan::Function &function);

class CudaMemory {
public:
  /// Allocates the arenas of a verified artifact but State, zeroed, uploads its constants and makes room for
  /// what host code sees. `others` bytes of the card's memory are needed beside the plan. Throws
  /// Error(kOutOfMemory) with the memory plan when it does not fit.
  CudaMemory(const Artifact &artifact, const Card &card, uint64_t others);

  /// Allocates State, zeroed, if it is not there yet: training has no use for the caches of decoding, which
  /// can be as large as its activations. Throws Error(kOutOfMemory) with the memory plan.
  void provideState();

  /// The address of a place in a function (null: persistent buffers only).
  DevicePointer address(const plan::Place &place, const plan::Function *function) const;
  /// The same in the host's copy of a persistent buffer.
  std::byte *host(const plan::Buffer &buffer) const;

  /// Copies all of an arena from the host's copy to the card, or back; returns when it is done. Not for
  /// Activations, which the host has no copy of, nor for Constants.
  void upload(plan::Arena arena);
  void download(plan::Arena arena) const;
  /// Zeroes an arena on both sides.
  void clear(plan::Arena arena);

  /// Enqueues copies of parts of Io memory.
  void sendIo(const std::vector<ByteRange> &ranges) const;
  void fetchIo(const std::vector<ByteRange> &ranges) const;

private:
  const DeviceBuffer &device(plan::Arena arena) const { return arenas[size_t(arena)]; }
  std::byte *mirror(plan::Arena arena) const;
  void allocate(plan::Arena arena);

  const Artifact &artifact;
  const plan::Plan &plan;
  const Card &card;
  std::array<DeviceBuffer, size_t(plan::Arena::MAX) + 1> arenas;
  std::array<Mapping, size_t(plan::Arena::MAX) + 1> mirrors; // untouched pages take no memory
  PinnedBuffer io;
};

} // namespace drawloom::cuda
