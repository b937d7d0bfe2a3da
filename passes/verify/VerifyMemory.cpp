// drawloom-verify-memory: checks a memory plan from the IR alone, without asking the planner.
#include "passes/Names.h"
#include "passes/Passes.h"
#include "passes/memory/IntervalSet.h"
#include "passes/memory/Layout.h"
#include "passes/memory/Places.h"
#include "passes/memory/Storage.h"
#include <numeric>

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_VERIFYMEMORY
#include "passes/Passes.h.inc"

namespace {

/// Bytes of memory: `rows` runs of `length` bytes, `stride` apart, in an arena.
struct Region {
  unsigned arena = 0; ///< a number of it
  int64_t begin = 0, length = 0, stride = 0, rows = 0;

  int64_t end() const { return begin + (rows - 1) * stride + length; }
  Interval extent() const { return {arena, begin, end()}; }

  bool overlaps(const Region &other) const {
    if (arena != other.arena || begin >= other.end() || other.begin >= end()) return false;
    if (stride != other.stride || stride == length || other.stride == other.length) return true;
    // Equal strides: columns repeat, so compare the runs around the first row of one of them.
    int64_t distance = ((other.begin - begin) % stride + stride) % stride;
    return distance < length || distance + other.length > stride;
  }
};

/// A value, what memory it has, and when it must be intact (positions of ops in the block).
struct Tenant {
  Value value;
  Region region;
  int made, lastRead;
};

class FunctionChecker {
public:
  FunctionChecker(func::FuncOp func, ArrayRef<BufferEntry> persistent)
      : func(func), persistent(persistent), locals(localsOf(func)) {}

  LogicalResult run() {
    int next = 0;
    for (Operation &op : func.getBody().front()) positions[&op] = next++;
    return success(succeeded(checkPlaces()) && succeeded(checkLifetimes()) && succeeded(checkResults()) &&
                   succeeded(checkNothingIsOverwritten()) && succeeded(checkKernels()));
  }

private:
  InFlightDiagnostic error(Value value) {
    return mlir::emitError(value.getLoc()) << "@" << func.getName() << ": ";
  }

  const BufferEntry *bufferOf(const Place &place) {
    if (place.buffer < 0 || place.buffer >= int64_t(persistent.size() + locals.size())) return nullptr;
    return place.buffer < int64_t(persistent.size()) ? &persistent[place.buffer]
                                                     : &locals[place.buffer - persistent.size()];
  }

  /// MEM1: every value lies within its buffer.
  LogicalResult checkPlaces() {
    SmallVector<Value> values(func.getArguments());
    for (Operation &op : func.getBody().front()) llvm::append_range(values, op.getResults());
    for (Value value : values) {
      std::optional<Place> place = placeOf(value);
      const BufferEntry *buffer = place ? bufferOf(*place) : nullptr;
      if (!buffer) return error(value) << "MEM1: a value has no place";
      auto type = cast<RankedTensorType>(value.getType());
      int64_t bytes = elementBytes(type);
      StringRef name = buffer->arena.empty() ? StringRef("activations") : buffer->arena;
      unsigned arena = arenas.try_emplace(name, arenas.size()).first->second;
      Region region{arena, buffer->offset + place->offset, rowLength(type) * bytes, rowStride(value) * bytes,
                    rowCount(type)};
      if (place->offset < 0 || region.end() > buffer->offset + buffer->bytes)
        return error(value) << "MEM1: a value of " << type << " at offset " << place->offset
                            << " exceeds its buffer of " << buffer->bytes << " bytes";
      int made = value.getDefiningOp() ? positions.lookup(value.getDefiningOp()) : -1;
      tenants.push_back({value, region, made, std::max(made, lastRead(value))});
      regions[value] = region;
    }
    return success();
  }

  /// Position of the last op that needs the value, -1 if none does. A split or concat needs it if its results
  /// are needed; from there on they stand for it.
  int lastRead(Value value) {
    int last = -1;
    for (Operation *user : value.getUsers()) {
      bool isView = isa<SplitOp, ConcatOp>(user);
      if (!isView || llvm::any_of(user->getResults(), [&](Value result) { return lastRead(result) >= 0; }))
        last = std::max(last, positions.lookup(user));
    }
    return last;
  }

  /// MEM2: commands touch locals within their lifetimes.
  LogicalResult checkLifetimes() {
    for (auto [number, op] : llvm::enumerate(commandsOf(func))) {
      SmallVector<Value> touched(op->getOperands());
      llvm::append_range(touched, op->getResults());
      for (Value value : touched) {
        int64_t local = placeOf(value)->buffer - int64_t(persistent.size());
        if (local < 0) continue;
        if (int64_t(number) < locals[local].first || int64_t(number) > locals[local].last)
          return op->emitError() << "@" << func.getName() << ": MEM2: command " << number << " touches local "
                                 << local << " outside its lifetime [" << locals[local].first << ", "
                                 << locals[local].last << "]";
      }
    }
    return success();
  }

