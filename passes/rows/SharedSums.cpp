// The gradients of biases and norms are sums over rows that nothing reads but who called the function. On a
// GPU the launches that finish them, of a few hundred elements each, wait for one another and become one.
#include "passes/rows/GpuKernels.h"
#include "passes/rows/TensorTable.h"

using namespace mlir;

namespace drawloom::rows {
namespace {

/// Bytes of partial sums that a launch waits for: they stay in the card's cache, and the plan of memory
/// hardly sees them.
constexpr int64_t kMostBytes = 16 << 20;
/// Each sum has two pointers.
constexpr size_t kMostSums = kMaxParameterBytes / 16;

/// Launches on their way to become one. Their sums have as many items each.
class Batch {
public:
  explicit Batch(LoweringContext &context) : context(context) {}

  bool hasRoomFor(LaunchOp launch) const {
    SmallVector<PartialSum> more = sumsOf(launch);
    return launches.empty() ||
           (bytes + bytesOf(more) <= kMostBytes && sums.size() + more.size() <= kMostSums);
  }

  void add(LaunchOp launch) {
    launches.push_back(launch);
    SmallVector<PartialSum> more = sumsOf(launch);
    bytes += bytesOf(more);
    llvm::append_range(sums, more);
  }

  /// The joint launch stands in place of the last one.
  LogicalResult join() {
    if (launches.size() > 1) {
      OpBuilder b(launches.back());
      FailureOr<SmallVector<Value>> totals =
          sumPartialsOnGpu(context, b, launches.back().getLoc(), sums, "sums over rows");
      if (failed(totals)) return failure();
      ArrayRef<Value> rest = *totals;
      for (LaunchOp launch : launches) {
        unsigned count = launch.getNumResults();
        launch->replaceAllUsesWith(ValueRange(rest.take_front(count)));
        launch.erase();
        rest = rest.drop_front(count);
      }
      context.launches -= int64_t(launches.size());
    }
    launches.clear();
    sums.clear();
    bytes = 0;
    return success();
  }

private:
  /// Operands: all partial sums, then what some of them are added to and written over.
  static SmallVector<PartialSum> sumsOf(LaunchOp launch) {
    SmallVector<PartialSum> result;
    for (OpResult sum : launch->getResults()) {
      unsigned k = sum.getResultNumber();
      int64_t tie = launch.getInplace().empty() ? -1 : launch.getInplace()[k];
      result.push_back({launch.getInputs()[k], tie < 0 ? Value() : launch.getInputs()[tie],
                        cast<RankedTensorType>(sum.getType())});
    }
    return result;
  }

  static int64_t bytesOf(ArrayRef<PartialSum> sums) {
    int64_t bytes = 0;
    for (const PartialSum &sum : sums) bytes += sum.items() * sum.result.getNumElements() * 4;
    return bytes;
  }

  LoweringContext &context;
  SmallVector<LaunchOp> launches;
  SmallVector<PartialSum> sums;
  int64_t bytes = 0;
};

int64_t itemsOf(LaunchOp launch) {
  return cast<RankedTensorType>(launch.getInputs()[0].getType()).getDimSize(0);
}

/// True if nothing in the block reads the sums.
bool onlyLeaves(LaunchOp launch) {
  return llvm::all_of(launch->getUsers(),
                      [&](Operation *user) { return user == launch->getBlock()->getTerminator(); });
}

} // namespace

LogicalResult shareSums(ModuleOp module, LoweringContext &context) {
  llvm::MapVector<Block *, SmallVector<LaunchOp>> blocks;
  module.walk([&](LaunchOp launch) {
    if (launch->removeAttr(kSumsAttr) && onlyLeaves(launch)) blocks[launch->getBlock()].push_back(launch);
  });
  for (auto &[block, launches] : blocks) {
    std::map<int64_t, Batch> batches; // by the number of items
    for (LaunchOp launch : launches) {
      Batch &batch = batches.try_emplace(itemsOf(launch), context).first->second;
      if (!batch.hasRoomFor(launch) && failed(batch.join())) return failure();
      batch.add(launch);
    }
    for (auto &[items, batch] : batches)
      if (failed(batch.join())) return failure();
  }
  module.walk([](LaunchOp launch) { launch->removeAttr(kSumsAttr); });
  return success();
}

} // namespace drawloom::rows
