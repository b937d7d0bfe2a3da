#ifndef DRAWLOOM_ATTRS_TD
#define DRAWLOOM_ATTRS_TD
include "DrawloomBase.td"

def Drawloom_PatternAttr : Drawloom_Attr<"Pattern", "pattern"> {
  let summary = "a set of (head, query, key) triples, as text of the pattern language";
  let description = [{
    `#drawloom.pattern<"fixed(128, c=32)">`. The text is a named form or a set expression of dialect/pattern/Parser.h;
    it is stored in canonical spelling, so equal spellings are one attribute. Parsing an invalid text is an error
    at its place in the file. `patternOf(attribute)` of dialect/ir/Attributes.h gives the algebra's object, and
    `PatternAttr::get(context, pattern)` is the way back.

    PATTERN1: the text is a pattern in canonical spelling (text in a file is respelt when it is read).
  }];
  let parameters = (ins StringRefParameter<"canonical spelling">:$spelling);
  let builders = [AttrBuilder<(ins "const ::drawloom::Pattern &":$pattern)>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Drawloom_ViewAttr : Drawloom_Attr<"View", "view"> {
  let summary = "one disjoint piece of a pattern in coordinates in which each row's keys are one interval";
  let description = [{
    Mirrors `drawloom::PieceView` (dialect/pattern/View.h), with n and all constants folded in. Dimensions: head h,
    slice s, row r, key slot t.
    `heads` lists the heads the piece applies to; `slices (h)`, `rows (h, s)` and `keys (h, s)` are extents;
    `query (h, s, r)` and `key (h, s, t)` are positions i and j; a row attends to the slots
    [max keyLo(h, s, r), min keyHi(h, s, r)), and a slot is attended by the rows [max rowLo(h, s, t), min rowHi(h, s, t)).
    All four bounds are non-decreasing in their last dimension (proved when the view is made). If `predicate` is not
    empty, a pair within the bounds belongs to the piece only if one of the sets over (h, i, j) holds.

    Written with named fields: `#drawloom.view<heads = [0, 1], slices = (h) -> (4), rows = (h, s) -> (8), query = ..., keys = ...,
    key = ..., key_lo = ..., key_hi = ..., row_lo = ..., row_hi = ..., predicate = ["(h, i, j) : (i - j >= 0)"]>`; `predicate` may be left
    out, and its sets are quoted because MLIR's lexer would take `>=` for the end of the attribute.

    VIEW1: heads are non-negative and ascending, at least one. VIEW2: the maps have the dimensions above and no symbols.
    VIEW3: the bounds have at least one result, the other maps exactly one. VIEW4: predicate sets have the dimensions (h, i, j) and no symbols.
  }];
  let builders = [AttrBuilder<(ins "const ::drawloom::PieceView &":$view)>];
  let parameters = (ins ArrayRefParameter<"int64_t">:$heads, "::mlir::AffineMap":$slices, "::mlir::AffineMap":$rows,
    "::mlir::AffineMap":$query, "::mlir::AffineMap":$keys, "::mlir::AffineMap":$key, "::mlir::AffineMap":$keyLo,
    "::mlir::AffineMap":$keyHi, "::mlir::AffineMap":$rowLo, "::mlir::AffineMap":$rowHi,
    OptionalArrayRefParameter<"::mlir::IntegerSet">:$predicate);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}
#endif
