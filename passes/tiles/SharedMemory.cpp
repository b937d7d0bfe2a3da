#include "passes/tiles/SharedMemory.h"
#include "llvm/ADT/SmallBitVector.h"
#include <numeric>

using namespace mlir;

namespace drawloom::tiles {
namespace {

using Set = llvm::SmallBitVector;

/// Who is alive with whom.
class Liveness {
public:
  Liveness(ArrayRef<SharedBuffer> buffers, const OwnScratch &own)
      : own(own), meets(buffers.size(), Set(buffers.size())) {
    for (auto [number, buffer] : llvm::enumerate(buffers)) numbers[buffer.value] = number;
  }

  /// What is alive before the block, given what is alive after it.
  Set before(Block &block, Set alive) {
    for (Operation &op : llvm::reverse(block)) {
      if (auto loop = dyn_cast<scf::ForOp>(op)) {
        Set body = before(*loop.getBody(), alive);
        // The next trip needs what this one starts with.
        for (Set next; (next = before(*loop.getBody(), alive | body)) != body;) body = next;
        alive |= body;
      } else if (op.getNumRegions() > 0) {
        Set inside = alive; // no region may run
        for (Region &region : op.getRegions())
          for (Block &nested : region) inside |= before(nested, alive);
        alive = inside;
      } else {
        alive = before(op, alive);
      }
    }
    return alive;
  }

  bool meet(size_t a, size_t b) const { return meets[a][b]; }

private:
  Set setOf(ArrayRef<Value> values) const {
    Set set(meets.size());
    for (Value v : values)
      if (auto it = numbers.find(v); it != numbers.end()) set.set(it->second);
    return set;
  }

  Set before(Operation &op, const Set &after) {
    Accesses accesses = accessesOf(&op, own.lookup(&op));
    Set reads = setOf(accesses.reads), writes = setOf(accesses.writes), defines = setOf(accesses.defines);
    // Partial writes keep the rest; scratch of the operation is alive inside it only.
    Set alive = after;
    alive.reset(defines);
    reads.reset(defines);
    alive |= reads;
    Set partial = writes;
    partial.reset(defines);
    alive |= partial;
    Set together = after | alive | reads | writes;
    for (int a : together.set_bits()) meets[a] |= together;
    return alive;
  }

  const OwnScratch &own;
  llvm::DenseMap<Value, unsigned> numbers;
  std::vector<Set> meets;
};

} // namespace

int64_t sharedMemoryOf(StringRef target) { return (target == "sm_80" ? 163 : 227) << 10; }

int64_t layOutSharedMemory(func::FuncOp kernel, MutableArrayRef<SharedBuffer> buffers,
                           const OwnScratch &own) {
  Liveness liveness(buffers, own);
  liveness.before(kernel.getBody().front(), Set(buffers.size()));
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::pair(-buffers[a].bytes, a) < std::pair(-buffers[b].bytes, b);
  });
  int64_t total = 0;
  for (auto it = order.begin(); it != order.end(); ++it) {
    SharedBuffer &buffer = buffers[*it];
    SmallVector<const SharedBuffer *> neighbours;
    for (auto placed = order.begin(); placed != it; ++placed)
      if (liveness.meet(*it, *placed)) neighbours.push_back(&buffers[*placed]);
    llvm::sort(neighbours, [](auto *a, auto *b) { return a->offset < b->offset; });
    for (const SharedBuffer *other : neighbours) {
      if (buffer.offset + buffer.bytes <= other->offset) break;
      int64_t end = llvm::alignTo(other->offset + other->bytes, kSharedAlignment);
      buffer.offset = std::max(buffer.offset, end);
    }
    total = std::max(total, buffer.offset + buffer.bytes);
  }
  return llvm::alignTo(total, kSharedAlignment);
}

} // namespace drawloom::tiles
