// Where a plan's memory is: one allocation a kind, checked against what the machine has before anything is
// touched.
#pragma once
#include "runtime/artifact/Artifact.h"
#include "runtime/device/Memory.h"
#include <array>

namespace drawloom {

class ProgramMemory {
public:
  /// Allocates the arenas of a verified artifact, zeroed, and maps its constants. Throws Error(kOutOfMemory)
  /// with the memory plan when it does not fit.
  explicit ProgramMemory(const Artifact &artifact);

  /// The address of a place in a function (null: persistent buffers only).
  std::byte *address(const plan::Place &place, const plan::Function *function) const;
  std::byte *address(const plan::Buffer &buffer) const {
    return arenas[size_t(buffer.arena())].data() + buffer.offset();
  }
  /// Zeroes an arena.
  void clear(plan::Arena arena) { arenas[size_t(arena)].clear(); }

private:
  const plan::Plan &plan;
  std::array<Mapping, size_t(plan::Arena::MAX) + 1> arenas;
};

/// Bytes of all arenas together.
uint64_t totalArenaBytes(const plan::Plan &plan);
/// The same without State: what a program takes that does not decode. The caches of decoding take no memory
/// until they are used.
uint64_t bytesWithoutState(const plan::Plan &plan);

/// Product of a buffer's shape times its element size.
uint64_t contentBytes(const plan::Buffer &buffer);

/// The buffer that a place of a function lies in (null: persistent buffers only).
const plan::Buffer &bufferOf(const plan::Plan &plan, const plan::Place &place,
                             const plan::Function *function);

/// Throws Error(kOutOfMemory): why, and the memory plan.
[[noreturn]] void failTooLarge(const Artifact &artifact, const std::string &why,
                               const char *hint = "compile with memory.recompute = \"block\", or with a "
                                                  "smaller data.batch or model.n");

/// The memory plan for people: bytes by kind of memory and the `largest` buffers, one a line.
std::string describeMemory(const plan::Plan &plan, size_t largest = 10);

} // namespace drawloom
