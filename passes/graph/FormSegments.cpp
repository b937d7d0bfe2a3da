// drawloom-form-segments: which forward values the backward pass recomputes instead of keeping.
#include "passes/Names.h"
#include "passes/Passes.h"
#include "passes/graph/Layers.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_FORMSEGMENTS
#include "passes/Passes.h.inc"

namespace {

/// Each mode recomputes what those before it do.
enum class Mode { None, Elementwise, Attention, Block, All };

std::optional<Mode> parseMode(StringRef text) {
  if (text == "none") return Mode::None;
  if (text == "elementwise") return Mode::Elementwise;
  if (text == "attention") return Mode::Attention;
  if (text == "block") return Mode::Block;
  if (text == "all") return Mode::All;
  return std::nullopt;
}

/// A mode for each layer, by the layer's name.
using Modes = llvm::StringMap<Mode>;

/// The name of the segment that `op` belongs to; empty if none.
StringRef segmentOf(Operation &op, const Modes &modes) {
  auto [layer, part] = layerAndPart(op);
  if (layer.empty()) return {};
  Mode mode = modes.lookup(layer);
  if (mode == Mode::Block || mode == Mode::All) return layer;
  return mode == Mode::Attention && part == "attention"
             ? op.getAttrOfType<StringAttr>(kSegmentAttr).getValue()
             : StringRef();
}

/// A run of neighbouring ops of one segment.
struct Run {
  StringRef segment;
  SmallVector<Operation *> ops;
};

/// All runs, in program order.
std::vector<Run> findRuns(Block &block, const Modes &modes) {
  std::vector<Run> runs;
  StringRef current;
  for (Operation &op : block.without_terminator()) {
    StringRef segment = segmentOf(op, modes);
    if (!segment.empty()) {
      if (segment != current) runs.push_back({segment, {}});
      runs.back().ops.push_back(&op);
    }
    current = segment;
  }
  return runs;
}

/// Marks the elementwise ops outside of segments that the backward pass computes again: those whose operand
/// it reads anyway, and whose result it would read beside it.
unsigned markElementwise(Block &block, const Modes &modes) {
  unsigned count = 0;
  for (auto gelu : block.getOps<GeluOp>()) {
    if (modes.lookup(layerAndPart(*gelu).first) == Mode::None) continue;
    gelu->setAttr(kRepeatAttr, UnitAttr::get(gelu->getContext()));
    ++count;
  }
  return count;
}

/// Moves `run` into a new segment op at its place. `keeps`: what is marked to be kept is not recomputed.
void wrap(ArrayRef<Operation *> run, StringRef name, bool keeps) {
  llvm::SmallPtrSet<Operation *, 32> members(run.begin(), run.end());
  llvm::SetVector<Value> inputs;
  SmallVector<Value> results, kept;
  for (Operation *op : run) {
    for (Value operand : op->getOperands())
      if (!members.contains(operand.getDefiningOp())) inputs.insert(operand);
    for (Value result : op->getResults()) {
      if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !members.contains(user); }))
        results.push_back(result);
      if (keeps && op->hasAttr(kKeepAttr)) kept.push_back(result);
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

  /// The option as modes; fails for a word that is none, and for a list of another length than the layers.
  FailureOr<Modes> parseModes(ArrayRef<StringRef> layers) {
    SmallVector<Mode> parsed;
    for (const std::string &text : modes) {
      std::optional<Mode> mode = parseMode(text);
      if (!mode)
        return getOperation().emitError()
               << "drawloom-form-segments: mode is none, elementwise, attention, block or all, not '" << text
               << "'";
      parsed.push_back(*mode);
    }
    if (parsed.empty()) parsed.push_back(Mode::None);
    if (parsed.size() != 1 && parsed.size() != layers.size() && !layers.empty())
      return getOperation().emitError()
             << "drawloom-form-segments: " << parsed.size() << " modes for " << layers.size() << " layers";
    Modes result;
    for (auto [k, layer] : llvm::enumerate(layers)) result[layer] = parsed[parsed.size() == 1 ? 0 : k];
    return result;
  }

  void runOnOperation() override {
    auto loss = getOperation().lookupSymbol<func::FuncOp>(kLossFunction);
    SmallVector<StringRef> layers;
    if (loss) layers = findLayers(loss.getBody().front());
    FailureOr<Modes> modes = parseModes(layers);
    if (failed(modes)) return signalPassFailure();
    if (!loss) return;
    for (const Run &run : findRuns(loss.getBody().front(), *modes)) {
      Mode mode = modes->lookup(layerAndPart(*run.ops.front()).first);
      wrap(run.ops, run.segment, /*keeps=*/mode != Mode::All);
      ++numSegments;
    }
    numRepeated += markElementwise(loss.getBody().front(), *modes);
  }
};

} // namespace
} // namespace drawloom
