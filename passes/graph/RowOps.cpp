#include "passes/graph/RowOps.h"
#include "passes/memory/Layout.h"

using namespace mlir;

namespace drawloom {

std::optional<RowShape> describeRowOp(Operation *op) {
  constexpr RowRole Row = RowRole::Row, PerRow = RowRole::PerRow, Shared = RowRole::Shared,
                    Reduced = RowRole::Reduced;
  auto shape = [](Value rows, SmallVector<RowRole, 6> operands, SmallVector<RowRole, 4> results) {
    return RowShape{rowCount(cast<RankedTensorType>(rows.getType())), std::move(operands),
                    std::move(results)};
  };
  return llvm::TypeSwitch<Operation *, std::optional<RowShape>>(op)
      .Case<BiasAddOp>([&](BiasAddOp o) { return shape(o.getX(), {Row, Shared}, {Row}); })
      .Case<AddOp>([&](AddOp o) { return shape(o.getA(), {Row, Row}, {Row}); })
      .Case<CastOp>([&](CastOp o) { return shape(o.getX(), {Row}, {Row}); })
      .Case<GeluOp>([&](GeluOp o) { return shape(o.getX(), {Row}, {Row}); })
      .Case<GeluGradOp>([&](GeluGradOp o) { return shape(o.getX(), {Row, Row}, {Row}); })
      .Case<DropoutOp>([&](DropoutOp o) { return shape(o.getX(), {Row, Shared}, {Row}); })
      .Case<LayerNormOp>(
          [&](LayerNormOp o) { return shape(o.getX(), {Row, Shared, Shared}, {Row, PerRow, PerRow}); })
      .Case<LayerNormGradOp>([&](LayerNormGradOp o) {
        return shape(o.getX(), {Row, Row, Shared, PerRow, PerRow}, {Row, Reduced, Reduced});
      })
      .Case<CrossEntropyOp>([&](CrossEntropyOp o) { return shape(o.getLogits(), {Row, PerRow}, {PerRow}); })
      .Case<CrossEntropyGradOp>(
          [&](CrossEntropyGradOp o) { return shape(o.getLogits(), {PerRow, Row, PerRow}, {Row}); })
      .Case<ColumnSumOp>([&](ColumnSumOp o) {
        RowShape s = shape(o.getX(), {Row}, {Reduced});
        s.operands.resize(o->getNumOperands(), Shared);
        return s;
      })
      .Case<EmbedOp>([&](EmbedOp o) {
        RowShape s = shape(o.getOut(), {PerRow}, {Row});
        s.operands.resize(o->getNumOperands(), Shared);
        return s;
      })
      .Case<AdamOp>([&](AdamOp o) {
        return shape(o.getParam(), {Row, Row, Row, Row, Shared, Shared}, {Row, Row, Row, Row});
      })
      .Case<EmaOp>([&](EmaOp o) { return shape(o.getEma(), {Row, Row, Shared, Shared}, {Row}); })
      .Default([](Operation *) { return std::nullopt; });
}

} // namespace drawloom
