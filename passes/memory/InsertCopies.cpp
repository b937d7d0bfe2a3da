// drawloom-insert-copies: makes the function such that every result can lie where memory planning puts it.
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "passes/Names.h"
#include "passes/Passes.h"
#include "passes/memory/CopyKernel.h"
#include "passes/memory/Layout.h"
#include "passes/memory/Storage.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_INSERTCOPIES
#include "passes/Passes.h.inc"

namespace {

/// Inserts what one function needs.
class Copier {
public:
  explicit Copier(func::FuncOp func) : func(func), body(func.getBody().front()) {
    for (BlockArgument argument : body.getArguments()) argumentByName[nameOf(argument)] = argument;
    for (unsigned k = 0; k < func.getNumResults(); ++k)
      if (auto name = func.getResultAttrOfType<StringAttr>(k, kNameAttr)) resultNames.insert(name.getValue());
  }

  ArrayRef<LaunchOp> run() {
    copyPartsThatAreNotWrittenInPlace();
    copyOperandsThatAreStillNeeded();
    copyResultsThatLieElsewhere();
    copyResultsMadeTooEarly();
    return copies;
  }

private:
  /// A copy of the operand takes its place.
  Value copyOperand(OpOperand &operand, std::optional<int64_t> stride = std::nullopt) {
    OpBuilder builder(operand.getOwner());
    Value copy = stride ? insertCopy(builder, operand.get(), *stride) : insertCopy(builder, operand.get());
    operand.set(copy);
    Operation *launch = copy.getDefiningOp();
    if (auto split = dyn_cast<SplitOp>(launch)) launch = split.getX().getDefiningOp();
    copies.push_back(cast<LaunchOp>(launch));
    return copy;
  }

  void copyPartsThatAreNotWrittenInPlace() {
    for (auto concat : llvm::make_early_inc_range(body.getOps<ConcatOp>()))
      for (OpOperand &part : concat->getOpOperands())
        if (!isWrittenIntoConcat(part)) copyOperand(part);
  }

  void copyOperandsThatAreStillNeeded() {
    StorageMap map(func);
    for (Operation &op : body)
      for (OpResult result : op.getResults()) {
        OpOperand *tied = tiedOperand(result);
        if (!tied || mayBeWrittenOver(map, *tied, result)) continue;
        copyOperand(*tied, rowStride(tied->get()));
        map = StorageMap(func);
      }
  }

  /// Whether `operand` is needed no more when its op writes `result` over it.
  bool mayBeWrittenOver(const StorageMap &map, OpOperand &operand, OpResult result) {
    Value value = operand.get();
    const Storage &storage = map.storageOf(value);
    if (storage.argument && !resultNames.contains(nameOf(storage.argument)))
      return false; // the function may not change this buffer
    int here = map.position(operand.getOwner());
    for (Value other : storage.values) {
      if (other == result || map.definition(other) >= here || !map.overlap(other, value)) continue;
      for (OpOperand &use : other.getUses())
        if (&use != &operand && map.position(use.getOwner()) >= here) return false;
    }
    return true;
  }

  StringRef nameOf(BlockArgument argument) {
    auto name = func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kNameAttr);
    return name ? name.getValue() : StringRef();
  }
  StringRef nameOf(OpOperand &returned) {
    auto name = func.getResultAttrOfType<StringAttr>(returned.getOperandNumber(), kNameAttr);
    return name ? name.getValue() : StringRef();
  }

  /// Results that share their memory with more than themselves, or with a buffer of another name. Those that
  /// lie in another buffer are read before any of these copies is made, for the copies may write that buffer.
  void copyResultsThatLieElsewhere() {
    StorageMap map(func);
    llvm::DenseSet<unsigned> taken;
    SmallVector<OpOperand *> elsewhere, inAnotherBuffer;
    for (OpOperand &returned : body.getTerminator()->getOpOperands()) {
      const Storage &storage = map.storageOf(returned.get());
      bool otherBuffer = storage.argument && nameOf(storage.argument) != nameOf(returned);
      if (otherBuffer) inAnotherBuffer.push_back(&returned);
      if (otherBuffer || !map.isWhole(returned.get()) ||
          !taken.insert(map.spot(returned.get()).storage).second)
        elsewhere.push_back(&returned);
    }
    for (OpOperand *returned : inAnotherBuffer) copyOperand(*returned);
    for (OpOperand *returned : elsewhere) copyOperand(*returned);
  }

  /// Results that would be written into their buffer while its old value is still read.
  void copyResultsMadeTooEarly() {
    StorageMap map(func);
    SmallVector<OpOperand *> early;
    for (OpOperand &returned : body.getTerminator()->getOpOperands())
      if (Storage const *old = oldValueOf(map, returned);
          old && isReadAfterWriting(map, *old, returned.get()))
        early.push_back(&returned);
    for (OpOperand *returned : early) copyOperand(*returned);
  }

  /// The storage of the argument that a result replaces, if the result lies elsewhere.
  const Storage *oldValueOf(const StorageMap &map, OpOperand &returned) {
    auto found = argumentByName.find(nameOf(returned));
    if (found == argumentByName.end() || nameOf(returned).empty()) return nullptr;
    BlockArgument argument = found->second;
    return map.spot(argument).storage == map.spot(returned.get()).storage ? nullptr
                                                                          : &map.storageOf(argument);
  }

  bool isReadAfterWriting(const StorageMap &map, const Storage &old, Value result) {
    int firstWrite = std::numeric_limits<int>::max(), lastRead = -1;
    for (Value value : map.storageOf(result).values) firstWrite = std::min(firstWrite, map.definition(value));
    for (Value value : old.values) lastRead = std::max(lastRead, map.lastUse(value));
    return lastRead >= firstWrite && !sharesByReuse(map, old, result, firstWrite, lastRead);
  }

  /// Whether the only op that reads the old value and writes the new one promises to read each element before
  /// writing it.
  bool sharesByReuse(const StorageMap &map, const Storage &old, Value result, int firstWrite, int lastRead) {
    auto made = dyn_cast<OpResult>(map.storageOf(result).values.front());
    if (!made || firstWrite != lastRead || map.definition(made) != firstWrite || !map.isWhole(made))
      return false;
    for (OpOperand &operand : made.getOwner()->getOpOperands())
      if (map.storageOf(operand.get()).root == old.root &&
          !(map.isWhole(operand.get()) && mayReuse(operand, made)))
        return false;
    return true;
  }

  func::FuncOp func;
  Block &body;
  llvm::StringSet<> resultNames;
  llvm::StringMap<BlockArgument> argumentByName;
  SmallVector<LaunchOp> copies;
};

struct InsertCopies : impl::InsertCopiesBase<InsertCopies> {
  using InsertCopiesBase::InsertCopiesBase;

  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>()) {
      Copier copier(func);
      for (LaunchOp copy : copier.run()) {
        finishCopy(getOperation(), copy, target != "cpu");
        ++numCopies;
      }
    }
  }
};

} // namespace
} // namespace drawloom
