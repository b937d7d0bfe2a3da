#include "passes/memory/Storage.h"
#include "passes/memory/Layout.h"

using namespace mlir;

namespace drawloom {
namespace {

RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Bytes of a row of `parts` before number `index`.
int64_t bytesBefore(ValueRange parts, unsigned index) {
  int64_t bytes = 0;
  for (Value part : parts.take_front(index))
    bytes += rowLength(tensorType(part)) * elementBytes(tensorType(part));
  return bytes;
}

/// The operand of a concat in which `value`, which no op writes over another, is written in place; or null.
OpOperand *partWrittenInPlace(Value value) {
  for (OpOperand &use : value.getUses())
    if (isa<ConcatOp>(use.getOwner()) && isWrittenIntoConcat(use)) return &use;
  return nullptr;
}

/// The part of a concat at the end of the chain of ops that write over one another's results from `value` on.
OpOperand *partAtEndOfChain(Value value) {
  while (true) {
    if (OpOperand *part = partWrittenInPlace(value)) return part;
    if (!value.hasOneUse()) return nullptr;
    OpResult next = tiedResult(*value.getUses().begin());
    if (!next) return nullptr;
    value = next;
  }
}

} // namespace

int64_t elementBytes(RankedTensorType type) { return (type.getElementTypeBitWidth() + 7) / 8; }
int64_t tensorBytes(RankedTensorType type) { return type.getNumElements() * elementBytes(type); }

StorageMap::StorageMap(func::FuncOp func) {
  Block &body = func.getBody().front();
  int next = 0;
  for (Operation &op : body) positions[&op] = next++;
  SmallVector<Value> values(body.getArguments());
  for (Operation &op : body) llvm::append_range(values, op.getResults());
  for (Value value : values) {
    Storage &storage = storages[place(value).storage];
    storage.values.push_back(value);
    if (auto argument = dyn_cast<BlockArgument>(value)) storage.argument = argument;
  }
}

Spot StorageMap::place(Value value) {
  if (auto known = spots.find(value); known != spots.end()) return known->second;
  Spot spot;
  OpOperand *part = nullptr;
  auto result = dyn_cast<OpResult>(value);
  OpOperand *tied = result ? tiedOperand(result) : nullptr;
  if (auto split = value.getDefiningOp<SplitOp>()) {
    spot = place(split.getX());
    spot.offset += bytesBefore(split.getParts(), result.getResultNumber());
  } else if (tied) {
    spot = place(tied->get());
  } else if (result && (part = partAtEndOfChain(value))) {
    spot = place(part->getOwner()->getResult(0));
    spot.offset += bytesBefore(part->getOwner()->getOperands(), part->getOperandNumber());
  } else {
    spot = {unsigned(storages.size()), 0};
    storages.push_back({value, {}, {}});
  }
  spots[value] = spot;
  return spot;
}

bool StorageMap::isWhole(Value value) const {
  return spot(value).offset == 0 &&
         tensorBytes(tensorType(value)) == tensorBytes(tensorType(storageOf(value).root));
}

bool StorageMap::overlap(Value a, Value b) const {
  Spot first = spot(a), second = spot(b);
  if (first.storage != second.storage) return false;
  // All values of a storage have its row stride, so they differ in their columns only.
  auto rowBytes = [](Value v) { return rowLength(tensorType(v)) * elementBytes(tensorType(v)); };
  return first.offset < second.offset + rowBytes(b) && second.offset < first.offset + rowBytes(a);
}

int StorageMap::lastUse(Value value) const {
  int last = definition(value);
  for (Operation *user : value.getUsers()) last = std::max(last, position(user));
  return last;
}

} // namespace drawloom
