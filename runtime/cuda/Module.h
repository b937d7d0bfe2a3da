// An artifact's kernels on a card.
#pragma once
#include "runtime/artifact/Artifact.h"
#include "runtime/cuda/Card.h"

namespace drawloom::cuda {

class Module {
public:
  /// Loads the artifact's cubins where it has some that fit the card, else its PTX, which the driver compiles
  /// (and keeps: the second load is fast). Throws Error(kBadInput) with the driver's log.
  Module(const Artifact &artifact, const Card &card);
  ~Module();
  Module(const Module &) = delete;
  Module &operator=(const Module &) = delete;

  /// A kernel by name, allowed the shared memory that it asks for. Throws Error(kBadInput).
  FunctionHandle kernel(const plan::Kernel &kernel) const;

private:
  void load(const CodeModule &module);
  void unload();
  bool loadCubin(ModuleHandle &handle, const CodeModule &module) const;
  void loadPtx(ModuleHandle &handle, std::span<const std::byte> ptx) const;

  const Artifact &artifact;
  const Card &card;
  std::vector<ModuleHandle> handles; ///< by the kernels' code_module
};

} // namespace drawloom::cuda
