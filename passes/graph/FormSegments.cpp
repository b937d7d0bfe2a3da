// drawloom-form-segments: which forward values the backward pass recomputes instead of keeping.
#include "passes/Names.h"
#include "passes/Passes.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_FORMSEGMENTS
#include "passes/Passes.h.inc"

namespace {

enum class Mode { None, Attention, Block };

std::optional<Mode> parseMode(StringRef text) {
  if (text == "none") return Mode::None;
  if (text == "attention") return Mode::Attention;
  if (text == "block") return Mode::Block;
  return std::nullopt;
}

/// The name of the segment that `op` belongs to in `mode`; empty if none.
StringRef segmentOf(Operation &op, Mode mode) {
  auto label = op.getAttrOfType<StringAttr>(kSegmentAttr);
  if (!label) return {};
  auto [layer, part] = label.getValue().rsplit('.');
  if (mode == Mode::Block) return layer;
  return mode == Mode::Attention && part == "attention" ? label.getValue() : StringRef();
}

/// Runs of neighbouring ops of one segment, in program order.
std::vector<SmallVector<Operation *>> findRuns(Block &block, Mode mode) {
  std::vector<SmallVector<Operation *>> runs;
  StringRef current;
  for (Operation &op : block.without_terminator()) {
    StringRef segment = segmentOf(op, mode);
    if (!segment.empty()) {
      if (segment != current) runs.emplace_back();
      runs.back().push_back(&op);
    }
    current = segment;
  }
  return runs;
}

/// Moves `run` into a new segment op at its place.
void wrap(ArrayRef<Operation *> run, StringRef name) {
  llvm::SmallPtrSet<Operation *, 32> members(run.begin(), run.end());
  llvm::SetVector<Value> inputs;
  SmallVector<Value> results, kept;
  for (Operation *op : run) {
    for (Value operand : op->getOperands())
      if (!members.contains(operand.getDefiningOp())) inputs.insert(operand);
    for (Value result : op->getResults()) {
      if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !members.contains(user); }))
        results.push_back(result);
      if (op->hasAttr(kKeepAttr)) kept.push_back(result);
    }
  }

  SmallVector<Value> yielded(results);
  yielded.append(kept);
  OpBuilder builder(run.back());
  builder.setInsertionPointAfter(run.back());
  SmallVector<Location> locs;
  for (Operation *op : run) locs.push_back(op->getLoc());
  Location loc = builder.getFusedLoc(locs);
  auto segment =
      SegmentOp::create(builder, loc, ValueRange(yielded).getTypes(), inputs.getArrayRef(), kept.size());
  segment->setAttr(kLabelAttr, builder.getStringAttr(name));

  Block *body = builder.createBlock(&segment.getBody());
  for (Value input : inputs) body->addArgument(input.getType(), input.getLoc());
  for (Operation *op : run) op->moveBefore(body, body->end());
  for (auto [k, argument] : llvm::enumerate(body->getArguments())) {
    Value input = inputs[k];
    input.replaceUsesWithIf(argument, [&](OpOperand &use) { return members.contains(use.getOwner()); });
  }
  for (auto [inner, outer] : llvm::zip_first(results, segment.getResults()))
    inner.replaceUsesWithIf(outer, [&](OpOperand &use) { return !members.contains(use.getOwner()); });
  builder.setInsertionPointToEnd(body);
  YieldOp::create(builder, loc, yielded);
}

struct FormSegments : impl::FormSegmentsBase<FormSegments> {
  using FormSegmentsBase::FormSegmentsBase;

  void runOnOperation() override {
    std::optional<Mode> parsed = parseMode(mode);
    if (!parsed) {
      getOperation().emitError() << "drawloom-form-segments: mode is none, attention or block, not '" << mode
                                 << "'";
      return signalPassFailure();
    }
    auto loss = getOperation().lookupSymbol<func::FuncOp>(kLossFunction);
    if (!loss || *parsed == Mode::None) return;
    for (ArrayRef<Operation *> run : findRuns(loss.getBody().front(), *parsed)) {
      wrap(run, segmentOf(*run.front(), *parsed));
      ++numSegments;
    }
  }
};

} // namespace
} // namespace drawloom
