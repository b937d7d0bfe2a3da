// A card made of host memory: its driver and its cuBLASLt are tables of functions that do the work on the
// processor, in the order in which a real card would, and write down what they were asked for. Nothing
// happens while a graph is captured; launching the graph does it.
#pragma once
#include "runtime/cuda/BlasLt.h"
#include "runtime/cuda/Driver.h"
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace drawloom::test {

/// A launch as the driver saw it. `parameters` are addresses of values, as kernels get them.
struct FakeLaunch {
  std::string kernel;
  unsigned blocks = 0, threads = 0, sharedBytes = 0;
  std::vector<uint64_t> words;                   // places, scalars, grid
  std::vector<cuda::TensorMapObject> tensorMaps; // as encoded
};

/// A kernel of a module: how many 8-byte parameters and tensor maps it takes, and what it does.
struct FakeKernel {
  std::string name;
  size_t words = 0, tensorMaps = 0;
  std::function<void(const FakeLaunch &)> body;
  int dynamicSharedBytes = 0; // as set by cuFuncSetAttribute
};

/// A tensor map as the driver was asked for it; its number is the object's first word.
struct FakeTensorMap {
  cuda::TensorMapType type;
  uint64_t address;
  std::vector<uint64_t> dims, strides;
  std::vector<uint32_t> box;
  int swizzle;
};

class FakeCuda {
public:
  /// One at a time. Kernels that modules may name are those of `kernels`.
  explicit FakeCuda(std::vector<FakeKernel> kernels = {});
  ~FakeCuda();

  const cuda::Driver &driver() const { return table; }
  const cuda::BlasLt &blasLt() const { return blasTable; }

  // What the card is; set before use.
  std::string name = "Fake Card";
  int major = 9, minor = 0;
  uint64_t totalBytes = uint64_t(256) << 20;
  bool refusesCubins = false;     // as a driver that is older than the assembler
  std::string ptxError;           // not empty: what compiling PTX says
  std::string failingKernel;      // launching it fails
  int proposals = 3, fastest = 2; // of cuBLASLt's algorithms

  // What it was asked for.
  std::vector<FakeLaunch> launches; // as executed
  std::vector<FakeTensorMap> maps;
  std::vector<std::string> modules; // "cubin" or "PTX"
  std::map<std::string, int> calls; // of some functions, by name
  uint64_t usedBytes = 0;
  size_t allocations = 0, pinned = 0;                                    // alive
  std::vector<std::pair<uint64_t, uint64_t>> copiesToCard, copiesToHost; // (offset in its allocation, bytes)

  struct Impl;

private:
  cuda::Driver table;
  cuda::BlasLt blasTable;
};

} // namespace drawloom::test