  /// MEM3: arguments and results lie in the buffers that they name.
  LogicalResult checkResults() {
    auto check = [&](Value value, StringAttr name) -> LogicalResult {
      Place place = *placeOf(value);
      if (name && place.buffer < int64_t(persistent.size()) &&
          persistent[place.buffer].name == name.getValue() && place.offset == 0)
        return success();
      return error(value) << "MEM3: does not lie in buffer " << name;
    };
    for (BlockArgument argument : func.getArguments())
      if (failed(check(argument, func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kNameAttr))))
        return failure();
    for (OpOperand &returned : func.getBody().front().getTerminator()->getOpOperands())
      if (failed(check(returned.get(),
                       func.getResultAttrOfType<StringAttr>(returned.getOperandNumber(), kNameAttr))))
        return failure();
    return success();
  }

  /// MEM4: nothing is written over a value that is read later. An op may write over its own operand where it
  /// says so.
  LogicalResult checkNothingIsOverwritten() {
    // Through time, with what must be intact at the moment: made before, read then or later.
    std::vector<Interval> extents;
    for (const Tenant &tenant : tenants) extents.push_back(tenant.region.extent());
    IntervalSet intact(std::move(extents));
    std::vector<size_t> byLastRead(tenants.size());
    std::iota(byLastRead.begin(), byLastRead.end(), size_t(0));
    llvm::stable_sort(byLastRead,
                      [&](size_t a, size_t b) { return tenants[a].lastRead < tenants[b].lastRead; });
    size_t made = 0, dead = 0;
    for (const Tenant &writer : tenants) {
      if (!isa_and_nonnull<LaunchOp, MatmulOp>(writer.value.getDefiningOp())) continue;
      for (; tenants[made].made < writer.made; ++made) intact.insert(made);
      for (; tenants[byLastRead[dead]].lastRead < writer.made; ++dead) intact.erase(byLastRead[dead]);
      Value overwritten;
      intact.forEachOverlap(writer.region.extent(), [&](size_t k) {
        const Tenant &victim = tenants[k];
        bool allowed =
            !victim.region.overlaps(writer.region) ||
            (victim.lastRead == writer.made && mayWriteOver(cast<OpResult>(writer.value), victim.value));
        if (!allowed) overwritten = victim.value;
        return allowed;
      });
      if (overwritten)
        return error(writer.value) << "MEM4: " << writer.value << " is written over " << overwritten
                                   << ", which is read later";
      for (Value sibling : writer.value.getDefiningOp()->getResults())
        if (sibling != writer.value && regions.lookup(sibling).overlaps(writer.region))
          return error(writer.value) << "MEM4: two results of one op share memory";
    }
    return success();
  }

  /// Whether the op of `result` reads `victim` only through an operand that it writes `result` over.
  bool mayWriteOver(OpResult result, Value victim) {
    int reads = 0;
    for (OpOperand &operand : result.getOwner()->getOpOperands())
      if (operand.get() == victim) {
        ++reads;
        if (tiedOperand(result) != &operand && !mayReuse(operand, result)) return false;
      }
    return reads == 1 && placeOf(result) == placeOf(victim);
  }

  /// MEM5: kernels have memrefs with the strides that the places have; tied results lie where their operands
  /// lie.
  LogicalResult checkKernels() {
    for (auto launch : func.getBody().front().getOps<LaunchOp>()) {
      SmallVector<Value> values(launch.getInputs());
      for (OpResult result : launch->getResults()) {
        OpOperand *tied = tiedOperand(result);
        if (!tied)
          values.push_back(result);
        else if (placeOf(result) != placeOf(tied->get()))
          return launch.emitError()
                 << "MEM5: a result does not lie where the operand lies that it is written over";
      }
      auto kernel = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(launch, launch.getKernelAttr());
      if (!kernel) continue; // already in the LLVM dialect
      for (auto [value, type] : llvm::zip(values, kernel.getArgumentTypes()))
        if (strideOf(cast<MemRefType>(type)) != strideOf(kernelMemRefType(value)))
          return launch.emitError() << "MEM5: kernel " << launch.getKernelAttr() << " takes " << type
                                    << " where rows are " << rowStride(value) << " elements apart";
    }
    return success();
  }

  /// Distance between the rows of a memref; nothing if it has one row.
  static std::optional<int64_t> strideOf(MemRefType type) {
    if (type.getRank() < 2 || type.getNumElements() == type.getShape().back()) return std::nullopt;
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type.getStridesAndOffset(strides, offset))) return std::nullopt;
    for (int64_t dim = type.getRank() - 2; dim >= 0; --dim)
      if (type.getDimSize(dim) > 1) return strides[dim];
    return std::nullopt;
  }

  func::FuncOp func;
  ArrayRef<BufferEntry> persistent;
  std::vector<BufferEntry> locals;
  llvm::DenseMap<Operation *, int> positions;
  llvm::StringMap<unsigned> arenas;
  std::vector<Tenant> tenants; ///< in the order in which they are made
  llvm::DenseMap<Value, Region> regions;
};

struct VerifyMemory : impl::VerifyMemoryBase<VerifyMemory> {
  void runOnOperation() override {
    std::vector<BufferEntry> persistent = persistentBuffersOf(getOperation());
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (failed(FunctionChecker(func, persistent).run())) return signalPassFailure();
  }
};

} // namespace
} // namespace drawloom
