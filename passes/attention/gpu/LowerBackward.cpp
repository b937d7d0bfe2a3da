#include "passes/attention/gpu/LowerBackward.h"
#include "dialect/ir/Attributes.h"
#include "dialect/pattern/PackSlices.h"
#include "dialect/pattern/ViewQuery.h"
#include "passes/attention/gpu/LowerOwners.h"
#include "passes/attention/gpu/SliceKernel.h"
#include "passes/attention/gpu/WindowKernel.h"
#include "passes/memory/Layout.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

constexpr int64_t kShortSlice = 32; ///< rows of a slice that is packed with others

bool is16Bit(Value v) {
  Type element = cast<RankedTensorType>(v.getType()).getElementType();
  return element.isBF16() || element.isF16();
}

bool isTensorCoreDim(int64_t channels) { return channels % 16 == 0 && channels <= 256; }

/// Sets the operands up for where delta comes from. Delta that is given becomes a launch here if it is none
/// yet.
LogicalResult setDelta(Operands &operands, DeltaSource source, AttendGradOp op, Context &context) {
  if (source == DeltaSource::Given) {
    if (failed(lowerDeltaOf(op, context))) return failure();
    operands.inputs[kDelta] = op.getDelta();
    return success();
  }
  operands.inputs[kDelta] = op.getDelta().getDefiningOp<AttentionDeltaOp>().getOut();
  if (source == DeltaSource::MadeAndKept) operands.keptDelta = op.getDelta();
  return success();
}

/// One launch whose blocks have a slice each.
LogicalResult launchSlices(AttendGradOp op, Context &context, const SliceSpec &slices,
                           const Operands &operands, int64_t pairs, SmallVector<Value> &results) {
  OpBuilder b(op);
  const Shape &shape = slices.shape;
  LaunchSpec spec = launchSpecOf(operands, {0, 1, 2}, shape, slices.view, "attend_grad_slices");
  llvm::raw_string_ostream(spec.key) << slices.continues << "," << slices.slices << "," << int(slices.delta);
  spec.flops = 2 * (3 * shape.dQk + 2 * shape.dV) * pairs * shape.batch;
  spec.grid = slices.items();
  MapList maps;
  auto made = launch(context, b, op, spec, [&](const TileKernel &k) {
    SliceKernel kernel(k, slices, maps);
    kernel.build();
    describeBlock(k, kernel.threads(), kernel.sharedBytes(), slices.cut.blocks);
  });
  if (failed(made)) return failure();
  results.assign((*made)->result_begin(), (*made)->result_end());
  return success();
}

/// One launch whose blocks slide along the window.
LogicalResult launchWindow(AttendGradOp op, Context &context, const WindowSpec &window,
                           const Operands &operands, int64_t pairs, SmallVector<Value> &results) {
  OpBuilder b(op);
  const Shape &shape = window.shape;
  LaunchSpec spec = launchSpecOf(operands, {0, 1, 2}, shape, window.view, "attend_grad_window");
  const WindowCut &cut = window.cut;
  llvm::raw_string_ostream(spec.key) << cut.width << "," << cut.groups << "," << cut.queryStages << ","
                                     << cut.valueStages << "," << window.continues << "," << window.segments
                                     << "," << window.steps;
  spec.flops = 2 * (3 * shape.dQk + 2 * shape.dV) * pairs * shape.batch;
  spec.grid = window.items();
  MapList maps;
  auto made = launch(context, b, op, spec, [&](const TileKernel &k) {
    WindowKernel kernel(k, window, maps);
    kernel.build();
    describeBlock(k, kernel.threads(), kernel.sharedBytes(), 1);
  });
  if (failed(made)) return failure();
  results.assign((*made)->result_begin(), (*made)->result_end());
  return success();
}

/// How the window kernel does the view, if it does.
std::optional<WindowSpec> windowOf(Context &context, const Shape &shape, ViewAttr view,
                                   const ViewFacts &facts, bool continues) {
  std::optional<int64_t> width = facts.slices == 1 ? context.windowWidth(view) : std::nullopt;
  std::optional<WindowCut> cut = width ? chooseWindowCut(shape, *width) : std::nullopt;
  if (!cut) return std::nullopt;
  int64_t steps = llvm::divideCeil(std::max(facts.rows, facts.keys), kGroupRows * cut->groups);
  int64_t segments = chooseSegments(*cut, steps, shape.batch * int64_t(view.getHeads().size()));
  int64_t ofSegment = llvm::divideCeil(steps, segments);
  return WindowSpec{shape, view, *cut, continues, int64_t(llvm::divideCeil(steps, ofSegment)), ofSegment};
}

/// Short slices side by side, where tiles stay boxes.
ViewAttr packed(ViewAttr view) {
  PieceView before = toView(view);
  ViewEvaluator at(before);
  int64_t head = before.heads.front();
  if (at.slices(head) < 2 || at.rows(head, 0) > kShortSlice || at.keys(head, 0) > kShortSlice) return view;
  return ViewAttr::get(view.getContext(), packToFill(before, kGroupRows));
}

/// An op as these kernels see it.
struct Task {
  Shape shape;
  ViewAttr view;
  ViewFacts whole, facts; ///< of the op's view; of `view`
  bool continues;         ///< there is something that gradients are added to

