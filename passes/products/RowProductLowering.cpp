#include "passes/products/RowProductLowering.h"
#include "passes/memory/Layout.h"
#include "passes/products/RowProductKernel.h"

using namespace mlir;

namespace drawloom::products {

static RankedTensorType tensorOf(Value value) { return cast<RankedTensorType>(value.getType()); }

RowProductLowering::RowProductLowering(FusionOp fusion, rows::LoweringContext &context)
    : FusionLowering(fusion, context), product(cast<MatmulOp>(body->front())),
      cut(chooseRowCut(rowLength(tensorOf(product.getOut())))) {}

void RowProductLowering::chooseTeams() {
  FusionLowering::chooseTeams();
  shape.threads = cut.groups * kGroupThreads; // others bring tiles and multiply
  bool hasSums = llvm::any_of(
      results, [](const rows::ResultPlan &result) { return result.how == rows::ResultPlan::ColumnSum; });
  shape.rowsTogether = hasSums ? 2 : 4; // what registers hold
  shape.aheadRegisters = 24;
  shape.keepsSharedRows = true;
  space.perItem = rows::rowsPerPartial(space.rows);
}

std::string RowProductLowering::describe() {
  return FusionLowering::describe() + ";p" + std::to_string(cut.passColumns) + "," +
         std::to_string(cut.stages);
}

unsigned RowProductLowering::placeOf(Value argument) const {
  return llvm::find(arguments, cast<BlockArgument>(argument).getArgNumber()) - arguments.begin();
}

LogicalResult RowProductLowering::build(rows::KernelBuilder &kernel) {
  ValueRange memrefs = memrefsOf(kernel);
  SmallVector<Value> siteNumbers = siteValues(kernel);
  RankedTensorType out = tensorOf(product.getOut());
  RowProductSpec spec{placeOf(product.getA()),
                      placeOf(product.getB()),
                      space.rows,
                      rowLength(out),
                      rowLength(tensorOf(product.getA())),
                      product.getTransposeB(),
                      space.perItem,
                      cut};
  rows::IndexBuilder k(kernel);
  MapList maps;
  RowProductKernel whole(k, spec, maps);
  rows::RowProgram program;
  rows::RowOps ops(kernel, program, space, context.machine, arguments, memrefs.take_front(arguments.size()));
  auto give = [&](const rows::TileContext &at, ArrayRef<rows::Tile>) {
    return rows::Tile{whole.loadProduct(at)};
  };
  ops.give(product.getOut(), program.mapTile({}, spec.columns, give));
  if (failed(addTo(program, ops, siteNumbers, memrefs.drop_front(arguments.size())))) return failure();
  rows::TeamEmitter emitter(program, space, shape);
  whole.build(emitter);
  rows::setLaunchShape(kernel.function, whole.threads(), cut.groups, whole.sharedBytes(), /*minBlocks=*/1);
  if (emitter.readsAsPlanned()) planReuse(kernel, program, ops);
  return success();
}

} // namespace drawloom::products
