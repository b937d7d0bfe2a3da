// Passes on tile loops.
#ifndef DRAWLOOM_TILE_PASSES_TD
#define DRAWLOOM_TILE_PASSES_TD
include "mlir/Pass/PassBase.td"

def SplitEdgeTiles : Pass<"drawloom-split-edge-tiles"> {
  let summary = "split loops over tiles into edge tiles, whole tiles and edge tiles";
  let description = [{
    A loop whose body finds the extents of a score tile becomes three: the tiles before those that the `whole` range of `tile.extents` covers, the
    tiles inside it, and the rest. The bounds of a view are monotone, so the whole tiles of a row of tiles are one range. The middle loop has neither
    extents nor mask, and loads and stores of the rows it advances over have no limit: every row exists.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect"];
  let statistics = [Statistic<"numSplit", "split", "Number of loops split">];
}

def VectorizeTiles : Pass<"drawloom-vectorize-tiles"> {
  let summary = "lower tile ops to loops over vectors with register tiles";
  let description = [{
    Each tile op becomes `scf` loops over `vector` ops of at most `vector-width` lanes along the tile's last dimension; extents that are
    no multiple of it are covered by narrower vectors. A matmul keeps a block of the result in registers: the block is chosen by
    the multiply-adds, loads and register moves that covering the tile with it takes, among the blocks that fit `registers`.

    A result has the same bits for every value of the options: lanes are independent, and sums over a tile's first dimension
    are taken in a fixed order. A function that stores past the caches ends with a fence.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect"];
  let options = [
    Option<"vectorWidth", "vector-width", "int64_t", "16", "f32 lanes of a vector register: 16 for AVX-512, 8 for AVX2">,
    Option<"registers", "registers", "int64_t", "32", "vector registers: 32 for AVX-512, 16 for AVX2">
  ];
}

def DistributeTiles : Pass<"drawloom-distribute-tiles"> {
  let summary = "lower tile ops to the threads of a GPU's block";
  let description = [{
    A work item is done by a block. Tiles become views of one array in shared memory; those that never hold something at the same time share
    it. Each tile op becomes what one thread does of it (its number: `gpu.thread_id x`), and `gpu.barrier` stands where a thread touches
    what another one wrote, or writes what another one read. The kernel gets `drawloom.threads` and `drawloom.shared`.

    Rows of a tile are padded against bank conflicts, memory is accessed in vectors of 16 bytes where launches say that it is
    aligned, tiles are f32 whatever the memory holds. A matmul keeps a block of the result in each thread's registers and adds its terms in
    the order of k; a softmax shares a query among a few threads. Masks are exact for whole tiles, so extents only shorten sums over keys.

    With `takes-turns` one thread does every thread's share, one phase after the other, and there are neither thread numbers nor barriers: the
    same distribution on a machine without blocks, for tests.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::vector::VectorDialect", "::mlir::gpu::GPUDialect"];
  let options = [
    Option<"threads", "threads", "int64_t", "128", "threads of a block, a multiple of 32">,
    Option<"takesTurns", "takes-turns", "bool", "false", "one thread does the shares of all">,
    Option<"target", "target", "std::string", "\"sm_90a\"", "sm_90a or sm_80">,
    Option<"sharedLimit", "shared-limit", "int64_t", "0", "bytes of shared memory that a block may have; 0: the target's">
  ];
}
#endif
