// Reading a planned module: where each value lies.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

/// A buffer (persistent ones first, then the function's locals) and a byte offset into it.
struct Place {
  int64_t buffer, offset;
  bool operator==(const Place &) const = default;
};

/// The place that drawloom-plan-memory gave a result or an argument; nothing if there is none.
std::optional<Place> placeOf(mlir::Value value);

/// Ops that run, in order: commands are numbered by their place in this list.
std::vector<mlir::Operation *> commandsOf(mlir::func::FuncOp func);

/// One entry of `drawloom.buffers` or `drawloom.locals`. Persistent buffers have a name and an arena, locals
/// a lifetime.
struct BufferEntry {
  llvm::StringRef name, arena, dtype;
  llvm::ArrayRef<int64_t> shape;
  int64_t offset = 0, bytes = 0, first = 0, last = 0;
};
std::vector<BufferEntry> persistentBuffersOf(mlir::ModuleOp module);
std::vector<BufferEntry> localsOf(mlir::func::FuncOp func);

} // namespace drawloom
