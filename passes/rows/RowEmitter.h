// From a RowProgram to loops: which values a later loop reads back, and the scf loops of vector ops.
#pragma once
#include "passes/rows/RowProgram.h"
#include "passes/rows/RowSpace.h"

namespace drawloom::rows {

class RowEmitter {
public:
  RowEmitter(RowProgram &program, RowSpace space, int64_t lanes)
      : program(program), space(space), lanes(lanes) {}

  /// Emits, at `b`, the loops that perform work items [begin, end). Nothing but stack memory is written
  /// besides the sinks.
  void emit(mlir::OpBuilder &b, mlir::Location loc, mlir::Value begin, mlir::Value end);

  /// After `emit`: true if every loop read each input only at the levels that RowProgram::lastRead says
  /// (false when stack memory ran short and values were computed again instead).
  bool readsAsPlanned() const { return !recomputed; }

private:
  /// One loop over the columns.
  struct Loop {
    int level;
    int64_t width;
    llvm::SmallVector<Node *> reductions, stored; // `stored`: values kept on the stack for later loops
    llvm::SmallVector<Sink> sinks;
    bool wide = false; // four vectors at a time
  };

  void planLoops();
  Loop &loopOf(Node *columns);
  void demand(Node *node, Loop &loop, llvm::DenseSet<Node *> &visited);
  bool giveStorage(Node *node);

  void emitItem(mlir::OpBuilder &b, mlir::Value item);
  void clearAccumulators(mlir::OpBuilder &b, mlir::Value item);
  void emitRow(mlir::OpBuilder &b, mlir::Value row, mlir::Value item);
  void emitScalars(mlir::OpBuilder &b, int level);
  void emitLoop(mlir::OpBuilder &b, Loop &loop);
  llvm::SmallVector<mlir::Value> emitTile(mlir::OpBuilder &b, Loop &loop, mlir::Value column, int64_t columns,
                                          mlir::ValueRange accumulators);
  Tile evaluate(Node *node, Loop &loop, const TileContext &at, mlir::Value mask,
                llvm::DenseMap<Node *, Tile> &done);
  Tile loadTile(const Access &access, const TileContext &at, mlir::Value mask);
  void storeTile(const Access &access, const TileContext &at, mlir::Value mask, const Tile &tile,
                 bool accumulate);
  llvm::SmallVector<mlir::Value> address(const Access &access, mlir::OpBuilder &b, mlir::Value column);
  mlir::Value reduceLanes(mlir::OpBuilder &b, mlir::Value vector, Reduction reduction);

  RowProgram &program;
  RowSpace space;
  int64_t lanes;
  std::vector<Loop> loops; // ascending level
  llvm::SmallVector<Node *> buffered;
  int64_t stackBytes = 0;
  bool recomputed = false;

  // While a row is emitted.
  std::optional<mlir::Location> where;
  mlir::Value row, item, flatBase;
  llvm::DenseMap<Node *, mlir::Value> scalars;
};

} // namespace drawloom::rows
