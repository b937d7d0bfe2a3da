// The drawloom dialect's C++ classes: attributes, ops, the differentiation interface.
#pragma once
#include "dialect/Pch.h"
#include "dialect/pattern/View.h"
#include <memory>

namespace drawloom {
class Pattern;
class PatternCache;
} // namespace drawloom

#include "dialect/DrawloomDialect.h.inc"
#include "dialect/DrawloomInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/DrawloomAttrs.h.inc"

#define GET_OP_CLASSES
#include "dialect/DrawloomOps.h.inc"

namespace drawloom {

/// The attribute's view as the struct of the pattern algebra; `ViewAttr::get(context, view)` is the way back.
PieceView toView(ViewAttr attr);

/// Extents of tile ops: queries a group (for products along channels also the fine ones), and what keys are
/// rounded to.
inline constexpr int64_t kExtentQueries = 16, kFineExtentQueries = 8, kExtentKeys = 8;

/// Discardable attributes that ops carry through the passes (ARCHITECTURE.md section 1).
inline constexpr llvm::StringLiteral kLabelAttr =
    "drawloom.label"; // string: for people, "layers.3.attention"
inline constexpr llvm::StringLiteral kSegmentAttr =
    "drawloom.segment"; // string: the recompute unit the op belongs to
inline constexpr llvm::StringLiteral kKeepAttr = "drawloom.keep"; // unit: results are kept, never recomputed
inline constexpr llvm::StringLiteral kEpilogueAttr =
    "drawloom.epilogue"; // unit, on linear: the bias is added where the product is written
inline constexpr llvm::StringLiteral kRepeatAttr =
    "drawloom.repeat"; // unit: the backward pass computes the result again instead of keeping it

} // namespace drawloom
