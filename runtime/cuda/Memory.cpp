#include "runtime/cuda/Memory.h"
#include "runtime/program/Memory.h"
#include "runtime/support/Error.h"
#include "runtime/support/Format.h"
#include "runtime/support/Phases.h"
#include <algorithm>
#include <cstring>
#include <utility>

namespace drawloom::cuda {

DeviceBuffer::DeviceBuffer(const Driver &d, uint64_t bytes) : driver(&d), size(bytes) {
  // A request for nothing gives something, so that every place has an address.
  check(d, d.memAlloc(&pointer, std::max<uint64_t>(bytes, 64)),
        fmt::format("cannot allocate {} of the card's memory", formatBytes(bytes)));
}
DeviceBuffer::~DeviceBuffer() {
  if (pointer) driver->memFree(pointer);
}
DeviceBuffer::DeviceBuffer(DeviceBuffer &&o) noexcept
    : driver(o.driver), pointer(std::exchange(o.pointer, 0)), size(std::exchange(o.size, 0)) {}
DeviceBuffer &DeviceBuffer::operator=(DeviceBuffer &&o) noexcept {
  std::swap(driver, o.driver);
  std::swap(pointer, o.pointer);
  std::swap(size, o.size);
  return *this;
}

PinnedBuffer::PinnedBuffer(const Driver &d, uint64_t bytes) : driver(&d) {
  void *p = nullptr;
  bytes = std::max<uint64_t>(bytes, 64);
  check(d, d.memHostAlloc(&p, bytes, 0), fmt::format("cannot pin {} of host memory", formatBytes(bytes)));
  base = static_cast<std::byte *>(p);
  std::memset(base, 0, bytes);
}
PinnedBuffer::~PinnedBuffer() {
  if (base) driver->memFreeHost(base);
}
PinnedBuffer::PinnedBuffer(PinnedBuffer &&o) noexcept
    : driver(o.driver), base(std::exchange(o.base, nullptr)) {}
PinnedBuffer &PinnedBuffer::operator=(PinnedBuffer &&o) noexcept {
  std::swap(driver, o.driver);
  std::swap(base, o.base);
  return *this;
}

static std::vector<plan::Place> placesOf(const plan::Command &c) {
  std::vector<plan::Place> places;
  if (auto *l = c.action_as_Launch(); l && l->places())
    for (auto *p : *l->places()) places.push_back(*p);
  if (auto *g = c.action_as_Gemm()) {
    places = {*g->a(), *g->b(), *g->c()};
    if (g->bias()) places.push_back(*g->bias());
  }
  if (auto *z = c.action_as_Zero()) places = {*z->place()};
  return places;
}

/// The parts of one kind of persistent memory that a function's commands touch, in program order.
static std::vector<ByteRange> touchedIn(plan::Arena arena, const plan::Plan &plan,
                                        const plan::Function &function) {
  std::vector<ByteRange> touched;
  uint32_t persistent = plan.buffers() ? plan.buffers()->size() : 0;
  for (uint32_t i = 0; function.commands() && i < function.commands()->size(); ++i)
    for (const plan::Place &p : placesOf(*function.commands()->Get(i))) {
      if (p.buffer() >= persistent) continue;
      auto &b = *plan.buffers()->Get(p.buffer());
      if (b.arena() == arena) touched.push_back({b.offset(), b.offset() + b.bytes()});
    }
  return touched;
}

bool usesState(const plan::Plan &plan, const plan::Function &function) {
  return !touchedIn(plan::Arena::State, plan, function).empty();
}

std::vector<ByteRange> ioRangesOf(const plan::Plan &plan, const plan::Function &function) {
  static constexpr uint64_t kSmallGap = 16 << 10; // copied faster than a second copy begins
  std::vector<ByteRange> touched = touchedIn(plan::Arena::Io, plan, function), merged;
  std::sort(touched.begin(), touched.end(), [](auto &a, auto &b) { return a.begin < b.begin; });
  for (const ByteRange &r : touched)
    if (merged.empty() || r.begin > merged.back().end + kSmallGap)
      merged.push_back(r);
    else
      merged.back().end = std::max(merged.back().end, r.end);
  return merged;
}

static bool hasMirror(plan::Arena arena) {
  return arena == plan::Arena::Parameters || arena == plan::Arena::Gradients ||
         arena == plan::Arena::Optimizer || arena == plan::Arena::State;
}

CudaMemory::CudaMemory(const Artifact &artifact, const Card &card, uint64_t others)
    : artifact(artifact), plan(artifact.plan()), card(card) {
  PhaseTimer phase("memory");
  uint64_t needed = bytesWithoutState(plan) + others, available = card.freeBytes();
  if (needed > available)
    failTooLarge(artifact, fmt::format("the plan needs {} of the memory of '{}', {} of {} are free",
                                       formatBytes(needed), card.facts.name, formatBytes(available),
                                       formatBytes(card.facts.memoryBytes)));
  try {
    for (size_t i = 0; i < arenas.size(); ++i) {
      if (plan::Arena(i) != plan::Arena::State) allocate(plan::Arena(i));
      if (hasMirror(plan::Arena(i))) mirrors[i] = Mapping::zeroed(plan.arena_bytes()->Get(uint32_t(i)));
    }
    io = PinnedBuffer(card.driver, device(plan::Arena::Io).bytes());
  } catch (const Error &e) {
    if (e.exitCode == kOutOfMemory) failTooLarge(artifact, e.what());
    throw;
  }
  mirrors[size_t(plan::Arena::Constants)] = Mapping::readOnly(artifact.constants());
  if (auto constants = artifact.constants(); !constants.empty())
    check(card.driver,
          card.driver.memcpyHtoDAsync(device(plan::Arena::Constants).address(), constants.data(),
                                      constants.size(), card.stream),
          "cannot copy the constants to the card");
  card.synchronize();
}

void CudaMemory::allocate(plan::Arena arena) {
  uint64_t bytes = plan.arena_bytes()->Get(uint32_t(arena));
  auto &buffer = arenas[size_t(arena)] = DeviceBuffer(card.driver, bytes);
  check(card.driver, card.driver.memsetD8Async(buffer.address(), 0, bytes, card.stream),
        "cannot clear the card's memory");
}

void CudaMemory::provideState() {
  if (device(plan::Arena::State).address()) return;
  uint64_t needed = plan.arena_bytes()->Get(uint32_t(plan::Arena::State)), available = card.freeBytes();
  if (needed > available)
    failTooLarge(artifact,
                 fmt::format("the caches of decoding need {} of the memory of '{}', {} of {} are free",
                             formatBytes(needed), card.facts.name, formatBytes(available),
                             formatBytes(card.facts.memoryBytes)),
                 "compile with a smaller sample.batch or model.n");
  allocate(plan::Arena::State);
}

DevicePointer CudaMemory::address(const plan::Place &place, const plan::Function *function) const {
  auto &buffer = bufferOf(plan, place, function);
  return device(buffer.arena()).address() + buffer.offset() + place.offset();
}

std::byte *CudaMemory::mirror(plan::Arena arena) const {
  return arena == plan::Arena::Io ? io.data() : mirrors[size_t(arena)].data();
}

std::byte *CudaMemory::host(const plan::Buffer &buffer) const {
  return mirror(buffer.arena()) + buffer.offset();
}

void CudaMemory::upload(plan::Arena arena) {
  if (arena == plan::Arena::State) provideState();
  auto &d = device(arena);
  if (!mirror(arena) || d.bytes() == 0 || arena == plan::Arena::Constants) return;
  check(card.driver, card.driver.memcpyHtoDAsync(d.address(), mirror(arena), d.bytes(), card.stream),
        "cannot copy to the card");
  card.synchronize();
}

void CudaMemory::download(plan::Arena arena) const {
  auto &d = device(arena);
  if (!mirror(arena) || d.bytes() == 0 || arena == plan::Arena::Constants) return;
  check(card.driver, card.driver.memcpyDtoHAsync(mirror(arena), d.address(), d.bytes(), card.stream),
        "cannot copy from the card");
  card.synchronize();
}

void CudaMemory::clear(plan::Arena arena) {
  auto &d = device(arena);
  if (d.address())
    check(card.driver, card.driver.memsetD8Async(d.address(), 0, d.bytes(), card.stream),
          "cannot clear the card's memory");
  if (arena == plan::Arena::Io)
    std::memset(io.data(), 0, d.bytes());
  else if (hasMirror(arena))
    mirrors[size_t(arena)].clear();
  card.synchronize();
}

void CudaMemory::sendIo(const std::vector<ByteRange> &ranges) const {
  for (auto [begin, end] : ranges)
    check(card.driver,
          card.driver.memcpyHtoDAsync(device(plan::Arena::Io).address() + begin, io.data() + begin,
                                      end - begin, card.stream),
          "cannot copy to the card");
}

void CudaMemory::fetchIo(const std::vector<ByteRange> &ranges) const {
  for (auto [begin, end] : ranges)
    check(card.driver,
          card.driver.memcpyDtoHAsync(io.data() + begin, device(plan::Arena::Io).address() + begin,
                                      end - begin, card.stream),
          "cannot copy from the card");
}

} // namespace drawloom::cuda
