// Lowering one fusion: what its kernel takes and gives, how its rows are shared out, and the launch.
#pragma once
#include "passes/rows/FusionKernel.h"
#include "passes/rows/TeamShape.h"

namespace drawloom::rows {

/// How a result of the fusion is made.
struct ResultPlan {
  unsigned number; // of the fusion's result
  enum { Stored, Tied, ColumnSum } how = Stored;
  unsigned tiedArgument = 0; // Tied: block argument
  mlir::Value init;          // ColumnSum: what the sum is added to and written over, or null
};

/// A fusion that begins with a product is lowered by a class of its own (passes/products), which decides how
/// rows are shared out and what computes them.
class FusionLowering {
public:
  FusionLowering(FusionOp fusion, LoweringContext &context);
  virtual ~FusionLowering() = default;

  /// Decides everything; the fusion stays (but what it yields unchanged is forwarded).
  mlir::LogicalResult prepare();
  /// After `prepare`: makes the kernel and puts the launch in the fusion's place.
  mlir::LogicalResult finish();

  /// After `prepare`, what FusionBatch needs.
  bool isFlat() const { return space.isFlat(); }
  FusionOp getFusion() const { return fusion; }
  const RowSpace &getSpace() const { return space; }
  const TeamShape &getTeamShape() const { return shape; }
  llvm::ArrayRef<ResultPlan> getResults() const { return results; }
  llvm::ArrayRef<unsigned> getArguments() const { return arguments; }
  /// True if the kernel goes through this argument by rows (or chunks).
  bool isRowArgument(unsigned argument) const;
  /// The fusion's ops without shapes; null if it draws random numbers.
  std::optional<std::string> describeWithoutShapes();
  std::string kernelName();
  /// Adds the fusion's ops to a program: arguments lie in `memrefs`, results go to `outputs` (null for tied
  /// ones), dropout's sites are `sites`.
  mlir::LogicalResult addTo(RowProgram &program, RowOps &ops, mlir::ValueRange sites,
                            mlir::ValueRange outputs);

protected:
  virtual void chooseTeams();
  /// Everything about the fusion that shapes its kernel: two with equal descriptions and types share one.
  virtual std::string describe();
  virtual mlir::LogicalResult build(KernelBuilder &kernel);

  /// The kernel's memrefs: arguments, then results. And dropout's sites (i32).
  mlir::ValueRange memrefsOf(KernelBuilder &kernel) const;
  llvm::SmallVector<mlir::Value> siteValues(KernelBuilder &kernel);
  void planReuse(KernelBuilder &kernel, const RowProgram &program, RowOps &ops);

  mlir::Value yielded(const ResultPlan &result) { return yield.getOperand(result.number); }
  mlir::RankedTensorType partialType(const ResultPlan &result);

  FusionOp fusion;
  LoweringContext &context;
  mlir::Block *body;
  YieldOp yield;
  RowSpace space;
  TeamShape shape; // on a GPU
  llvm::SmallVector<ResultPlan> results;
  llvm::SmallVector<unsigned> arguments; // block arguments that the kernel takes
  llvm::SmallVector<int64_t> sites;

private:
  void forwardArguments();
  mlir::LogicalResult checkTypes();
  mlir::LogicalResult chooseSpace();
  void planResults();
  void collectArguments();
  mlir::LogicalResult checkDense();
  int64_t lanesOnGpu();
  llvm::SmallVector<mlir::MemRefType> signature();
  mlir::LogicalResult replaceByLaunch(mlir::SymbolRefAttr kernel);
  mlir::LogicalResult finishSums(LaunchOp launch);

  llvm::SmallVector<int64_t> reuse;
};

} // namespace drawloom::rows
