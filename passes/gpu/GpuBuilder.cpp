#include "passes/gpu/GpuBuilder.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "passes/rows/GpuBlock.h"

using namespace mlir;

namespace drawloom {

GpuBuilder::GpuBuilder(const rows::IndexBuilder &k) : k(k), b(k.b), loc(k.loc) {
  thread = toI32(gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x));
  group = div(thread, kGroupThreads);
}

Value GpuBuilder::i32(int64_t value) const {
  return arith::ConstantIntOp::create(b, loc, b.getI32Type(), value);
}
Value GpuBuilder::toI32(Value x) const {
  return x.getType().isIndex() ? arith::IndexCastOp::create(b, loc, b.getI32Type(), x).getResult() : x;
}
Value GpuBuilder::toIndex(Value x) const {
  return x.getType().isIndex() ? x : arith::IndexCastOp::create(b, loc, b.getIndexType(), x).getResult();
}
Value GpuBuilder::add(Value x, Value y) const { return arith::AddIOp::create(b, loc, x, y); }
Value GpuBuilder::add(Value x, int64_t y) const { return y == 0 ? x : add(x, i32(y)); }
Value GpuBuilder::sub(Value x, Value y) const { return arith::SubIOp::create(b, loc, x, y); }
Value GpuBuilder::mul(Value x, int64_t y) const {
  return y == 1 ? x : arith::MulIOp::create(b, loc, x, i32(y)).getResult();
}
Value GpuBuilder::div(Value x, int64_t y) const {
  return y == 1 ? x : arith::DivUIOp::create(b, loc, x, i32(y)).getResult();
}
Value GpuBuilder::rem(Value x, int64_t y) const { return arith::RemUIOp::create(b, loc, x, i32(y)); }
Value GpuBuilder::bitXor(Value x, Value y) const { return arith::XOrIOp::create(b, loc, x, y); }
Value GpuBuilder::min(Value x, Value y) const { return arith::MinSIOp::create(b, loc, x, y); }
Value GpuBuilder::max(Value x, Value y) const { return arith::MaxSIOp::create(b, loc, x, y); }
Value GpuBuilder::compare(arith::CmpIPredicate predicate, Value x, Value y) const {
  return arith::CmpIOp::create(b, loc, predicate, x, y);
}
Value GpuBuilder::equal(Value x, int64_t y) const { return compare(arith::CmpIPredicate::eq, x, i32(y)); }
Value GpuBuilder::both(Value x, Value y) const { return arith::AndIOp::create(b, loc, x, y); }
Value GpuBuilder::select(Value condition, Value x, Value y) const {
  return arith::SelectOp::create(b, loc, condition, x, y);
}

void GpuBuilder::when(Value condition, llvm::function_ref<void()> then,
                      llvm::function_ref<void()> otherwise) const {
  auto op = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/bool(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  then();
  if (!otherwise) return;
  b.setInsertionPointToStart(op.elseBlock());
  otherwise();
}

SmallVector<Value> GpuBuilder::choose(Value condition, TypeRange types,
                                      llvm::function_ref<SmallVector<Value>()> then,
                                      llvm::function_ref<SmallVector<Value>()> otherwise) const {
  auto op = scf::IfOp::create(b, loc, types, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  scf::YieldOp::create(b, loc, then());
  b.setInsertionPointToStart(op.elseBlock());
  scf::YieldOp::create(b, loc, otherwise());
  return op.getResults();
}

SmallVector<Value> GpuBuilder::loop(Value from, Value to, int64_t step, ValueRange inits,
                                    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) const {
  Value stride = from.getType().isIndex() ? k.index(step) : i32(step);
  auto op = scf::ForOp::create(b, loc, from, to, stride, inits);
  OpBuilder::InsertionGuard guard(b);
  Block *block = op.getBody();
  bool hasYield = block->mightHaveTerminator() && !block->empty();
  if (hasYield)
    b.setInsertionPoint(block->getTerminator());
  else
    b.setInsertionPointToEnd(block);
  SmallVector<Value> next = body(op.getInductionVar(), op.getRegionIterArgs());
  if (!hasYield) scf::YieldOp::create(b, loc, next);
  return op.getResults();
}

Value GpuBuilder::splat(VectorType type, double value) const {
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, b.getF32FloatAttr(float(value))));
}
Value GpuBuilder::spread(Value x, VectorType type) const {
  return vector::BroadcastOp::create(b, loc, type, x);
}
Value GpuBuilder::fma(Value x, Value y, Value z) const { return math::FmaOp::create(b, loc, x, y, z); }
Value GpuBuilder::mulf(Value x, Value y) const { return arith::MulFOp::create(b, loc, x, y); }
Value GpuBuilder::subf(Value x, Value y) const { return arith::SubFOp::create(b, loc, x, y); }

dgpu::TileType GpuBuilder::tileType(int64_t rows, int64_t columns, Type element, int64_t pitch) const {
  dgpu::TileType type = dgpu::TileType::get(rows, columns, element);
  return dgpu::TileType::get(element.getContext(), rows, columns, element, type.getSwizzle(),
                             pitch ? pitch : rows);
}

