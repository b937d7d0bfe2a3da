#include "passes/tiles/Emitter.h"

using namespace mlir;

namespace drawloom::tiles {

SmallVector<Segment> segmentsOf(int64_t extent, int64_t width) {
  SmallVector<Segment> segments;
  for (int64_t offset = 0; offset < extent;) {
    while (width > extent - offset)
      width /= 2;
    segments.push_back({offset, width});
    offset += width;
  }
  return segments;
}

Value Emitter::index(int64_t value) const { return arith::ConstantIndexOp::create(b, loc, value); }

Value Emitter::add(Value x, Value y) const { return arith::AddIOp::create(b, loc, x, y); }

Value Emitter::add(Value x, int64_t y) const {
  if (y == 0)
    return x;
  if (auto constant = getConstantIntValue(x))
    return index(*constant + y);
  return add(x, index(y));
}

Value Emitter::min(Value x, Value y) const { return arith::MinSIOp::create(b, loc, x, y); }

VectorType Emitter::vectorType(int64_t lanes) const { return VectorType::get({lanes}, b.getF32Type()); }

Value Emitter::constant(double value, int64_t lanes) const {
  auto element = b.getFloatAttr(b.getF32Type(), value);
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vectorType(lanes), Attribute(element)));
}

Value Emitter::splat(Value scalar, int64_t lanes) const {
  return vector::BroadcastOp::create(b, loc, VectorType::get({lanes}, scalar.getType()), scalar);
}

Value Emitter::load(Value memref, ValueRange indices, int64_t lanes) const {
  return vector::LoadOp::create(b, loc, vectorType(lanes), memref, indices);
}

void Emitter::store(Value vector, Value memref, ValueRange indices) const {
  vector::StoreOp::create(b, loc, vector, memref, indices);
}

Value Emitter::scalar(Value memref, ValueRange indices) const { return memref::LoadOp::create(b, loc, memref, indices); }

Value Emitter::fma(Value x, Value y, Value z) const { return math::FmaOp::create(b, loc, x, y, z); }

Values Emitter::loop(Value from, Value to, int64_t step, Values inits,
                     llvm::function_ref<Values(Value, Values)> body) const {
  auto loop = scf::ForOp::create(b, loc, from, to, index(step), inits);
  OpBuilder::InsertionGuard guard(b);
  if (inits.empty())
    b.setInsertionPoint(loop.getBody()->getTerminator());
  else
    b.setInsertionPointToEnd(loop.getBody());
  Values next = body(loop.getInductionVar(), Values(loop.getRegionIterArgs()));
  if (!inits.empty())
    scf::YieldOp::create(b, loc, next);
  return Values(loop.getResults());
}

void Emitter::loop(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> body) const {
  loop(from, to, step, Values(), [&](Value i, Values) {
    body(i);
    return Values();
  });
}

void Emitter::blocks(int64_t extent, int64_t step, llvm::function_ref<void(Value, int64_t)> body) const {
  int64_t whole = extent / step * step;
  if (whole == step)
    body(index(0), step);
  else if (whole > 0)
    loop(index(0), index(whole), step, [&](Value i) { body(i, step); });
  if (whole < extent)
    body(index(whole), extent - whole);
}

Values Emitter::unrolled(const Range &range, int64_t unroll, Values inits,
                         llvm::function_ref<Values(Value, int64_t, Values)> body) const {
  auto trip = [&](Value first, int64_t count, Values values) {
    for (int64_t slot = 0; slot < count; ++slot)
      values = body(add(first, slot), slot, values);
    return values;
  };
  auto trips = [&](Value from, Value to) {
    return loop(from, to, unroll, inits, [&](Value i, Values carried) { return trip(i, unroll, carried); });
  };
  if (range.from)
    return trips(range.from, range.to);
  int64_t whole = range.extent / unroll * unroll;
  if (whole == unroll)
    inits = trip(index(0), unroll, inits);
  else if (whole > 0)
    inits = trips(index(0), index(whole));
  return trip(index(whole), range.extent - whole, inits);
}

Range Emitter::keysOf(Value extents, int64_t group, int64_t keys) const {
  if (!extents)
    return {keys};
  auto bound = [&](int64_t which) { return scalar(extents, {index(group), index(which)}); };
  return {keys, bound(0), bound(1)};
}

} // namespace drawloom::tiles
