#include "runtime/program/Memory.h"
#include "runtime/artifact/Verify.h"
#include "runtime/support/Error.h"
#include "runtime/support/Format.h"
#include <algorithm>
#include <numeric>
#include <vector>

namespace drawloom {

uint64_t totalArenaBytes(const plan::Plan &plan) {
  return std::accumulate(plan.arena_bytes()->begin(), plan.arena_bytes()->end(), uint64_t(0));
}

uint64_t bytesWithoutState(const plan::Plan &plan) {
  return totalArenaBytes(plan) - plan.arena_bytes()->Get(uint32_t(plan::Arena::State));
}

uint64_t contentBytes(const plan::Buffer &buffer) {
  uint64_t bytes = elementBytes(buffer.dtype());
  if (buffer.shape())
    for (uint64_t extent : *buffer.shape()) bytes *= extent;
  return bytes;
}

namespace {
struct Line {
  uint64_t bytes;
  std::string text;
};
} // namespace

static std::string describeBuffer(const plan::Buffer &b, const plan::Function *f, uint32_t index) {
  std::string name = f ? f->name()->str() + ": " : "";
  name += b.name() && b.name()->size() ? b.name()->str() : fmt::format("value {}", index);
  std::string shape;
  if (b.shape())
    for (uint64_t extent : *b.shape()) shape += (shape.empty() ? "" : "x") + std::to_string(extent);
  return fmt::format("{:>10}  {} [{}] {}", formatBytes(b.bytes()), name, shape,
                     plan::EnumNameDType(b.dtype()));
}

std::string describeMemory(const plan::Plan &plan, size_t largest) {
  std::string out = fmt::format("memory plan: {}", formatBytes(bytesWithoutState(plan)));
  if (uint64_t state = plan.arena_bytes()->Get(uint32_t(plan::Arena::State)))
    out += fmt::format(", {} while decoding", formatBytes(bytesWithoutState(plan) + state));
  out += "\n";
  for (uint32_t i = 0; i < plan.arena_bytes()->size(); ++i)
    if (uint64_t bytes = plan.arena_bytes()->Get(i))
      out += fmt::format("  {:>10}  {}\n", formatBytes(bytes), plan::EnumNameArena(plan::Arena(i)));
  std::vector<Line> lines;
  auto add = [&](const flatbuffers::Vector<flatbuffers::Offset<plan::Buffer>> *buffers,
                 const plan::Function *f) {
    for (uint32_t i = 0; buffers && i < buffers->size(); ++i)
      lines.push_back({buffers->Get(i)->bytes(), describeBuffer(*buffers->Get(i), f, i)});
  };
  add(plan.buffers(), nullptr);
  if (plan.functions())
    for (auto *f : *plan.functions()) add(f->locals(), f);
  std::sort(lines.begin(), lines.end(),
            [](auto &a, auto &b) { return a.bytes != b.bytes ? a.bytes > b.bytes : a.text < b.text; });
  if (!lines.empty() && largest) out += "largest buffers:\n";
  for (size_t i = 0; i < std::min(largest, lines.size()); ++i) out += "  " + lines[i].text + "\n";
  return out;
}

const plan::Buffer &bufferOf(const plan::Plan &plan, const plan::Place &place,
                             const plan::Function *function) {
  uint32_t persistent = plan.buffers() ? plan.buffers()->size() : 0;
  return place.buffer() < persistent ? *plan.buffers()->Get(place.buffer())
                                     : *function->locals()->Get(place.buffer() - persistent);
}

void failTooLarge(const Artifact &artifact, const std::string &why, const char *hint) {
  throw Error(kOutOfMemory, fmt::format("{}: {}\n{}", artifact.name(), why, describeMemory(artifact.plan())),
              hint);
}

ProgramMemory::ProgramMemory(const Artifact &artifact) : plan(artifact.plan()) {
  uint64_t needed = totalArenaBytes(plan), available = availableMemory();
  if (needed > available)
    failTooLarge(artifact, fmt::format("the plan needs {} of memory, {} are available", formatBytes(needed),
                                       formatBytes(available)));
  try {
    for (size_t i = 0; i < arenas.size(); ++i)
      arenas[i] = plan::Arena(i) == plan::Arena::Constants
                      ? Mapping::readOnly(artifact.constants())
                      : Mapping::zeroed(plan.arena_bytes()->Get(uint32_t(i)));
  } catch (const Error &e) {
    if (e.exitCode == kOutOfMemory) failTooLarge(artifact, e.what());
    throw;
  }
}

std::byte *ProgramMemory::address(const plan::Place &place, const plan::Function *function) const {
  return address(bufferOf(plan, place, function)) + place.offset();
}

} // namespace drawloom
