#include "passes/rows/TensorTable.h"
#include "passes/rows/Chunks.h"

using namespace mlir;

namespace drawloom::rows {

int64_t TensorTable::items() const {
  int64_t total = 0;
  for (const Entry &entry : entries) total += ceilDiv(entry.elements, chunk);
  return total;
}

namespace {
/// A binary search, as nested branches whose leaves give an entry's memrefs, elements and first item.
class Search {
public:
  Search(const TensorTable &table, Location loc, Value item) : table(table), loc(loc), item(item) {
    first.push_back(0);
    for (const TensorTable::Entry &entry : table.entries)
      first.push_back(first.back() + ceilDiv(entry.elements, table.chunk));
  }

  /// Values of the entry in [low, high) that holds the item.
  SmallVector<Value> emit(OpBuilder &b, size_t low, size_t high) {
    if (high - low == 1) return leaf(b, low);
    size_t middle = (low + high) / 2;
    GpuBlock block{b, loc};
    auto branch = scf::IfOp::create(b, loc, resultTypes(b), block.less(item, block.index(first[middle])),
                                    /*withElseRegion=*/true);
    for (auto [region, from, to] : {std::tuple(&branch.getThenRegion(), low, middle),
                                    std::tuple(&branch.getElseRegion(), middle, high)}) {
      OpBuilder inside = OpBuilder::atBlockBegin(&region->front());
      scf::YieldOp::create(inside, loc, emit(inside, from, to));
    }
    return SmallVector<Value>(branch.getResults());
  }

private:
  SmallVector<Type> resultTypes(OpBuilder &b) {
    SmallVector<Type> types;
    for (Value memref : table.entries.front().memrefs) types.push_back(dynamicType(memref));
    types.append(2, b.getIndexType());
    return types;
  }

  static Type dynamicType(Value memref) {
    return MemRefType::get({ShapedType::kDynamic}, cast<MemRefType>(memref.getType()).getElementType());
  }

  SmallVector<Value> leaf(OpBuilder &b, size_t k) {
    SmallVector<Value> values;
    for (Value memref : table.entries[k].memrefs)
      values.push_back(memref::CastOp::create(b, loc, dynamicType(memref), memref));
    GpuBlock block{b, loc};
    values.push_back(block.index(table.entries[k].elements));
    values.push_back(block.index(first[k]));
    return values;
  }

  const TensorTable &table;
  Location loc;
  Value item;
  std::vector<int64_t> first; // item of each entry, then the number of all
};
} // namespace

TensorTable::Chunk TensorTable::find(OpBuilder &b, Location loc, Value item) const {
  SmallVector<Value> found = Search(*this, loc, item).emit(b, 0, entries.size());
  Chunk result;
  Value firstItem = found.pop_back_val();
  result.elements = found.pop_back_val();
  result.memrefs = std::move(found);
  result.number = arith::SubIOp::create(b, loc, item, firstItem);
  return result;
}

} // namespace drawloom::rows
