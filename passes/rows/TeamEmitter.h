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

  /// Rows that come in tiles (TeamTiles.cpp): a warp has `rows` at a time, a run of rows for sums over them.
  /// Those from row `end` (index) on do not exist; `isWhole` says that there are none in any tile.
  struct Tiles {
    int64_t rows;
    mlir::Value end;
    bool isWhole;
  };
  /// Where warps that have taken neighbouring runs at the same time bring the runs' sums together
  /// (TeamSums.cpp).
  struct RunExchange {
    int64_t warps;
    mlir::Value warp, thread; ///< of this thread among them (index)
    mlir::Value memory;       ///< f32, shared
    /// Element where the warps' values of an entry begin (entryColumns() of them for each warp), and from one
    /// warp to the next.
    llvm::function_ref<int64_t(int64_t entry)> offset;
    int64_t warpStride;
    int64_t together;                                      ///< entries for which there is room
    llvm::function_ref<void(GpuBlock)> whenFree, whenFull; ///< wait until memory may be written, until it is
  };
  /// What a thread carries from tile to tile: sums over all runs so far, and what it has loaded ahead, of the
  /// tile that begins at row `first` (of the warp; index).
  llvm::SmallVector<mlir::Value> startTiles(mlir::OpBuilder &b, mlir::Location loc, const Tiles &tiles,
                                            mlir::Value first, int64_t warps);
  /// Emits what a warp does for its tile from row `first` on; its next tile begins at `next`. Gives what goes
  /// on. `exchange`: null if there are no sums over rows.
  llvm::SmallVector<mlir::Value> emitTile(mlir::OpBuilder &b, mlir::Value first, mlir::Value next,
                                          const RunExchange *exchange, mlir::ValueRange carried);
  /// Writes what the threads have carried of sums to row `number` of the partial sums, if that `exists`
  /// (null: it does). Threads as in a RunExchange.
  void finishTiles(mlir::OpBuilder &b, mlir::Value number, mlir::Value exists, int64_t warps,
                   mlir::Value thread, mlir::ValueRange carried);

  bool sumsOverRows() const;
  /// Sums of runs: an entry is a slot of a sum over rows, of so many columns.
  int64_t entries() const;
  int64_t entryColumns() const { return shape.columnsOfSlot(); }

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

  /// What is known of a row while it is emitted.
  struct RowState {
    mlir::Value row, active;                 ///< active: null if it always is
    llvm::DenseMap<Part, mlir::Value> ahead; ///< as it lies in memory
    llvm::DenseMap<Node *, mlir::Value> scalars;
    llvm::DenseMap<std::pair<Node *, int64_t>, mlir::Value> done;
  };
  void exchange(RowState &state);
  int64_t batchRows() const;
  void loadVectors(mlir::OpBuilder &b);
  mlir::Value teamInWarp(mlir::OpBuilder &b);
  RowState stateOf(mlir::OpBuilder &b, mlir::Value first, int64_t number, bool isWhole);
  llvm::SmallVector<Part> partsAhead() const;
  llvm::SmallVector<mlir::Value> loadBatch(mlir::OpBuilder &b, mlir::Value first);
  void emitTogether(mlir::OpBuilder &b, llvm::MutableArrayRef<RowState> rows);

  bool sumsInRegisters() const { return sumsOverRows() && shape.unrolled; }
  bool isAlwaysActive() const { return space.rows % shape.teams() == 0; }
  std::vector<Pass> passesOf(int level) const;

  void findThread(mlir::OpBuilder &b);
  void emitRowPerTeam(mlir::OpBuilder &b, mlir::Value begin, mlir::Value end);
  void emitItemPerTeam(mlir::OpBuilder &b, mlir::Value begin, mlir::Value end);
  void emitItemPerBlock(mlir::OpBuilder &b, mlir::Value begin, mlir::Value end);
  void takeSums(mlir::ValueRange values);
  Totals sumsNow();
  int64_t entriesTogether() const;
  int64_t totalsOfEntry(int64_t warps) const;
  mlir::Value addTeamsOfWarp(mlir::OpBuilder &b, mlir::Value vector);
  Totals addRuns(mlir::OpBuilder &b, const RunExchange &exchange, mlir::ValueRange runs,
                 mlir::ValueRange totals);

  llvm::SmallVector<Part> loadedParts() const;
  int64_t registersOf(llvm::ArrayRef<Part> parts) const;
  llvm::SmallVector<mlir::Value> loadParts(mlir::OpBuilder &b, llvm::ArrayRef<Part> parts);
  Totals zeroSums(mlir::OpBuilder &b);

  void emitRow(mlir::OpBuilder &b);
  int levels() const;
  void emitLevel(mlir::OpBuilder &b, int level);
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
  Tiles tiles{};                             // where rows come in tiles
  llvm::DenseMap<Part, mlir::Value> vectors; // that all rows share, where these are loaded once
  llvm::DenseMap<Node *, mlir::Value> scalars;
  llvm::DenseMap<std::pair<Node *, int64_t>, mlir::Value> done;
  llvm::DenseMap<std::pair<const Sink *, int64_t>, mlir::Value> sums; // of slots, in registers
};

} // namespace drawloom::rows