  /// The cut of blocks that have a slice each, if they can.
  std::optional<SliceCut> sliceCut() const {
    return chooseSliceCut(shape, toView(view), facts.rows, facts.keys, continues);
  }
  OwnedView owned() const { return {shape, view, facts, continues, whole.coversRows, whole.coversKeys}; }
};

Task taskOf(AttendGradOp op, Context &context) {
  Shape shape = shapeOf(op.getQ(), op.getV(), op.getHeads(), op.getScale().convertToDouble());
  ViewAttr view = packed(op.getView());
  return {shape, view, context.factsOf(op.getView(), shape), context.factsOf(view, shape), bool(op.getDq0())};
}

/// Which kernels make a view's gradients. The first that there is, is the cost model's.
enum class Way { Slices, Window, Relay, Owners };
constexpr const char *kWayNames[] = {"slices", "window", "relay", "owners"};

struct Ways {
  std::optional<SliceCut> slices;
  std::optional<WindowSpec> window;
  bool relay = false;
};

/// All of them if a tuning asks, else up to the first.
Ways waysOf(Context &context, const Task &task) {
  bool areAsked = context.choices.areAsked();
  Ways ways;
  ways.slices = task.sliceCut();
  if (ways.slices && !areAsked) return ways;
  ways.window = windowOf(context, task.shape, task.view, task.facts, task.continues);
  if (ways.window && !areAsked) return ways;
  ways.relay = canRelay(context, task.owned());
  return ways;
}

Way chooseWay(AttendGradOp op, Context &context, const Task &task, const Ways &ways) {
  SmallVector<Way> list;
  if (ways.slices) list.push_back(Way::Slices);
  if (ways.window) list.push_back(Way::Window);
  if (ways.relay) list.push_back(Way::Relay);
  list.push_back(Way::Owners);
  if (!context.choices.areAsked()) return list.front();
  std::vector<std::string> names;
  for (Way way : list) names.push_back(kWayNames[int(way)]);
  std::string problem =
      problemOf("attend_grad", op.getQ(), task.shape, {op.getView()}, task.continues, context);
  return list[context.choices.choose(op, problem, names)];
}

} // namespace

bool hasWarpKernels(AttendGradOp op, Context &context) {
  Operands operands(op);
  if (context.options.target != "sm_90a") return false;
  Shape shape = shapeOf(op.getQ(), op.getV(), op.getHeads(), 1.0);
  if (!isTensorCoreDim(shape.dQk) || !isTensorCoreDim(shape.dV)) return false;
  Type element = cast<RankedTensorType>(op.getQ().getType()).getElementType();
  for (Value v : {op.getDout(), op.getQ(), op.getK(), op.getV(), op.getDq(), op.getDk(), op.getDv()})
    if (!is16Bit(v) || cast<RankedTensorType>(v.getType()).getElementType() != element ||
        rowStride(v) % 8 != 0)
      return false;
  ViewAttr view = op.getView();
  return view.getPredicate().empty() && context.factsOf(view, shape).keysAreDisjoint;
}

DeltaSource deltaOfWarps(AttendGradOp op, Context &context) {
  Task task = taskOf(op, context);
  if (task.whole.pairs == 0) return DeltaSource::Made; // there is no kernel
  return task.sliceCut() ? deltaSource(op, task.whole.coversRows) : DeltaSource::Given;
}

LogicalResult lowerToWarps(AttendGradOp op, Context &context) {
  OpBuilder b(op);
  Task task = taskOf(op, context);
  const auto &[shape, view, whole, facts, continues] = task;
  Operands operands(op);
  SmallVector<Value> results(3);
  auto finish = [&] {
    if (operands.keptDelta) operands.keptDelta.replaceAllUsesExcept(results.pop_back_val(), op);
    op.replaceAllUsesWith(results);
    eraseWithDelta(op);
    return success();
  };
  auto fillWhatIsLeft = [&] {
    if (!whole.coversRows || !whole.coversKeys) operands.startFromZeros(b, op.getLoc(), {0, 1, 2});
  };
  Ways ways = waysOf(context, task);
  Way way = chooseWay(op, context, task, ways);
  switch (way) {
  case Way::Slices: {
    DeltaSource delta = deltaSource(op, whole.coversRows);
    if (failed(setDelta(operands, delta, op, context))) return failure();
    fillWhatIsLeft();
    SliceSpec slices{shape, view, *ways.slices, continues, facts.slices, delta};
    if (failed(launchSlices(op, context, slices, operands, facts.pairs, results))) return failure();
    return finish();
  }
  case Way::Window:
    if (failed(setDelta(operands, DeltaSource::Given, op, context))) return failure();
    fillWhatIsLeft();
    if (failed(launchWindow(op, context, *ways.window, operands, facts.pairs, results))) return failure();
    return finish();
  case Way::Relay:
  case Way::Owners:
    if (failed(setDelta(operands, DeltaSource::Given, op, context))) return failure();
    if (failed(lowerToOwners(op, context, task.owned(), way == Way::Relay, operands, results)))
      return failure();
    return finish();
  }
  llvm_unreachable("every way returns");
}

} // namespace drawloom::attention
