// drawloom-order-for-cache: what is read next is made last, so that its reader finds it in the card's cache.
#include "passes/Passes.h"
#include "passes/memory/Layout.h"
#include "passes/memory/Storage.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_ORDERFORCACHE
#include "passes/Passes.h.inc"

namespace {

/// Of the cache: reading less than this share again costs little.
constexpr int64_t kShare = 8;

int64_t bytesOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? tensorBytes(type) : 0;
}

int64_t bytesMadeBy(Operation &op) {
  int64_t bytes = 0;
  for (Value result : op.getResults()) bytes += bytesOf(result);
  return bytes;
}

/// What an op makes that its first reader could find in the cache.
struct Kept {
  Operation *reader = nullptr;
  int64_t bytes = 0;
};

Kept keptOf(Operation &op, int64_t cacheBytes) {
  Kept kept;
  for (OpResult result : op.getResults()) {
    int64_t bytes = bytesOf(result);
    if (bytes > cacheBytes || bytes < cacheBytes / kShare) continue;
    for (Operation *user : result.getUsers()) {
      Operation *reader = op.getBlock()->findAncestorOpInBlock(*user);
      if (!kept.reader || reader->isBeforeInBlock(kept.reader)) kept = {reader, bytes};
    }
  }
  return kept;
}

/// Whether `other`, which comes later, may come before `op`.
bool mayComeBefore(Operation &other, Operation &op) {
  return llvm::all_of(other.getOpOperands(), [&](OpOperand &operand) {
    Operation *made = operand.get().getDefiningOp();
    bool isThere = !made || made->getBlock() != op.getBlock() || made->isBeforeInBlock(&op);
    bool overwrites = tiedResult(operand) && llvm::is_contained(op.getOperands(), operand.get());
    return isThere && !overwrites;
  });
}

bool shareLargeOperand(Operation &op, Operation &other, int64_t cacheBytes) {
  return llvm::any_of(op.getOperands(), [&](Value value) {
    return bytesOf(value) >= cacheBytes / kShare && llvm::is_contained(other.getOperands(), value);
  });
}

struct OrderForCache : impl::OrderForCacheBase<OrderForCache> {
  using OrderForCacheBase::OrderForCacheBase;

  void runOnOperation() override {
    SmallVector<Operation *> makers;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<MatmulOp, FusionOp>(op)) makers.push_back(op);
      return isa<FusionOp>(op) ? WalkResult::skip() : WalkResult::advance();
    });
    for (Operation *op : makers) moveReadersOfOperandsBefore(*op);
  }

private:
  void moveReadersOfOperandsBefore(Operation &op) {
    Kept kept = keptOf(op, cacheBytes);
    if (!kept.reader) return;
    SmallVector<Operation *> moving;
    for (Operation *other = op.getNextNode(); other != kept.reader; other = other->getNextNode())
      if (isa<MatmulOp, FusionOp>(other) && bytesMadeBy(*other) < kept.bytes &&
          shareLargeOperand(op, *other, cacheBytes) && mayComeBefore(*other, op))
        moving.push_back(other);
    for (Operation *other : moving) other->moveBefore(&op);
    numMoved += moving.size();
  }
};

} // namespace
} // namespace drawloom
