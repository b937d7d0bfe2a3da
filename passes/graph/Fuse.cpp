// drawloom-fuse: row ops on the same rows become one fusion.
#include "passes/Passes.h"
#include "passes/graph/FusionGroups.h"
#include "passes/graph/Outline.h"
#include "passes/graph/RepeatBiases.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_FUSE
#include "passes/Passes.h.inc"

namespace {

struct Fuse : impl::FuseBase<Fuse> {
  void fuseBlock(Block &block) {
    auto groups = findFusionGroups(block);
    OpBuilder builder(block.getTerminator());
    for (const std::vector<Operation *> &ops : groups) {
      if (ops.size() == 1) {
        ops.front()->moveBefore(block.getTerminator());
        continue;
      }
      outline(builder, ops);
      ++numFusions;
      numFused += ops.size();
    }
    repeatBiases(block);
  }

  void runOnOperation() override {
    SmallVector<Block *> blocks;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (!func.isExternal()) blocks.push_back(&func.getBody().front());
    getOperation().walk([&](RecomputeOp recompute) { blocks.push_back(&recompute.getBody().front()); });
    for (Block *block : blocks) fuseBlock(*block);
  }
};

} // namespace
} // namespace drawloom
