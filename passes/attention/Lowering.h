// The lowering of each attention op, and what they share.
#pragma once
#include "passes/Choices.h"
#include "passes/attention/BlockTiles.h"
#include "passes/attention/TileKernel.h"

namespace drawloom::attention {

struct Options {
  int64_t queryTile = 0, keyTile = 0;            ///< 0: by the cost model
  int64_t minItems = 0;                          ///< 0: 4 on a CPU, by the cost model on a GPU
  std::string target = "cpu";                    ///< cpu, sm_90a or sm_80
  llvm::SmallVector<int64_t, 9> forwardCut = {}; ///< of the tensor cores' forward kernel, in the order of the
                                                 ///< pass's option; empty: by the cost model
  int64_t cacheBytes = 16 << 20;                 ///< of a launch that leaves its results in a CPU's caches
  bool relay = false;                            ///< owners of keys relay dQ, where their view lets them

  bool isGpu() const { return target != "cpu"; }
};

/// While a module is lowered. What is found out about a view is kept: layer after layer asks the same.
struct Context {
  Context(mlir::ModuleOp module, rows::KernelLibrary &kernels, Options options)
      : kernels(kernels), options(options), choices(module) {}

  rows::KernelLibrary &kernels;
  Options options;
  Choices choices;
  int64_t launches = 0;
  llvm::DenseSet<mlir::Operation *>
      merged; ///< ops that are gone: the lowering of one before them took them in

  ViewFacts factsOf(ViewAttr view, const Shape &shape);
  /// inPositions of dialect/pattern/FlattenSlices.h; null if it gives nothing.
  ViewAttr inPositions(ViewAttr view, int64_t n);
  /// Whether tiles of so many query rows, or of key slots that a row attends to, are boxes
  /// (dialect/pattern/BoxView.h).
  bool queriesAreBoxes(ViewAttr view, int64_t tile);
  bool keysAreBoxes(ViewAttr view, int64_t tile);
  /// windowWidth of gpu/WindowPlan.h.
  std::optional<int64_t> windowWidth(ViewAttr view);
  /// The options' tile extents, or those of the target's cost model.
  BlockTiles tiles(ViewAttr view, const Shape &shape, BlockKernel kernel);

private:
  using Question = std::tuple<mlir::Attribute, int64_t, int64_t>; ///< about a view
  llvm::DenseMap<Question, ViewFacts> facts;                      ///< n, heads
  llvm::DenseMap<Question, ViewAttr> flat;                        ///< n, 0
  llvm::DenseMap<Question, bool> boxes;                           ///< tile, 0 of queries or 1 of keys
  llvm::DenseMap<mlir::Attribute, std::optional<int64_t>> widths;
};

/// From q [B, n, H*D_qk] and v [B, n, H*D_v].
Shape shapeOf(Value q, Value v, int64_t heads, double scale);

/// What makes a launch, apart from its kernel's body.
struct LaunchSpec {
  llvm::StringRef name; ///< of the kernel; also ends the label
  std::string key;      ///< with the types: kernels of equal keys are equal
  llvm::SmallVector<Value> inputs;
  llvm::SmallVector<mlir::Type> results;
  llvm::SmallVector<int64_t> inplace;          ///< an input for each result, or -1
  llvm::SmallVector<mlir::MemRefType> memrefs; ///< of the inputs, then of the results that are not in place
  int64_t grid = 0, flops = 0, bytes = 0;
};

/// Makes the kernel if there is none, and a launch of it at the builder's place. `op` gives location and
/// label.
mlir::FailureOr<LaunchOp> launch(Context &context, mlir::OpBuilder &b, mlir::Operation *op,
                                 const LaunchSpec &spec, llvm::function_ref<void(const TileKernel &)> build);

/// Whether results of a launch that touches so many bytes go past the caches of a CPU: who reads them next
/// would not find them there. In a chain that is the next link, soon.
bool goPastCaches(const Context &context, int64_t bytes, mlir::ValueRange results);

/// A tensor of one value.
Value filled(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type, double value);

/// The text that stands for a shape and tile extents in a kernel's key.
std::string describe(const Shape &shape, TileSizes sizes);
std::string print(mlir::Attribute attribute);

int64_t bytesOf(mlir::ValueRange values, int64_t viewHeads, int64_t heads);

/// What `op` computes, for a tuning: the element type of `q`, shapes, the card, and the views by a digest.
std::string problemOf(llvm::StringRef op, Value q, const Shape &shape, llvm::ArrayRef<ViewAttr> views,
                      bool continues, const Context &context);

mlir::LogicalResult lower(AttendOp op, Context &context);
mlir::LogicalResult lower(AttendGradOp op, Context &context);
mlir::LogicalResult lower(AttentionDeltaOp op, Context &context);
mlir::LogicalResult lower(AttentionDecodeOp op, Context &context);

/// On a CPU, and where a GPU has kernels of warp groups, attention_delta waits for its attend_grads: their
/// kernels may make delta themselves. These are for those that do not: a launch of it, if there is none yet.
mlir::LogicalResult lowerDelta(AttentionDeltaOp op, Context &context);
mlir::LogicalResult lowerDeltaOf(AttendGradOp op, Context &context);
/// Also erases delta's op, if it still waits and nobody else does so with it.
void eraseWithDelta(AttendGradOp op);

} // namespace drawloom::attention
