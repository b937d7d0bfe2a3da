#include "passes/tiles/Accesses.h"

using namespace mlir;

namespace drawloom::tiles {
namespace {

/// The tile that `op` fills without looking at what it held, or null. A product within extents leaves the
/// rest of c to a mask, which reads none of it.
Value definedBy(Operation *op) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<TileLoadOp, TileFillOp>([](auto op) { return op.getTile(); })
      .Case<TileMatmulOp>([](auto op) { return op.getAccumulate() ? Value() : op.getC(); })
      .Case<TileExtentsOp>([](auto op) { return op.getExtents(); })
      .Case<TileSoftmaxStepOp>([](auto op) { return op.getRescale(); })
      .Case<TileDotOp>([](auto op) { return op.getOut(); })
      .Default(Value());
}

} // namespace

bool touchesMemory(Operation *op) {
  return op->getNumRegions() == 0 && isa<MemoryEffectOpInterface>(op) && !isMemoryEffectFree(op) &&
         !isa<memref::AllocaOp>(op);
}

Accesses accessesOf(Operation *op, Value own) {
  Accesses result;
  if (!touchesMemory(op)) return result;
  Value defined = definedBy(op);
  SmallVector<MemoryEffects::EffectInstance> effects;
  cast<MemoryEffectOpInterface>(op).getEffects(effects);
  for (const auto &effect : effects) {
    Value memory = effect.getValue();
    if (!memory) continue;
    if (isa<MemoryEffects::Write>(effect.getEffect()))
      result.writes.push_back(memory);
    else if (isa<MemoryEffects::Read>(effect.getEffect()) && memory != defined)
      result.reads.push_back(memory);
  }
  if (defined) result.defines.push_back(defined);
  if (own) {
    result.defines.push_back(own);
    result.writes.push_back(own);
    result.reads.push_back(own);
  }
  return result;
}

} // namespace drawloom::tiles
