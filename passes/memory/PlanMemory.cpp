// drawloom-plan-memory: every value gets a place.
#include "passes/Names.h"
#include "passes/Passes.h"
#include "passes/memory/ArenaLayout.h"
#include "passes/memory/Buffers.h"
#include "passes/memory/Layout.h"
#include "passes/memory/Places.h"
#include "passes/memory/Storage.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_PLANMEMORY
#include "passes/Passes.h.inc"

namespace {

/// Plans one function.
class FunctionPlanner {
public:
  FunctionPlanner(func::FuncOp func, const PersistentBuffers &buffers)
      : func(func), buffers(buffers), map(func), commands(commandsOf(func)) {}

  LogicalResult run() {
    if (failed(pinToPersistentBuffers())) return failure();
    findLifetimes();
    shareDeadOperands();
    layOut();
    writePlaces();
    return success();
  }

  int64_t activationBytes() const { return layout.bytes; }
  int64_t peak() const { return peakBytes(lifetimes); }

private:
  /// What arguments start in and results end in.
  LogicalResult pinToPersistentBuffers() {
    pinned.assign(map.all().size(), -1);
    for (BlockArgument argument : func.getArguments())
      if (failed(pin(argument, func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kNameAttr))))
        return failure();
    for (OpOperand &returned : func.getBody().front().getTerminator()->getOpOperands())
      if (failed(pin(returned.get(),
                     func.getResultAttrOfType<StringAttr>(returned.getOperandNumber(), kNameAttr))))
        return failure();
    return success();
  }

  LogicalResult pin(Value value, StringAttr name) {
    int64_t buffer = buffers.byName.find(name.getValue().str())->second;
    int64_t &pinnedTo = pinned[map.spot(value).storage];
    if (!map.isWhole(value) || (pinnedTo >= 0 && pinnedTo != buffer))
      return func.emitError() << "internal error: no memory for '" << name.getValue() << "' in @"
                              << func.getName()
                              << "; drawloom-insert-copies must run before drawloom-plan-memory";
    pinnedTo = buffer;
    return success();
  }

  void findLifetimes() {
    lives.assign(map.all().size(), {0, std::numeric_limits<int64_t>::max(), -1});
    for (unsigned storage = 0; storage < lives.size(); ++storage) {
      lives[storage].bytes = tensorBytes(cast<RankedTensorType>(map.all()[storage].root.getType()));
      slotOf.push_back(storage);
    }
    for (auto [number, op] : llvm::enumerate(commands)) {
      SmallVector<Value> touched(op->getOperands());
      llvm::append_range(touched, op->getResults());
      for (Value value : touched) {
        Lifetime &life = lives[map.spot(value).storage];
        life.first = std::min<int64_t>(life.first, number);
        life.last = std::max<int64_t>(life.last, number);
      }
    }
  }

  /// Where a launch allows it (drawloom.reuse), a result takes over the memory of an operand that dies there.
  void shareDeadOperands() {
    for (auto [number, op] : llvm::enumerate(commands))
      for (OpResult result : op->getResults())
        for (OpOperand &operand : op->getOpOperands())
          if (mayReuse(operand, result) && canTakeOver(result, operand, number)) {
            unsigned taken = slotOf[map.spot(operand.get()).storage], storage = map.spot(result).storage;
            lives[taken].last = lives[storage].last;
            slotOf[storage] = taken;
          }
  }

  bool canTakeOver(OpResult result, OpOperand &operand, int64_t number) {
    unsigned storage = map.spot(result).storage, from = map.spot(operand.get()).storage, slot = slotOf[from];
    if (pinned[storage] >= 0 || pinned[from] >= 0 || slotOf[storage] != storage || slot == storage)
      return false;
    if (!map.isWhole(result) || !map.isWhole(operand.get()) || lives[storage].bytes != lives[slot].bytes ||
        rowStride(result) != rowStride(operand.get()) || lives[storage].first != number ||
        lives[slot].last != number)
      return false;
    return llvm::none_of(operand.getOwner()->getOpOperands(), [&](OpOperand &other) {
      return &other != &operand && slotOf[map.spot(other.get()).storage] == slot;
    });
  }

  void layOut() {
    for (unsigned storage = 0; storage < lives.size(); ++storage)
      if (pinned[storage] < 0 && slotOf[storage] == storage) {
        if (lives[storage].last < 0) // touched by no command
          lives[storage].first = lives[storage].last = 0;
        localOf[storage] = lifetimes.size();
        lifetimes.push_back(lives[storage]);
        localStorage.push_back(storage);
      }
    layout = layOutArena(lifetimes);
  }

  int64_t bufferOf(unsigned storage) {
    return pinned[storage] >= 0 ? pinned[storage]
                                : int64_t(buffers.list.size()) + localOf.lookup(slotOf[storage]);
  }

