// The pass that turns attention into kernels of tile loops.
#ifndef DRAWLOOM_ATTENTION_PASSES_TD
#define DRAWLOOM_ATTENTION_PASSES_TD
include "mlir/Pass/PassBase.td"

def LowerAttention : Pass<"drawloom-lower-attention", "::mlir::ModuleOp"> {
  let summary = "attention pieces become launches of kernels of block-sparse tile loops";
  let description = [{
    Each `attend`, `attend_grad`, `attention_delta` and `attention_decode` becomes a `launch` (two for some gradients) of a function in
    the module `@kernels`. A kernel runs over work items, and in an item over tiles of keys and queries whose bounds come from the view's affine
    maps: the work is proportional to the pattern, and no table of tiles exists. Equal kernels are one.

    | op | a work item owns |
    |---|---|
    | attend | a query tile of (batch, head, slice), longest first |
    | attend_grad | all rows and keys of (batch, head, slice), or of (batch, head) where slices share keys: five products a tile |
    | attend_grad with few such items | first launch: a query tile's dq; second launch: a key tile's dk and dv: seven products a tile |
    | attention_delta | a tile of positions of (batch, head); no launch where a kernel of whole slices makes delta of dout and out |
    | attention_decode | (sequence, head) |

    Everything is written by one item, in an order that depends on shapes alone, so results have the same bits for any number of
    threads. An `attend` or `attend_grad` without `from` whose view leaves rows (or keys) out starts from `fill`.

    On a CPU, keys and values of a slice that is short enough are gathered in scratch once for all its query tiles; in `attend_grad` their
    gradients stay there too and are written once. Results that are written once go past the caches if the launch touches more than those hold and
    no other piece adds to them.

    Tile extents come from a small cost model (attention/TileSizes.h, for blocks of a GPU attention/BlockTiles.h) unless given. For kernels of
    tensor cores a module may have a tuning (attribute `drawloom.tuning`, a dictionary of cuts by what they compute), which picks among the cuts that fit the
    card; it then gets `drawloom.choices`, which says what there was to choose from (passes/Choices.h).
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect", "::mlir::func::FuncDialect", "::mlir::gpu::GPUDialect", "::mlir::vector::VectorDialect", "::mlir::math::MathDialect",
    "::mlir::LLVM::LLVMDialect", "::drawloom::dgpu::DrawloomGpuDialect"];
  let options = [
    Option<"queryTile", "query-tile", "int64_t", "0", "queries a tile (a power of two); 0: by the cost model">,
    Option<"keyTile", "key-tile", "int64_t", "0", "keys a tile (a multiple of 8); 0: by the cost model">,
    Option<"minItems", "min-items", "int64_t", "0", "fewest work items for which a gradient is one kernel with five products a tile; 0: 4 on a CPU, by the cost model on a GPU">,
    Option<"target", "target", "std::string", "\"cpu\"", "cpu, sm_90a or sm_80">,
    Option<"cacheBytes", "cache-bytes", "int64_t", "16777216", "bytes that a launch reads and writes beyond which its results go past the caches of a CPU">,
    ListOption<"forwardCut", "forward-cut", "int64_t", "for tuning and tests: the tensor cores' forward kernel as warp groups, keys a tile, query stages, key stages, "
      "queries in registers (0 or 1), blocks of a multiprocessor, registers of a consumer (0: not shared out anew), longest first (0 or 1), expects no greater scores (0 or 1)">,
    Option<"relay", "relay", "bool", "true", "sm_90a: the dQ of long slices goes from one owner of keys to the next, five products a tile in place of seven">
  ];
  let statistics = [Statistic<"numLaunches", "launches", "Number of launches made">];
}
#endif
