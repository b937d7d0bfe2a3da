// The launches of owners of tiles: what serves every view that slices and windows do not.
#pragma once
#include "passes/attention/gpu/BackwardLaunch.h"

namespace drawloom::attention {

/// A view whose gradients are wanted.
struct OwnedView {
  const Shape &shape;
  ViewAttr view;
  const ViewFacts &facts;
  bool continues;              ///< adds to what the gradients hold
  bool coversRows, coversKeys; ///< the view has every query, every key
};

/// Whether owners of keys can pass dQ on.
bool canRelay(Context &context, const OwnedView &owned);

/// One launch of owners that relay dQ, or else one or two of owners of keys and of queries; `results` become
/// dQ, dK and dV. Gradients that the view leaves rows of start from zeros.
mlir::LogicalResult lowerToOwners(AttendGradOp op, Context &context, const OwnedView &owned, bool relays,
                                  Operands &operands, llvm::SmallVector<Value> &results);

} // namespace drawloom::attention
