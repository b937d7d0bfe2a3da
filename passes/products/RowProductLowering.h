// Lowering a fusion that begins with a product and needs its rows whole.
#pragma once
#include "passes/products/RowProductPlan.h"
#include "passes/rows/FusionLowering.h"

namespace drawloom::products {

/// What row kernels take and give is also what this kernel does, beside the product's operands; blocks have
/// rows as the product's cut says.
class RowProductLowering : public rows::FusionLowering {
public:
  RowProductLowering(FusionOp fusion, rows::LoweringContext &context);

protected:
  void chooseTeams() override;
  std::string describe() override;
  mlir::LogicalResult build(rows::KernelBuilder &kernel) override;

private:
  unsigned placeOf(mlir::Value argument) const;

  MatmulOp product;
  RowProductCut cut;
};

} // namespace drawloom::products
