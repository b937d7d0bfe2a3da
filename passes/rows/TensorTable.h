// One kernel for many tensors: a work item is a chunk of one of them, found by a search through constants.
#pragma once
#include "passes/rows/GpuBlock.h"

namespace drawloom::rows {

/// Tensors of different sizes that a kernel treats alike. Entry k has the memrefs of the k-th tensor and of
/// those that belong to it (a parameter's gradient and moments).
struct TensorTable {
  int64_t chunk; ///< elements of a work item
  struct Entry {
    llvm::SmallVector<mlir::Value> memrefs; ///< flat
    int64_t elements;
  };
  std::vector<Entry> entries;

  int64_t items() const;

  struct Chunk {
    llvm::SmallVector<mlir::Value> memrefs; ///< flat, of dynamic size
    mlir::Value elements;                   ///< of the tensor
    mlir::Value number;                     ///< of the chunk within the tensor
  };
  /// Emits the search for a work item.
  Chunk find(mlir::OpBuilder &b, mlir::Location loc, mlir::Value item) const;
};

/// Bytes of parameters that every driver takes, less some for what all entries share.
inline constexpr int64_t kMaxParameterBytes = 4000;

} // namespace drawloom::rows
