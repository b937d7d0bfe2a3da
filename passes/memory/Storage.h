// Which values of a function share memory, before any memory is assigned: views, results written over
// operands, parts written into what they are joined to.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

/// Bytes of one element, of a dense tensor.
int64_t elementBytes(mlir::RankedTensorType type);
int64_t tensorBytes(mlir::RankedTensorType type);

/// Memory that some values share. The largest of them, `root`, is all of it.
struct Storage {
  mlir::Value root;
  llvm::SmallVector<mlir::Value> values; ///< in the order in which they come to be
  mlir::BlockArgument argument;          ///< the function argument that starts in it, if any
};

/// Where a value lies: a storage and the byte offset of its first element. Rows follow one another at
/// `rowStride`.
struct Spot {
  unsigned storage;
  int64_t offset;
};

/// The storages of a function of launches, matmuls, splits and concats.
class StorageMap {
public:
  explicit StorageMap(mlir::func::FuncOp func);

  Spot spot(mlir::Value value) const { return spots.lookup(value); }
  const Storage &storageOf(mlir::Value value) const { return storages[spot(value).storage]; }
  llvm::ArrayRef<Storage> all() const { return storages; }

  /// True if some byte belongs to both values.
  bool overlap(mlir::Value a, mlir::Value b) const;

  /// True if the value is all of its storage.
  bool isWhole(mlir::Value value) const;

  /// Where an op stands among the ops of the function; -1 for what arguments are defined by.
  int position(mlir::Operation *op) const { return op ? positions.lookup(op) : -1; }
  int definition(mlir::Value value) const { return position(value.getDefiningOp()); }
  /// Position of the last op that uses the value (its definition if there is none).
  int lastUse(mlir::Value value) const;

private:
  Spot place(mlir::Value value);

  std::vector<Storage> storages;
  llvm::DenseMap<mlir::Value, Spot> spots;
  llvm::DenseMap<mlir::Operation *, int> positions;
};

} // namespace drawloom
