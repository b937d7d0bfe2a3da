// From a RowProgram to the code of a GPU's threads: TeamShape.h says which thread does what.
//
// Control flow is the same for all threads of a block. A team that has no row left works on the last row
// again, a thread without a vector in a slot on the row's last vector, and neither writes anything: so
// shuffles always find all lanes, and loads need no branches.
#pragma once
#include "passes/rows/RowProgram.h"
#include "passes/rows/TeamShape.h"

namespace drawloom::rows {

class TeamEmitter {
public:
  TeamEmitter(RowProgram &program, RowSpace space, TeamShape shape)
      : program(program), space(space), shape(shape) {}

  /// Emits, at `b`, what a block does for its work items [begin, end): one row a team if no sums over rows
  /// are asked for; else items of RowSpace::perItem rows, one a block (one a team if the shape is not
  /// unrolled).
  void emit(mlir::OpBuilder &b, mlir::Location loc, mlir::Value begin, mlir::Value end);
  /// Emits chunk `chunk` of a flat program on memory of `elements` elements (a multiple of the lanes).
  void emitChunk(mlir::OpBuilder &b, mlir::Location loc, mlir::Value chunk, mlir::Value elements);

  /// Work items of a block.
  int64_t itemsPerBlock() const;
  /// Dynamic shared memory that the block needs.
  int64_t sharedBytes() const;
  /// After `emit`: as RowEmitter::readsAsPlanned.
  bool readsAsPlanned() const { return !recomputed; }

private:
  /// A vector of a row: where it begins, and whether this thread owns it (null: it does).
  struct Slot {
    mlir::Value column, valid;
    int64_t key; ///< tells vectors apart whose values are at hand
  };
  /// What one pass over the columns computes.
  struct Pass {
    int level;
    int64_t width;
    llvm::SmallVector<Node *> reductions;
    llvm::SmallVector<const Sink *> sinks;
  };
  using Totals = llvm::SmallVector<mlir::Value>;
  /// A vector of a load, by its slot; or slot -1 of a scalar's load.
  using Part = std::pair<Node *, int64_t>;
  static constexpr int64_t kScalar = -1;

  bool sumsOverRows() const;
  bool sumsInRegisters() const { return sumsOverRows() && shape.unrolled; }
  bool isAlwaysActive() const { return space.rows % shape.teams() == 0; }
  std::vector<Pass> passesOf(int level) const;

  void findThread(mlir::OpBuilder &b);
  void emitRowPerTeam(mlir::OpBuilder &b, mlir::Value begin, mlir::Value end);
  void emitItemPerTeam(mlir::OpBuilder &b, mlir::Value begin, mlir::Value end);
  void emitItemPerBlock(mlir::OpBuilder &b, mlir::Value begin, mlir::Value end);
  void combineSums(mlir::OpBuilder &b, mlir::ValueRange sums);

  llvm::SmallVector<Part> partsAhead() const;
  llvm::SmallVector<mlir::Value> loadParts(mlir::OpBuilder &b, llvm::ArrayRef<Part> parts);
  Totals zeroSums(mlir::OpBuilder &b);

  void emitRow(mlir::OpBuilder &b);
  void emitScalars(mlir::OpBuilder &b, int level);
  void storeScalars(mlir::OpBuilder &b);
  mlir::Value neutral(mlir::OpBuilder &b, Reduction reduction);
  void emitPass(mlir::OpBuilder &b, const Pass &pass);
  Totals emitSlots(mlir::OpBuilder &b, const Pass &pass, llvm::ArrayRef<Slot> slots, mlir::ValueRange totals);
  Slot staticSlot(mlir::OpBuilder &b, int64_t slot, int64_t width);
  Slot slotAt(mlir::OpBuilder &b, mlir::Value firstColumn, int64_t width, int64_t key, bool isWhole);

  mlir::Value evaluate(mlir::OpBuilder &b, Node *node, const Slot &slot, int level);
  llvm::SmallVector<mlir::Value> address(mlir::OpBuilder &b, const Access &access, const Slot &slot);
  mlir::Value load(mlir::OpBuilder &b, const Access &access, const Slot &slot);
  mlir::Value loadNarrow(mlir::OpBuilder &b, const Access &access, const Slot &slot);
  void store(mlir::OpBuilder &b, const Access &access, const Slot &slot, mlir::Value value);
  void addToSum(mlir::OpBuilder &b, const Sink &sink, const Slot &slot, mlir::Value value);
  mlir::Value reduceTeam(mlir::OpBuilder &b, mlir::Value vector, Reduction reduction);
  mlir::Value both(mlir::OpBuilder &b, mlir::Value x, mlir::Value y);
  Math math(mlir::OpBuilder &b) const { return {b, *where, Machine::Gpu}; }

  RowProgram &program;
  RowSpace space;
  TeamShape shape;
  bool recomputed = false;

  // The place in the code.
  std::optional<mlir::Location> where;
  mlir::Value lane, teamNumber;              // of this thread
  mlir::Value row, item, active, isFirstRow; // active: null if it is always
  mlir::Value flatBase, flatEnd;             // a flat program's chunk; its elements
  llvm::DenseMap<Part, mlir::Value> ahead;   // of this row, as it lies in memory
  llvm::DenseMap<Node *, mlir::Value> scalars;
  llvm::DenseMap<std::pair<Node *, int64_t>, mlir::Value> done;
  llvm::DenseMap<std::pair<const Sink *, int64_t>, mlir::Value> sums; // of slots, in registers
};

} // namespace drawloom::rows
