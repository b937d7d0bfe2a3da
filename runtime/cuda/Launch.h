// One launch of a kernel, made ready: parameters laid out, tensor maps encoded.
#pragma once
#include "runtime/cuda/Memory.h"
#include "runtime/cuda/Module.h"
#include <vector>

namespace drawloom::cuda {

class Launch {
public:
  /// `launch` of the verified `plan` calls `kernel`, which was found as `handle`. Throws Error(kBadInput)
  /// when a tensor map cannot be encoded or the grid has more blocks than a card takes.
  Launch(const Card &card, const plan::Plan &plan, const plan::Function &function, const plan::Launch &launch,
         FunctionHandle handle, const CudaMemory &memory);
  Launch(Launch &&) = default;

  void run(const Card &card) const;

private:
  FunctionHandle handle;
  unsigned blocks = 0, threads = 0, sharedBytes = 0;
  std::vector<uint64_t> words;       // places, scalars, the grid
  std::vector<TensorMapObject> maps; // by value behind them
  std::vector<void *> parameters;    // addresses in both
};

} // namespace drawloom::cuda
