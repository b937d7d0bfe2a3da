#include "passes/attention/gpu/LowerForward.h"
#include "passes/attention/gpu/ForwardKernel.h"
#include "passes/memory/Layout.h"
#include <limits>

using namespace mlir;

namespace drawloom::attention {
namespace {

constexpr int64_t kOutArgument = 3, kLseArgument = 4;

bool isTensorCoreDim(int64_t channels) { return channels % 16 == 0 && channels <= 256; }

void setLaunchShape(const ForwardKernel &kernel, const ForwardCut &cut, const TileKernel &k) {
  func::FuncOp function = k.kernel.function;
  function->setAttr(kThreadsAttr, k.b.getI64IntegerAttr(kernel.threads()));
  function->setAttr(kSharedAttr, k.b.getI64IntegerAttr(kernel.sharedBytes()));
  if (cut.items > 1) function->setAttr(kItemsAttr, k.b.getI64IntegerAttr(cut.items));
  function->setAttr("drawloom.min_blocks", k.b.getI64IntegerAttr(cut.blocks));
  function->setAttr(kFlushDenormalsAttr, k.b.getUnitAttr());
}

std::string describeCut(const ForwardCut &c) {
  std::string text;
  llvm::raw_string_ostream(text) << c.groups << "," << c.columns << "," << c.queryStages << "," << c.keyStages
                                 << "," << c.queriesInRegisters << "," << c.blocks << ","
                                 << c.consumerRegisters << "," << c.items << "," << c.longestFirst << ","
                                 << c.launched << ",";
  return text;
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

LogicalResult lowerToWarps(AttendOp op, Context &context) {
  OpBuilder b(op);
  Shape shape = shapeOf(op.getQ(), op.getV(), op.getHeads(), op.getScale().convertToDouble());
  ViewAttr view = op.getView();
  ViewFacts facts = context.factsOf(view, shape);
  Value out0 = op.getOut0(), lse0 = op.getLse0();
  bool continues = bool(out0);
  if (!out0 && !facts.coversRows) {
    out0 = filled(b, op.getLoc(), op.getOut().getType(), 0.0);
    lse0 = filled(b, op.getLoc(), op.getLse().getType(), -std::numeric_limits<double>::infinity());
  }
  int64_t heads = view.getHeads().size();
  PieceView piece = toView(view);
  ForwardWork work{shape.dQk,
                   shape.dV,
                   facts.rows,
                   facts.keys,
                   facts.slices * heads * shape.batch,
                   continues,
                   /*isBulk=*/false,
                   facts.slices > 1,
                   context.options.target == "sm_90a"};
  work.isBulk = work.isHopper;
  auto choose = [&] {
    ArrayRef<int64_t> given = context.options.forwardCut;
    if (given.empty()) return chooseForwardCut(piece, work);
    ForwardCut cut{given[0], given[1], given[2], given[3],     given[4] != 0,
                   given[5], given[6], 1,        given[7] != 0};
    shareOut(work, cut);
    return cut;
  };
  ForwardCut cut = choose();
  if (work.isBulk &&
      (!boxOfQueries(piece, cut.rows()) || !boxOfKeys(piece, cut.columns, /*attendedOnly=*/true))) {
    work.isBulk = false;
    cut = choose();
  }
  ForwardSpec forward{shape,      view,         cut,
                      continues,  facts.slices, int64_t(llvm::divideCeil(facts.rows, cut.rows())),
                      facts.keys, work.isHopper};

  LaunchSpec spec;
  spec.name = "attend";
  spec.inputs = {op.getQ(), op.getK(), op.getV()};
  if (out0) spec.inputs.append({out0, lse0});
  spec.inplace = out0 ? SmallVector<int64_t>{kOutArgument, kLseArgument} : SmallVector<int64_t>{-1, -1};
  spec.results = {op.getOut().getType(), op.getLse().getType()};
  for (Value v : {op.getQ(), op.getK(), op.getV(), op.getOut(), op.getLse()})
    spec.memrefs.push_back(kernelMemRefType(v));
  spec.grid = forward.grid();
  spec.flops = 2 * (shape.dQk + shape.dV) * facts.pairs * shape.batch;
  spec.bytes = bytesOf({op.getQ(), op.getK(), op.getV(), op.getOut(), op.getLse()}, heads, shape.heads);
  spec.key = describe(shape, {cut.rows(), cut.columns}) + describeCut(cut) +
             (continues ? "continues," : "starts,") + print(view);
  MapList maps;
  auto made = launch(context, b, op, spec, [&](const TileKernel &k) {
    ForwardKernel kernel(k, forward, maps);
    kernel.build();
    setLaunchShape(kernel, cut, k);
  });
  if (failed(made)) return failure();
  op.replaceAllUsesWith(*made);
  op.erase();
  return success();
}

} // namespace drawloom::attention
