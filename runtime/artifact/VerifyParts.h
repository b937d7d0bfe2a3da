// Inside the verifier: what its parts share.
#pragma once
#include "runtime/artifact/Verify.h"
#include "runtime/support/Error.h"
#include <algorithm>
#include <string_view>

namespace drawloom::verify {

inline constexpr uint64_t kMaxArenaBytes = uint64_t(1) << 47; // the user half of the x86-64 address space
inline constexpr uint64_t kMaxGrid = uint64_t(1) << 40;
inline constexpr uint64_t kMaxGemmExtent = (uint64_t(1) << 31) - 1; // BLAS counts in 32 bits
inline constexpr uint32_t kMaxKernelArguments = 65535;
inline constexpr uint32_t kMaxRank = 8;
inline constexpr int kArenas = int(plan::Arena::MAX) + 1;

/// A plan under verification.
struct Context {
  const plan::Plan &plan;
  const ArtifactFile &file;

  /// Throws "FILE: invalid artifact: MESSAGE [RULE]".
  template <class... Args>
  void require(bool ok, std::string_view rule, fmt::format_string<Args...> format, Args &&...args) const {
    if (!ok) reject(rule, fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void reject(std::string_view rule, const std::string &message) const;

  /// PLAN1 for one vector (null is fine).
  template <class T> void requireAligned(const flatbuffers::Vector<T> *v, std::string_view owner) const {
    require(!v || reinterpret_cast<uintptr_t>(v->Data()) % 8 == 0, "PLAN1", "{} is not 8-aligned", owner);
  }
};

/// Whether the artifact is for a GPU: "sm_90a", "sm_80", not "x86_64".
bool isForGpu(const plan::Plan &plan);

/// A string from the file as it may be printed: quoted, at most 80 characters, nothing that controls a
/// terminal.
std::string quote(const flatbuffers::String *s);

/// Whether [offset, offset + bytes) lies in [0, limit), without overflow.
inline bool inside(uint64_t offset, uint64_t bytes, uint64_t limit) {
  return offset <= limit && bytes <= limit - offset;
}

template <class T> uint32_t sizeOf(const flatbuffers::Vector<T> *v) { return v ? v->size() : 0; }

/// Throws unless every name is present, not empty and used once (PLAN5).
void requireUniqueNames(const Context &c, std::string_view kind,
                        std::vector<const flatbuffers::String *> names);

// The parts, in the order in which they run; each relies on those before it.
void verifySegments(const Context &c);
void verifyBuffers(const Context &c); // persistent ones
void verifyKernels(const Context &c);
void verifyTensorMap(const Context &c, const plan::Kernel &k, const plan::TensorMap &m);
void verifyFunctions(const Context &c); // locals and commands
void verifyParameters(const Context &c);

// Shared by the parts on buffers and functions.
void verifyBuffer(const Context &c, const plan::Buffer &b, const std::string &name, uint64_t arenaBytes);

/// A range of bytes that is in use during [first, last].
struct LiveRange {
  uint64_t begin, end;  // bytes
  uint32_t first, last; // commands
  uint32_t index;       // of the buffer
};
/// Finds two ranges that overlap in bytes and in time; n log n. True, and the indices in `a` and `b`, if
/// there are.
bool findOverlap(std::vector<LiveRange> ranges, uint32_t &a, uint32_t &b);

} // namespace drawloom::verify
