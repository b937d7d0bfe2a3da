// Persistent buffers: what the functions of a module share, by name.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

inline constexpr int64_t kAlignment = 64; ///< of every buffer, in bytes (runtime/abi/Abi.h kBufferAlignment)
inline int64_t alignUp(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

/// "f32", "i64" and so on, as in plan.fbs DType, in lower case; empty for a type that a buffer cannot have.
llvm::StringRef dtypeName(mlir::Type element);

struct PersistentBuffer {
  std::string name;
  mlir::RankedTensorType type;
  llvm::StringRef role;  ///< one of Names.h
  llvm::StringRef arena; ///< one of plan.fbs Arena, in lower case
  int64_t offset, bytes;
};

/// All persistent buffers of a module, placed in their arenas.
struct PersistentBuffers {
  std::vector<PersistentBuffer> list; ///< parameters, gradients, moment1s, moment2s, emas, caches, io
  std::map<std::string, unsigned, std::less<>> byName;
  std::map<std::string, int64_t> arenaBytes;
};

/// Collects the buffers that arguments and results name; an argument without a role is io. Errors: an
/// argument or result without a name, two results of a function with one name, an unknown role, two types or
/// roles for one name, a gradient or moment that belongs to no parameter.
llvm::FailureOr<PersistentBuffers> collectBuffers(mlir::ModuleOp module);

} // namespace drawloom
