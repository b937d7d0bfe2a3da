// Small artifacts built by hand: what the compiler writes, without the compiler.
#pragma once
#include "runtime/artifact/Artifact.h"
#include "runtime/schema/plan_generated.h"
#include <cstddef>
#include <string>
#include <vector>

namespace drawloom::test {

/// The parts of an artifact before they are laid out in a file.
struct Parts {
  plan::PlanT plan;
  std::vector<std::byte> code, constants, sass;
};

// Persistent buffers of valid(), by index.
enum : uint32_t {
  kW,
  kWGradient,
  kWMoment1,
  kWMoment2,
  kWEma,
  kB,
  kBGradient,
  kBMoment1,
  kBMoment2,
  kBEma,
  kX,
  kY,
  kCounts,
  kTable,
  kPersistent
};

/// A valid plan that uses everything: two parameters ("w" [4, 8], "b" [4]) with gradients, moments and moving
/// averages, inputs "x" f32 [5, 8], results "y" f32 [5, 4], "counts" i64 [1000], constants "table" i64 [4],
/// and two functions:
///   "forward": h = x w^T (local 0), g = h with x again (local 1, then local 2 in the bytes of local 0), y =
///   2 h "count":   counts[i] += 3 for every i, by the kernel "add" (hand-assembled x86-64)
Parts valid();

/// valid() for a GPU, with code that only looks like PTX: kernel "add" sees place 0 through a tensor map of
/// 25 rows of 40.
Parts validGpu();

/// Lays the parts out as a .loom file: offsets, sizes and hashes are set here.
std::vector<std::byte> assemble(Parts &parts);

/// A plan as a FlatBuffer.
std::vector<std::byte> pack(const plan::PlanT &plan);

/// The same around a finished plan buffer whose segments are those of `parts` already.
std::vector<std::byte> assemble(const std::vector<std::byte> &plan, const Parts &parts);

/// Writes the plan's hash again, after its bytes have been changed.
void rehashPlan(std::vector<std::byte> &artifact);

/// The message that loading the artifact throws; empty when it loads.
std::string loadError(std::vector<std::byte> artifact, int *exitCode = nullptr);

/// A new empty folder that is removed with its content at the end.
class TemporaryFolder {
public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::string operator/(const std::string &name) const { return path + "/" + name; }
  std::string path;
};

} // namespace drawloom::test
