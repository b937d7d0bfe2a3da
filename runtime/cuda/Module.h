// An artifact's kernels on a card.
#pragma once
#include "runtime/artifact/Artifact.h"
#include "runtime/cuda/Card.h"

namespace drawloom::cuda {

class Module {
public:
  /// Loads the artifact's cubin if it has one that fits the card, else its PTX, which the driver compiles
  /// (and keeps: the second load is fast). Throws Error(kBadInput) with the driver's log.
  Module(const Artifact &artifact, const Card &card);
  ~Module();
  Module(const Module &) = delete;
  Module &operator=(const Module &) = delete;

  /// A kernel by name, allowed the shared memory that it asks for. Throws Error(kBadInput).
  FunctionHandle kernel(const plan::Kernel &kernel) const;
  /// "cubin" or "PTX".
  const char *kind() const { return fromPtx ? "PTX" : "cubin"; }

private:
  bool loadCubin();
  void loadPtx();

  const Artifact &artifact;
  const Card &card;
  ModuleHandle handle = nullptr;
  bool fromPtx = false;
};

} // namespace drawloom::cuda
