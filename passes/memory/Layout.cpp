#include "passes/memory/Layout.h"

using namespace mlir;

namespace drawloom {
namespace {

/// The value that `value` is another name for: recompute arguments are their operands, recompute results what
/// is yielded.
Value throughRecompute(Value value) {
  while (true) {
    if (auto result = dyn_cast<OpResult>(value)) {
      auto recompute = dyn_cast<RecomputeOp>(result.getOwner());
      if (!recompute) return value;
      value = recompute.getBody().front().getTerminator()->getOperand(result.getResultNumber());
      continue;
    }
    auto argument = cast<BlockArgument>(value);
    auto recompute = dyn_cast<RecomputeOp>(argument.getOwner()->getParentOp());
    if (!recompute) return value;
    value = recompute.getInputs()[argument.getArgNumber()];
  }
}

/// Adds the uses of `value` by ops that are not just the border of a recompute region, until there are two.
void collectRealUses(Value value, SmallVectorImpl<OpOperand *> &uses) {
  for (OpOperand &use : value.getUses()) {
    if (uses.size() > 1) return;
    Operation *user = use.getOwner();
    if (auto recompute = dyn_cast<RecomputeOp>(user))
      collectRealUses(recompute.getBody().getArgument(use.getOperandNumber()), uses);
    else if (isa<YieldOp>(user) && isa<RecomputeOp>(user->getParentOp()))
      collectRealUses(user->getParentOp()->getResult(use.getOperandNumber()), uses);
    else
      uses.push_back(&use);
  }
}

/// The only real use of `value`, or null.
OpOperand *onlyUse(Value value) {
  SmallVector<OpOperand *, 2> uses;
  collectRealUses(value, uses);
  return uses.size() == 1 ? uses.front() : nullptr;
}

/// The value at the start of the chain of ops that write over one another's results down to `value`.
Value chainStart(Value value) {
  while (true) {
    value = throughRecompute(value);
    auto result = dyn_cast<OpResult>(value);
    OpOperand *tied = result ? tiedOperand(result) : nullptr;
    if (!tied) return value;
    value = tied->get();
  }
}

/// The operand of a concat in which the chain that starts at `start` ends, or null: every link is the only
/// use of its value.
OpOperand *concatAtEnd(Value start) {
  auto result = dyn_cast<OpResult>(start);
  if (!result || isa<SplitOp>(result.getOwner())) return nullptr;
  while (OpOperand *use = onlyUse(start)) {
    if (isa<ConcatOp>(use->getOwner())) return use;
    OpResult next = tiedResult(*use);
    if (!next) return nullptr;
    start = next;
  }
  return nullptr;
}

/// Pairs (operand, result) of an op that is not a launch and writes results over operands.
SmallVector<std::pair<unsigned, unsigned>, 4> tiesOf(Operation *op) {
  SmallVector<std::pair<unsigned, unsigned>, 4> ties;
  auto tie = [&](std::pair<unsigned, unsigned> segment, unsigned result) {
    if (segment.second) ties.push_back({segment.first, result});
  };
  if (auto matmul = dyn_cast<MatmulOp>(op)) {
    tie(matmul.getODSOperandIndexAndLength(2), 0);
  } else if (auto sum = dyn_cast<ColumnSumOp>(op)) {
    tie(sum.getODSOperandIndexAndLength(1), 0);
  } else if (auto attend = dyn_cast<AttendOp>(op)) {
    tie(attend.getODSOperandIndexAndLength(3), 0);
    tie(attend.getODSOperandIndexAndLength(4), 1);
  } else if (auto grad = dyn_cast<AttendGradOp>(op)) {
    for (unsigned i = 0; i < 3; ++i) tie(grad.getODSOperandIndexAndLength(6 + i), i);
  } else if (isa<AttentionDecodeOp>(op)) {
    ties = {{3, 1}, {4, 2}};
  } else if (isa<AdamOp>(op)) {
    ties = {{0, 0}, {2, 1}, {3, 2}, {1, 3}};
  } else if (isa<EmaOp>(op)) {
    ties = {{0, 0}};
  }
  return ties;
}

} // namespace

OpOperand *tiedOperand(OpResult result) {
  Operation *op = result.getOwner();
  if (auto launch = dyn_cast<LaunchOp>(op)) {
    ArrayRef<int64_t> inplace = launch.getInplace();
    unsigned number = result.getResultNumber();
    if (number >= inplace.size() || inplace[number] < 0) return nullptr;
    return &op->getOpOperand(inplace[number]);
  }
  for (auto [operand, number] : tiesOf(op))
    if (number == result.getResultNumber()) return &op->getOpOperand(operand);
  return nullptr;
}

OpResult tiedResult(OpOperand &operand) {
  for (OpResult result : operand.getOwner()->getResults())
    if (tiedOperand(result) == &operand) return result;
  return {};
}

bool mayReuse(OpOperand &operand, OpResult result) {
  auto reuse = result.getOwner()->getAttrOfType<DenseI64ArrayAttr>(kReuseAttr);
  unsigned number = result.getResultNumber();
  return reuse && number < reuse.size() && reuse[number] == operand.getOperandNumber();
}

bool isWrittenIntoConcat(OpOperand &part) { return concatAtEnd(chainStart(part.get())) == &part; }

int64_t rowCount(RankedTensorType type) {
  int64_t rows = 1;
  if (type.getRank() > 0)
    for (int64_t extent : type.getShape().drop_back()) rows *= extent;
  return rows;
}

int64_t rowLength(RankedTensorType type) { return type.getRank() ? type.getShape().back() : 1; }

int64_t rowStride(Value value) {
  Value start = chainStart(value);
  if (auto split = start.getDefiningOp<SplitOp>()) return rowStride(split.getX());
  if (OpOperand *part = concatAtEnd(start)) return rowStride(part->getOwner()->getResult(0));
  return rowLength(cast<RankedTensorType>(value.getType()));
}

/// Columns of the parts before the k-th.
static int64_t columnsBefore(ValueRange parts, unsigned k) {
  int64_t columns = 0;
  for (Value part : parts.take_front(k)) columns += rowLength(cast<RankedTensorType>(part.getType()));
  return columns;
}

int64_t rowOffset(Value value) {
  Value start = chainStart(value);
  if (auto split = start.getDefiningOp<SplitOp>())
    return rowOffset(split.getX()) + columnsBefore(split.getParts(), cast<OpResult>(start).getResultNumber());
  if (OpOperand *part = concatAtEnd(start)) {
    auto concat = cast<ConcatOp>(part->getOwner());
    return rowOffset(concat.getOut()) + columnsBefore(concat.getParts(), part->getOperandNumber());
  }
  return 0;
}

MemRefType kernelMemRefType(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t stride = rowStride(value);
  if (stride == rowLength(type) || type.getRank() < 2)
    return MemRefType::get(type.getShape(), type.getElementType());
  SmallVector<int64_t> strides(type.getRank(), 1);
  for (int64_t dim = type.getRank() - 2; dim >= 0; --dim) {
    strides[dim] = stride;
    stride *= type.getDimSize(dim);
  }
  return MemRefType::get(type.getShape(), type.getElementType(),
                         StridedLayoutAttr::get(type.getContext(), /*offset=*/0, strides));
}

} // namespace drawloom
