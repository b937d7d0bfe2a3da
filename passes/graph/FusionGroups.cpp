// Groups are nodes of a graph whose edges are the uses of results. We keep the groups in a topological order
// and join two of them only if no path leads from one to the other through a third: then the joined graph has
// no cycle either, and the order is repaired by moving ops between the two places only.
#include "passes/graph/FusionGroups.h"
#include "passes/graph/RowOps.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;

namespace drawloom {
namespace {

class Grouping {
public:
  explicit Grouping(Block &block) {
    for (Operation &op : block.without_terminator()) {
      unsigned id = groups.size();
      groupOf[&op] = id;
      place.push_back(id);
      order.push_back(id);
      groups.push_back({{&op}, describeRowOp(&op)});
    }
    for (unsigned id = 0; id < groups.size(); ++id) joinNeighbours(groups[id].ops.front());
  }

  std::vector<std::vector<Operation *>> inOrder() {
    std::vector<std::vector<Operation *>> result;
    for (unsigned id : order) {
      llvm::sort(groups[id].ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
      result.push_back(std::move(groups[id].ops));
    }
    return result;
  }

private:
  struct Group {
    std::vector<Operation *> ops;
    std::optional<RowShape> shape; ///< of its first op; nothing for ops that are never fused
  };

  /// Joins the group of `op` with those that make its rows, then with those that read the same rows before
  /// it. An op that computes something again waits for a later one: with the op that made its row, what it
  /// makes would be kept after all.
  void joinNeighbours(Operation *op) {
    if (op->hasAttr(kRepeatAttr)) return;
    std::optional<RowShape> shape = describeRowOp(op);
    if (!shape) return;
    for (auto [operand, role] : llvm::zip_equal(op->getOperands(), shape->operands))
      if (role == RowRole::Row || role == RowRole::PerRow)
        if (Operation *producer = operand.getDefiningOp()) join(producer, op);
    for (auto [operand, role] : llvm::zip_equal(op->getOperands(), shape->operands)) {
      if (role != RowRole::Row) continue;
      SmallVector<Operation *> readers;
      for (OpOperand &use : operand.getUses())
        if (use.getOwner()->getBlock() == op->getBlock() && use.getOwner()->isBeforeInBlock(op) &&
            readsRow(use))
          readers.push_back(use.getOwner());
      llvm::sort(readers, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
      for (Operation *reader : readers) join(reader, op);
    }
  }

  static bool readsRow(OpOperand &use) {
    std::optional<RowShape> shape = describeRowOp(use.getOwner());
    return shape && shape->operands[use.getOperandNumber()] == RowRole::Row;
  }

  void join(Operation *a, Operation *b) {
    unsigned first = groupOf.lookup(a), second = groupOf.lookup(b);
    if (first == second || !haveSameRows(first, second)) return;
    if (place[first] > place[second]) std::swap(first, second);
    if (!everyEdgeStaysInARow(first, second)) return;
    std::vector<unsigned> after;
    if (reachesThroughOthers(first, second, after)) return;
    merge(first, second, after);
  }

  bool haveSameRows(unsigned a, unsigned b) const {
    return groups[a].shape && groups[b].shape && groups[a].shape->rows == groups[b].shape->rows;
  }

  /// A value made in `first` and read in `second` must be read as it is made: a row as a row, an element a
  /// row as such.
  bool everyEdgeStaysInARow(unsigned first, unsigned second) const {
    for (Operation *op : groups[second].ops) {
      RowShape shape = *describeRowOp(op);
      for (auto [operand, role] : llvm::zip_equal(op->getOperands(), shape.operands)) {
        auto made = dyn_cast<OpResult>(operand);
        if (!made || groupOf.lookup(made.getOwner()) != first || !groupOf.contains(made.getOwner())) continue;
        RowRole as = describeRowOp(made.getOwner())->results[made.getResultNumber()];
        if (as != role || as == RowRole::Reduced) return false;
      }
    }
    return true;
  }

  /// Whether a path leads from `first` through a third group to `second`. Collects the groups between their
  /// places that need `first`.
  bool reachesThroughOthers(unsigned first, unsigned second, std::vector<unsigned> &after) const {
    std::vector<bool> seen(place[second] - place[first] + 1, false);
    std::vector<unsigned> stack{first};
    while (!stack.empty()) {
      unsigned id = stack.back();
      stack.pop_back();
      for (Operation *op : groups[id].ops)
        for (Operation *user : op->getUsers()) {
          auto found = groupOf.find(user);
          if (found == groupOf.end() || found->second == id) continue;
          unsigned next = found->second;
          if (next == second && id != first) return true;
          if (place[next] >= place[second] || seen[place[next] - place[first]]) continue;
          seen[place[next] - place[first]] = true;
          after.push_back(next);
          stack.push_back(next);
        }
    }
    return false;
  }

  /// Joins both groups into `second`, and moves those in `after` behind it.
  void merge(unsigned first, unsigned second, const std::vector<unsigned> &after) {
    for (Operation *op : groups[first].ops) groupOf[op] = second;
    llvm::append_range(groups[second].ops, groups[first].ops);
    groups[first].ops.clear();

    std::vector<bool> isAfter(place[second] - place[first], false);
    for (unsigned id : after) isAfter[place[id] - place[first]] = true;
    std::vector<unsigned> before, behind;
    unsigned begin = place[first], end = place[second];
    for (unsigned k = begin + 1; k < end; ++k) (isAfter[k - begin] ? behind : before).push_back(order[k]);
    std::vector<unsigned> window(std::move(before));
    window.push_back(first); // empty now; keeps places and ids in step
    window.push_back(second);
    llvm::append_range(window, behind);
    for (unsigned k = 0; k < window.size(); ++k) {
      order[begin + k] = window[k];
      place[window[k]] = begin + k;
    }
  }

  std::vector<Group> groups;
  llvm::DenseMap<Operation *, unsigned> groupOf;
  std::vector<unsigned> order; ///< group ids in a topological order
  std::vector<unsigned> place; ///< where a group id stands in `order`
};

} // namespace

std::vector<std::vector<Operation *>> findFusionGroups(Block &block) {
  auto groups = Grouping(block).inOrder();
  llvm::erase_if(groups, [](const std::vector<Operation *> &group) { return group.empty(); });
  return groups;
}

} // namespace drawloom
