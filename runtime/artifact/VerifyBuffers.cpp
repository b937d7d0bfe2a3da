// SEGMENT and BUFFER rules.
#include "runtime/abi/Abi.h"
#include "runtime/artifact/VerifyParts.h"
#include "runtime/support/Hash.h"
#include <array>

namespace drawloom::verify {

static void verifySegment(const Context &c, const plan::Segment *s, std::string_view name) {
  if (!s) return;
  c.require(
      s->offset() % abi::kSegmentAlignment == 0 && (s->bytes() == 0 || s->offset() >= c.file.planEnd) &&
          inside(s->offset(), s->bytes(), c.file.bytes.size()),
      "SEGMENT1",
      "segment '{}' (offset {}, {} bytes) is not a 4096-aligned range behind the plan in a file of {} bytes",
      name, s->offset(), s->bytes(), c.file.bytes.size());
  if (s->bytes() == 0) return;
  c.require(hash64(c.file.bytes.subspan(s->offset(), s->bytes())) == s->xxh64(), "SEGMENT3",
            "segment '{}' does not match its hash: the file is corrupted", name);
}

void verifySegments(const Context &c) {
  struct Named {
    const plan::Segment *segment;
    std::string_view name;
  };
  const Named segments[] = {
      {c.plan.code(), "code"}, {c.plan.constants(), "constants"}, {c.plan.sass(), "sass"}};
  c.require(!c.plan.sass() || isForGpu(c.plan), "SEGMENT4", "an artifact for {} has a segment 'sass'",
            quote(c.plan.target()));
  for (auto [segment, name] : segments) verifySegment(c, segment, name);
  for (auto [a, nameA] : segments)
    for (auto [b, nameB] : segments)
      c.require(!a || !b || !a->bytes() || !b->bytes() || nameA == nameB ||
                    a->offset() + a->bytes() <= b->offset() || b->offset() + b->bytes() <= a->offset(),
                "SEGMENT2", "segments '{}' and '{}' overlap", nameA, nameB);
}

/// Product of the shape times the element size; false on overflow.
static bool shapeBytes(const plan::Buffer &b, uint64_t &bytes) {
  bytes = elementBytes(b.dtype());
  if (b.shape())
    for (uint64_t extent : *b.shape())
      if (__builtin_mul_overflow(bytes, extent, &bytes)) return false;
  return true;
}

void verifyBuffer(const Context &c, const plan::Buffer &b, const std::string &name, uint64_t arenaBytes) {
  c.require(elementBytes(b.dtype()) != 0, "BUFFER1", "{} has unknown element type {}", name, int(b.dtype()));
  c.require(int(b.arena()) < kArenas, "BUFFER1", "{} lies in unknown memory {}", name, int(b.arena()));
  c.require(sizeOf(b.shape()) <= kMaxRank, "BUFFER1", "{} has {} dimensions; at most {} are supported", name,
            sizeOf(b.shape()), kMaxRank);
  c.requireAligned(b.shape(), "a buffer's shape");
  uint64_t needed = 0;
  c.require(shapeBytes(b, needed) && needed <= b.bytes(), "BUFFER2", "{} has {} bytes, too few for its shape",
            name, b.bytes());
  c.require(b.offset() % abi::kBufferAlignment == 0 && inside(b.offset(), b.bytes(), arenaBytes), "BUFFER3",
            "{} (offset {}, {} bytes) is not a 64-aligned range of its {} bytes of {} memory", name,
            b.offset(), b.bytes(), arenaBytes, plan::EnumNameArena(b.arena()));
}

void verifyBuffers(const Context &c) {
  auto *buffers = c.plan.buffers();
  std::vector<const flatbuffers::String *> names;
  std::array<std::vector<LiveRange>, kArenas> ranges;
  for (uint32_t i = 0; i < sizeOf(buffers); ++i) {
    auto &b = *buffers->Get(i);
    auto name = "buffer " + quote(b.name());
    c.require(int(b.arena()) < kArenas, "BUFFER1", "{} lies in unknown memory {}", name, int(b.arena()));
    c.require(b.arena() != plan::Arena::Activations, "BUFFER4", "persistent {} lies in activation memory",
              name);
    verifyBuffer(c, b, name, c.plan.arena_bytes()->Get(uint32_t(b.arena())));
    names.push_back(b.name());
    ranges[size_t(b.arena())].push_back({b.offset(), b.offset() + b.bytes(), 0, 0, i});
  }
  requireUniqueNames(c, "buffer", std::move(names));
  for (auto &arena : ranges) {
    uint32_t i = 0, k = 0;
    if (findOverlap(std::move(arena), i, k))
      c.reject("BUFFER5", fmt::format("buffers {} and {} overlap", quote(buffers->Get(i)->name()),
                                      quote(buffers->Get(k)->name())));
  }
  uint64_t constants = c.plan.constants() ? c.plan.constants()->bytes() : 0;
  uint64_t arena = c.plan.arena_bytes()->Get(uint32_t(plan::Arena::Constants));
  c.require(arena <= constants, "BUFFER3", "constants of {} bytes are planned; segment 'constants' has {}",
            arena, constants);
}

} // namespace drawloom::verify
