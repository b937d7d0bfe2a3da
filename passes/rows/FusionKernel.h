// Row lowering's entry points: each replaces one op by launches.
#pragma once
#include "passes/rows/KernelLibrary.h"
#include "passes/rows/RowOps.h"

namespace drawloom::rows {

/// What the lowerings share while a module is lowered.
struct LoweringContext {
  LoweringContext(mlir::ModuleOp module, Machine machine, int64_t lanes)
      : kernels(module), machine(machine), lanes(lanes) {}
  bool isGpu() const { return machine == Machine::Gpu; }

  KernelLibrary kernels;
  Machine machine;
  int64_t lanes; ///< f32 lanes of a CPU's vectors
  /// For a fusion's kernel: an operand (or -1) whose memory each result may take over (memory/Layout.h
  /// kReuseAttr).
  llvm::DenseMap<mlir::Attribute, llvm::SmallVector<int64_t>> reuse;
  /// What a sum over rows (a result of a fusion or of embed_grad) is added to.
  llvm::DenseMap<mlir::Value, mlir::Value> sumInits;
  int64_t launches = 0;
};

/// What makes a launch, apart from its kernel.
struct LaunchSpec {
  mlir::Location loc;
  mlir::TypeRange results;
  mlir::ValueRange operands;
  mlir::SymbolRefAttr kernel;
  int64_t grid;
  llvm::ArrayRef<int64_t> scalars = {};
  llvm::ArrayRef<int64_t> inplace = {}; ///< empty: no result is tied
  llvm::StringRef label;
  int64_t flops = 0;
};

/// Creates the launch; `bytes` is what its operands and results hold.
LaunchOp createLaunch(LoweringContext &context, mlir::OpBuilder &b, const LaunchSpec &spec);

/// The `drawloom.label` of an op, or of the first op in its region that has one, or else the name of the
/// (first) op.
llvm::StringRef labelOf(mlir::Operation *op);

/// Puts a lone row op into a fusion.
FusionOp wrapInFusion(mlir::Operation *op);

mlir::LogicalResult lowerFusion(FusionOp fusion, LoweringContext &context);
mlir::LogicalResult lowerEmbedGrad(EmbedGradOp op, LoweringContext &context);
mlir::LogicalResult lowerGlobalNorm(GlobalNormOp op, LoweringContext &context);

/// A [items, width] tensor of partial sums, what their sum is added to and written over (or null), and the
/// sum's type.
struct PartialSum {
  mlir::Value partials, init;
  mlir::RankedTensorType result;

  int64_t items() const { return llvm::cast<mlir::RankedTensorType>(partials.getType()).getDimSize(0); }
};

/// Adds up the items of each, in a fixed order and in double precision. All have as many items.
mlir::FailureOr<llvm::SmallVector<mlir::Value>> sumPartials(LoweringContext &context, mlir::OpBuilder &b,
                                                            mlir::Location loc,
                                                            llvm::ArrayRef<PartialSum> sums,
                                                            llvm::StringRef label);

} // namespace drawloom::rows