TypedValue<dgpu::TileType> GpuBuilder::tile(dgpu::TileType type, Value offset) const {
  return cast<TypedValue<dgpu::TileType>>(dgpu::SharedTileOp::create(b, loc, type, offset).getResult());
}

TypedValue<dgpu::TileType> GpuBuilder::groupRows(TypedValue<dgpu::TileType> tile, Value row) const {
  dgpu::TileType type = tile.getType();
  if (type.getRows() == kGroupRows) return tile;
  auto part = dgpu::TileType::get(b.getContext(), kGroupRows, type.getColumns(), type.getElementType(),
                                  type.getSwizzle(), type.getPitch());
  return cast<TypedValue<dgpu::TileType>>(dgpu::SubtileOp::create(b, loc, part, tile, row).getResult());
}

Value GpuBuilder::array(int64_t extent, Type element, Value offset) const {
  auto space = gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
  auto type = MemRefType::get({extent}, element, MemRefLayoutAttrInterface(), space);
  return dgpu::SharedArrayOp::create(b, loc, type, offset);
}

Value GpuBuilder::load(Value memref, ValueRange indices, int64_t lanes, int64_t alignment) const {
  auto type = vector({lanes}, cast<MemRefType>(memref.getType()).getElementType());
  return vector::LoadOp::create(b, loc, type, memref, indices, /*nontemporal=*/false,
                                llvm::MaybeAlign(alignment));
}

void GpuBuilder::store(Value x, Value memref, ValueRange indices, int64_t alignment) const {
  vector::StoreOp::create(b, loc, x, memref, indices, /*nontemporal=*/false, llvm::MaybeAlign(alignment));
}

void GpuBuilder::clear(int64_t offset, int64_t bytes, int64_t threads) const {
  constexpr int64_t kLanes = 4;
  Value cleared = array(bytes / 4, b.getF32Type(), i32(offset)),
        zero = splat(vector({kLanes}, b.getF32Type()), 0.0);
  loop(thread, i32(bytes / (4 * kLanes)), threads, {}, [&](Value i, ValueRange) {
    store(zero, cleared, {toIndex(mul(i, kLanes))}, 16);
    return SmallVector<Value>();
  });
}

Ring::Slot Ring::slot(const GpuBuilder &g, Value step) const {
  auto op = dgpu::RingSlotOp::create(g.b, g.loc, step, stages);
  return {op.getSlot(), op.getParity()};
}

static Value barrier(const GpuBuilder &g, int64_t first, Value number) {
  return g.add(g.mul(number, 8), first);
}
Value Ring::fullBarrier(const GpuBuilder &g, const Slot &slot) const { return barrier(g, full, slot.number); }
Value Ring::emptyBarrier(const GpuBuilder &g, const Slot &slot) const {
  return barrier(g, empty, slot.number);
}

void Ring::init(const GpuBuilder &g, int64_t fullArrivals, int64_t emptyArrivals) const {
  for (int64_t i = 0; i < stages; ++i) {
    dgpu::MBarrierInitOp::create(g.b, g.loc, g.i32(full + 8 * i), g.i32(fullArrivals));
    dgpu::MBarrierInitOp::create(g.b, g.loc, g.i32(empty + 8 * i), g.i32(emptyArrivals));
  }
}

void Ring::waitFull(const GpuBuilder &g, const Slot &slot) const {
  dgpu::MBarrierWaitOp::create(g.b, g.loc, fullBarrier(g, slot), slot.parity);
}
void Ring::waitEmpty(const GpuBuilder &g, const Slot &slot) const {
  dgpu::MBarrierWaitOp::create(g.b, g.loc, emptyBarrier(g, slot), g.bitXor(slot.parity, g.i32(1)));
}
void Ring::release(const GpuBuilder &g, const Slot &slot) const {
  // Lanes that still wait for the slot to be full would miss that phase if the slot were filled anew.
  dgpu::WarpSyncOp::create(g.b, g.loc);
  g.when(g.equal(g.lane(), 0),
         [&] { dgpu::MBarrierArriveOp::create(g.b, g.loc, emptyBarrier(g, slot), Value()); });
}

void describeBlock(const rows::IndexBuilder &k, int64_t threads, int64_t sharedBytes, int64_t blocks) {
  rows::setLaunchShape(k.kernel.function, threads, /*items=*/1, sharedBytes, blocks);
  k.kernel.function->setAttr(kFlushDenormalsAttr, k.b.getUnitAttr());
}

Value chunkIndex(const GpuBuilder &g, dgpu::TileType type, Value row, Value chunk) {
  int64_t swizzle = type.getSwizzle(), panelChunks = swizzle / 16;
  Value panel = g.div(chunk, panelChunks), inPanel = g.rem(chunk, panelChunks);
  Value turned = g.bitXor(inPanel, g.rem(g.div(row, 128 / swizzle), panelChunks));
  Value index = g.add(g.mul(row, swizzle / 2), g.mul(turned, 8));
  return type.panels() == 1 ? index : g.add(index, g.mul(panel, type.panelBytes() / 2));
}

} // namespace drawloom
