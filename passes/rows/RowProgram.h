// What a row kernel computes for each row, before it is cut into loops.
//
// A node is a value of one row: either one element a column or one scalar. A sum or maximum over the columns
// needs a whole loop over them before anything that uses it, so nodes have levels: level l is computed in
// (columns) or just before (scalars) the l-th loop. Nodes are pure, so a loop that needs a value of an
// earlier one may compute it again; RowEmitter reads it back instead where it can.
#pragma once
#include "passes/rows/RowMath.h"
#include <functional>
#include <memory>

namespace drawloom::rows {

/// Consecutive columns of one row: vectors of `lanes` elements, the last of which may be masked.
using Tile = llvm::SmallVector<mlir::Value, 4>;

/// Where the tile that is being emitted stands.
struct TileContext {
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Value row;    ///< index of the row (of the chunk in flat programs)
  mlir::Value column; ///< index of the tile's first column
  int64_t vectors, lanes;
  Machine machine = Machine::Cpu;

  Math math() const { return {b, loc, machine}; }
  mlir::VectorType vectorOf(mlir::Type element) const { return mlir::VectorType::get({lanes}, element); }
};

struct Node;

/// Memory that holds a value for each row.
struct Access {
  enum class Kind {
    OwnRow,  ///< memref [rows, width]: the row that is computed
    Shared,  ///< memref [width]: the same for every row
    Flat,    ///< memref [elements], cut into chunks (RowSpace): the chunk that is computed
    Indexed, ///< memref [any, width]: the row that `rowIndex` says
    OwnItem, ///< memref [items, width]: the row of the work item
    Scalar,  ///< memref [rows]: one element a row
  };
  mlir::Value memref;
  Kind kind = Kind::OwnRow;
  Node *rowIndex = nullptr;
};

enum class Reduction { Sum, Max };

using TileFn = std::function<Tile(const TileContext &, llvm::ArrayRef<Tile>)>;
using VectorFn = std::function<mlir::Value(Math, llvm::ArrayRef<mlir::Value>)>;
using ScalarFn = std::function<mlir::Value(Math, mlir::Value row, llvm::ArrayRef<mlir::Value>)>;

struct Node {
  enum class Kind { Load, Map, Reduce, ScalarLoad, ScalarMap };
  Kind kind;
  int64_t width = 0; ///< columns; 0 for a scalar a row
  int level = 0;
  llvm::SmallVector<Node *, 4> args;
  Access access;                        // Load, ScalarLoad
  TileFn tile;                          // Map
  ScalarFn scalar;                      // ScalarMap
  Reduction reduction = Reduction::Sum; // Reduce
  bool wide = false;                    // Map: cheaper for four vectors at a time
  std::optional<Access> storage;        // where later loops find a Map's value

  bool isScalar() const { return width == 0; }
};

/// A value that must be written: to its own row, or added to the work item's row.
struct Sink {
  Node *node;
  Access access;
  bool accumulate = false;
};

/// The nodes of a kernel and what must be written.
class RowProgram {
public:
  Node *load(Access access, int64_t width);
  Node *loadScalar(mlir::Value memref);
  /// Elementwise over the columns; scalar arguments arrive as tiles of equal elements.
  Node *mapTile(llvm::ArrayRef<Node *> args, int64_t width, TileFn fn, bool wide = false);
  /// The same, vector by vector.
  Node *map(llvm::ArrayRef<Node *> args, int64_t width, VectorFn fn);
  Node *mapScalar(llvm::ArrayRef<Node *> args, ScalarFn fn);
  /// Over the columns of a row; equal requests give one node. Lanes first, in order of the columns, then a
  /// tree over the lanes.
  Node *reduce(Node *columns, Reduction reduction);

  void store(Node *node, Access access) { sinks.push_back({node, access, false}); }
  void accumulate(Node *node, Access access) { sinks.push_back({node, access, true}); }

  /// The last level at which memory of which `isIt` is true is read; -1 if none, INT_MAX if it is read
  /// elsewhere than in its own row.
  int lastRead(llvm::function_ref<bool(mlir::Value)> isIt) const;

  llvm::ArrayRef<Sink> getSinks() const { return sinks; }
  llvm::ArrayRef<std::unique_ptr<Node>> getNodes() const { return nodes; }
  /// Nodes that some sink depends on, in order of creation (arguments first).
  llvm::SmallVector<Node *> liveNodes() const;

private:
  Node *make(Node::Kind kind, llvm::ArrayRef<Node *> args, int64_t width);
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<Sink> sinks;
};

} // namespace drawloom::rows