  void writePlaces() {
    Builder b(func.getContext());
    SmallVector<Attribute> locals;
    for (auto [k, storage] : llvm::enumerate(localStorage)) {
      auto type = cast<RankedTensorType>(map.all()[storage].root.getType());
      locals.push_back(b.getDictionaryAttr({
          b.getNamedAttr("dtype", b.getStringAttr(dtypeName(type.getElementType()))),
          b.getNamedAttr("shape", b.getDenseI64ArrayAttr(type.getShape())),
          b.getNamedAttr("offset", b.getI64IntegerAttr(layout.offsets[k])),
          b.getNamedAttr("bytes", b.getI64IntegerAttr(lifetimes[k].bytes)),
          b.getNamedAttr("first", b.getI64IntegerAttr(lifetimes[k].first)),
          b.getNamedAttr("last", b.getI64IntegerAttr(lifetimes[k].last)),
      }));
    }
    func->setAttr(kLocalsAttr, b.getArrayAttr(locals));
    func->setAttr(kActivationBytesAttr, b.getI64IntegerAttr(layout.bytes));
    auto pair = [&](Value value) {
      Spot spot = map.spot(value);
      return std::array<int64_t, 2>{bufferOf(spot.storage), spot.offset};
    };
    SmallVector<DictionaryAttr> arguments;
    func.getAllArgAttrs(arguments);
    for (auto [attrs, argument] : llvm::zip_equal(arguments, func.getArguments())) {
      NamedAttrList list(attrs);
      list.set(kPlaceAttr, b.getDenseI64ArrayAttr(pair(argument)));
      attrs = list.getDictionary(func.getContext());
    }
    func.setAllArgAttrs(arguments);
    for (Operation &op : func.getBody().front()) {
      SmallVector<int64_t> pairs;
      for (Value result : op.getResults()) llvm::append_range(pairs, pair(result));
      if (!pairs.empty()) op.setAttr(kPlacesAttr, b.getDenseI64ArrayAttr(pairs));
    }
  }

  func::FuncOp func;
  const PersistentBuffers &buffers;
  StorageMap map;
  std::vector<Operation *> commands;
  std::vector<int64_t> pinned;               ///< persistent buffer of a storage, or -1
  std::vector<Lifetime> lives;               ///< of a storage, or of all that share its memory
  std::vector<unsigned> slotOf;              ///< the storage whose memory a storage has taken over, or itself
  llvm::DenseMap<unsigned, int64_t> localOf; ///< storage to number of the local
  std::vector<unsigned> localStorage;
  std::vector<Lifetime> lifetimes; ///< of locals
  ArenaLayout layout;
};

void writeBuffers(ModuleOp module, const PersistentBuffers &buffers) {
  Builder b(module.getContext());
  SmallVector<Attribute> entries;
  for (const PersistentBuffer &buffer : buffers.list)
    entries.push_back(b.getDictionaryAttr({
        b.getNamedAttr("name", b.getStringAttr(buffer.name)),
        b.getNamedAttr("dtype", b.getStringAttr(dtypeName(buffer.type.getElementType()))),
        b.getNamedAttr("shape", b.getDenseI64ArrayAttr(buffer.type.getShape())),
        b.getNamedAttr("arena", b.getStringAttr(buffer.arena)),
        b.getNamedAttr("offset", b.getI64IntegerAttr(buffer.offset)),
        b.getNamedAttr("bytes", b.getI64IntegerAttr(buffer.bytes)),
    }));
  module->setAttr(kBuffersAttr, b.getArrayAttr(entries));
  SmallVector<NamedAttribute> arenas;
  for (const auto &[arena, bytes] : buffers.arenaBytes)
    arenas.push_back(b.getNamedAttr(arena, b.getI64IntegerAttr(bytes)));
  module->setAttr(kArenaBytesAttr, b.getDictionaryAttr(arenas));
}

struct PlanMemory : impl::PlanMemoryBase<PlanMemory> {
  using PlanMemoryBase::PlanMemoryBase;

  void runOnOperation() override {
    FailureOr<PersistentBuffers> buffers = collectBuffers(getOperation());
    if (failed(buffers)) return signalPassFailure();
    int64_t &activations = buffers->arenaBytes["activations"];
    for (auto func : getOperation().getOps<func::FuncOp>()) {
      FunctionPlanner planner(func, *buffers);
      if (failed(planner.run())) return signalPassFailure();
      activations = std::max(activations, planner.activationBytes());
      if (report)
        llvm::errs() << "@" << func.getName() << ": " << planner.activationBytes()
                     << " bytes of activations, " << planner.peak() << " alive at once\n";
    }
    writeBuffers(getOperation(), *buffers);
    if (report)
      for (const auto &[arena, bytes] : buffers->arenaBytes)
        llvm::errs() << arena << ": " << bytes << " bytes\n";
  }
};

} // namespace
} // namespace drawloom
