// An artifact's kernels on a card.
#pragma once
#include "runtime/artifact/Artifact.h"
#include "runtime/cuda/Card.h"

namespace drawloom::cuda {

class Module {
public:
  /// Loads the artifact's cubins where it has some that fit the card. Where it has none the driver compiles
  /// PTX, modules side by side on all cores (and keeps what it made: the second load is fast). Throws
  /// Error(kBadInput) with the driver's log.
  Module(const Artifact &artifact, const Card &card);
  ~Module();
  Module(const Module &) = delete;
  Module &operator=(const Module &) = delete;

  /// A kernel by name, allowed the shared memory that it asks for. Throws Error(kBadInput).
  FunctionHandle kernel(const plan::Kernel &kernel) const;

private:
  struct Loaded {
    ModuleHandle module = nullptr;
    LibraryHandle library = nullptr; ///< whose module it is, if the driver has compiled it
  };
  void load();
  void unload();
  bool loadCubin(Loaded &into, const CodeModule &module) const;
  void compile(std::span<const CodeModule> modules, std::vector<size_t> which);

  const Artifact &artifact;
  const Card &card;
  std::vector<Loaded> loaded; ///< by the kernels' code_module
};

} // namespace drawloom::cuda
