#include "passes/attention/gpu/LowerForward.h"
#include "passes/attention/gpu/ForwardKernel.h"
#include "passes/memory/Layout.h"
#include <limits>

using namespace mlir;

namespace drawloom::attention {
namespace {

constexpr int64_t kOutArgument = 3, kLseArgument = 4;
constexpr size_t kMostCuts = 16; ///< that a tuning has to choose from

bool isTensorCoreDim(int64_t channels) { return channels % 16 == 0 && channels <= 256; }

void setLaunchShape(const ForwardKernel &kernel, const ForwardCut &cut, const TileKernel &k) {
  describeBlock(k, kernel.threads(), kernel.sharedBytes(), cut.blocks);
  if (cut.items > 1) k.kernel.function->setAttr(kItemsAttr, k.b.getI64IntegerAttr(cut.items));
}

/// What the tuning says of the cuts.
ForwardCut chooseCut(AttendOp op, Context &context, const Shape &shape, ArrayRef<ViewAttr> views,
                     bool continues, ArrayRef<ForwardCut> cuts) {
  if (!context.choices.areAsked()) return cuts.front();
  std::vector<std::string> texts;
  for (const ForwardCut &cut : cuts) texts.push_back(describeCut(cut));
  std::string problem = problemOf("attend", op.getQ(), shape, views, continues, context);
  return cuts[context.choices.choose(op, problem, texts)];
}

} // namespace

bool hasWarpKernels(AttendOp op, Context &context) {
  if ((context.options.target != "sm_90a" && context.options.target != "sm_80") ||
      !op.getView().getPredicate().empty())
    return false;
  Shape shape = shapeOf(op.getQ(), op.getV(), op.getHeads(), 1.0);
  if (!isTensorCoreDim(shape.dQk) || !isTensorCoreDim(shape.dV)) return false;
  Type element = cast<RankedTensorType>(op.getQ().getType()).getElementType();
  if (!element.isBF16() && !element.isF16()) return false;
  return llvm::all_of(ValueRange{op.getQ(), op.getK(), op.getV(), op.getOut()}, [&](Value v) {
    return cast<RankedTensorType>(v.getType()).getElementType() == element && rowStride(v) % 8 == 0;
  });
}

/// The op that goes on from `op`, if nobody else uses what `op` gives and it attends with the same operands.
static AttendOp continuationOf(AttendOp op) {
  if (!op.getOut().hasOneUse() || !op.getLse().hasOneUse()) return {};
  auto next = dyn_cast<AttendOp>(*op.getOut().user_begin());
  if (!next || next.getOut0() != op.getOut() || next.getLse0() != op.getLse()) return {};
  bool isAlike = next.getQ() == op.getQ() && next.getK() == op.getK() && next.getV() == op.getV() &&
                 next.getHeads() == op.getHeads() && next.getScale() == op.getScale();
  return isAlike ? next : AttendOp();
}

/// `op` and the ops after it that have the same query tiles, with their views: what one kernel computes.
static SmallVector<std::pair<AttendOp, ViewAttr>, 2> chainFrom(AttendOp op, const Shape &shape,
                                                               Context &context) {
  SmallVector<std::pair<AttendOp, ViewAttr>, 2> chain{{op, op.getView()}};
  for (AttendOp next = continuationOf(op); next && hasWarpKernels(next, context);
       next = continuationOf(next)) {
    if (next.getView().getHeads() != op.getView().getHeads() ||
        context.factsOf(next.getView(), shape).pairs == 0)
      break;
    ViewAttr first = context.inPositions(op.getView(), shape.n),
             view = context.inPositions(next.getView(), shape.n);
    if (!first || !view) break;
    chain.front().second = first;
    chain.push_back({next, view});
  }
  return chain;
}

LogicalResult lowerToWarps(AttendOp op, Context &context) {
  OpBuilder b(op);
  Shape shape = shapeOf(op.getQ(), op.getV(), op.getHeads(), op.getScale().convertToDouble());
  auto chain = chainFrom(op, shape, context);
  SmallVector<ViewAttr, 2> views;
  for (auto [part, view] : chain) views.push_back(view);
  ViewAttr longest = views.front(); // the one with most pairs decides how the kernel is cut
  ViewFacts facts = context.factsOf(longest, shape);
  int64_t pairs = 0, keys = 0;
  for (ViewAttr view : views) {
    ViewFacts f = context.factsOf(view, shape);
    if (f.pairs > context.factsOf(longest, shape).pairs) longest = view;
    pairs += f.pairs, keys = std::max(keys, f.keys);
  }
  Value out0 = op.getOut0(), lse0 = op.getLse0();
  bool continues = bool(out0);
  if (!out0 && !facts.coversRows) {
    out0 = filled(b, op.getLoc(), op.getOut().getType(), 0.0);
    lse0 = filled(b, op.getLoc(), op.getLse().getType(), -std::numeric_limits<double>::infinity());
  }
  int64_t heads = longest.getHeads().size();
  PieceView piece = toView(longest);
  ForwardWork work{shape.dQk,
                   shape.dV,
                   facts.rows,
                   keys,
                   facts.slices * heads * shape.batch,
                   continues,
                   /*isBulk=*/false,
                   facts.slices > 1,
                   context.options.target == "sm_90a"};
  work.isBulk = work.isHopper;
  auto keysAreBoxes = [&](const ForwardCut &cut) {
    return work.isHopper &&
           llvm::all_of(views, [&](ViewAttr view) { return context.keysAreBoxes(view, cut.columns); });
  };
  auto areBoxes = [&](const ForwardCut &cut) {
    return context.queriesAreBoxes(longest, cut.rows()) && keysAreBoxes(cut);
  };
  auto cutsOf = [&]() -> SmallVector<ForwardCut> {
    ArrayRef<int64_t> given = context.options.forwardCut;
    if (given.empty()) return forwardCuts(piece, work, context.choices.areAsked() ? kMostCuts : 1);
    ForwardCut cut{given[0], given[1], given[2], given[3],     given[4] != 0,
                   given[5], given[6], 1,        given[7] != 0};
    cut.expectsNoGreater = given[8] != 0;
    shareOut(work, cut);
    return {cut};
  };
  SmallVector<ForwardCut> cuts = cutsOf();
  if (work.isBulk && !areBoxes(cuts.front())) {
    work.isBulk = false;
    cuts = cutsOf();
  }
  if (work.isBulk) llvm::erase_if(cuts, [&](const ForwardCut &cut) { return !areBoxes(cut); });
  ForwardCut cut = chooseCut(op, context, shape, views, continues, cuts);
  BatchOrder order = batchOrderAfter(op.getOut0());
  ForwardSpec forward{shape,
                      views,
                      cut,
                      continues,
                      order,
                      facts.slices,
                      int64_t(llvm::divideCeil(facts.rows, cut.rows())),
                      keys,
                      keysAreBoxes(cut),
                      work.isHopper && views.size() == 2 &&
                          startsWithOneTile(toView(views[0]), toView(views[1]), cut),
                      work.isHopper};

  LaunchSpec spec;
  spec.name = "attend";
  spec.inputs = {op.getQ(), op.getK(), op.getV()};
  if (out0) spec.inputs.append({out0, lse0});
  spec.inplace = out0 ? SmallVector<int64_t>{kOutArgument, kLseArgument} : SmallVector<int64_t>{-1, -1};
  spec.results = {op.getOut().getType(), op.getLse().getType()};
  for (Value v : {op.getQ(), op.getK(), op.getV(), op.getOut(), op.getLse()})
    spec.memrefs.push_back(kernelMemRefType(v));
  spec.grid = forward.grid();
  spec.flops = 2 * (shape.dQk + shape.dV) * pairs * shape.batch;
  spec.bytes = bytesOf({op.getQ(), op.getK(), op.getV(), op.getOut(), op.getLse()}, heads, shape.heads);
  spec.key = describe(shape, {cut.rows(), cut.columns}) + describeCut(cut) +
             (continues ? ",continues," : ",starts,") + (order == BatchOrder::Backwards ? "backwards," : "");
  for (ViewAttr view : views) spec.key += print(view);
  MapList maps;
  auto made = launch(context, b, op, spec, [&](const TileKernel &k) {
    ForwardKernel kernel(k, forward, maps);
    kernel.build();
    setLaunchShape(kernel, cut, k);
  });
  if (failed(made)) return failure();
  chain.back().first->replaceAllUsesWith(*made);
  for (auto [part, view] : llvm::reverse(chain)) {
    if (part != op) context.merged.insert(part);
    part.erase();
  }
  return success();
}

} // namespace drawloom::attention
