#include "passes/tiles/Barriers.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace drawloom::tiles {
namespace {

/// What was touched since the last barrier.
struct Pending {
  llvm::SmallSetVector<Value, 8> reads, writes;

  void add(const Accesses &accesses) {
    reads.insert(accesses.reads.begin(), accesses.reads.end());
    writes.insert(accesses.writes.begin(), accesses.writes.end());
  }
  void add(const Pending &other) {
    reads.insert(other.reads.begin(), other.reads.end());
    writes.insert(other.writes.begin(), other.writes.end());
  }
};

class Finder {
public:
  Finder(ArrayRef<SharedBuffer> buffers, const OwnScratch &own) : own(own) {
    for (const SharedBuffer &buffer : buffers) byValue[buffer.value] = &buffer;
  }

  void visit(Block &block) {
    for (Operation &op : block) {
      if (auto loop = dyn_cast<scf::ForOp>(op)) {
        Pending before = pending; // if the loop makes no trip
        loop.walk([&](Operation *inside) { pending.add(accessesOf(inside, own.lookup(inside))); });
        visit(*loop.getBody());
        pending.add(before);
      } else if (op.getNumRegions() > 0) {
        Pending before = pending, after = pending;
        for (Region &region : op.getRegions())
          for (Block &nested : region) {
            pending = before;
            visit(nested);
            after.add(pending);
          }
        pending = after;
      } else {
        visit(op);
      }
    }
  }

  DenseSet<Operation *> barriers;

private:
  void visit(Operation &op) {
    Accesses accesses = accessesOf(&op, own.lookup(&op));
    auto meets = [&](const auto &mine, const auto &others) {
      return llvm::any_of(
          mine, [&](Value a) { return llvm::any_of(others, [&](Value b) { return overlap(a, b); }); });
    };
    if (meets(accesses.writes, pending.writes) || meets(accesses.writes, pending.reads) ||
        meets(accesses.reads, pending.writes)) {
      barriers.insert(&op);
      pending = {};
    }
    pending.add(accesses);
  }

  bool overlap(Value a, Value b) const {
    if (a == b) return true;
    auto x = byValue.find(a), y = byValue.find(b);
    if (x == byValue.end() || y == byValue.end()) return false; // arguments do not overlap
    return x->second->offset < y->second->offset + y->second->bytes &&
           y->second->offset < x->second->offset + x->second->bytes;
  }

  const OwnScratch &own;
  llvm::DenseMap<Value, const SharedBuffer *> byValue;
  Pending pending;
};

} // namespace

DenseSet<Operation *> findBarriers(func::FuncOp kernel, ArrayRef<SharedBuffer> buffers,
                                   const OwnScratch &own) {
  Finder finder(buffers, own);
  finder.visit(kernel.getBody().front());
  return std::move(finder.barriers);
}

} // namespace drawloom::tiles
