// A linker for kernels: objects to one block of position-independent bytes that runs wherever it is mapped.
#pragma once
#include "codegen/EmitObject.h"
#include <cstddef>
#include <cstdint>
#include <vector>

namespace drawloom {

/// Code of several kernels with their constants. Entries are offsets, one a kernel, multiples of 64.
struct FlatImage {
  std::vector<std::byte> bytes;
  std::vector<uint64_t> entries;
};

/// Lays out the sections of all objects (code first, then constants), and applies their relocations, all of
/// which are relative to the program counter within one object. Throws drawloom::Error (70) naming what it
/// cannot accept: undefined symbols (a kernel calls nothing outside the image), writable data, relocations
/// that need an address at load time.
FlatImage linkKernels(llvm::ArrayRef<KernelObject> objects);

} // namespace drawloom
