// From a pattern to disjoint pieces, each in a view in which it is dense (the essay of Pattern.h; the
// contract of View.h).
//
// How: the pattern of a head, with n folded in, is written as a union of conjunctions ("cells", Cells.h). The
// union is made disjoint: A, then B and not A, and so on. A cell's conditions are sorted into
//   - monotone relations E(i) >= G(j) + const, where E and G are compositions of + const, * positive and //
//   positive
//     (distances, block indices, plain bounds): each bounds an interval of j by a non-decreasing function of
//     i, and the transpose;
//   - a lattice (i - j) mod m == e: slices are the residues of i;
//   - a band j mod l in [a, a + w): keys are packed; a may depend on the head, as in `summary`.
// The cell's view follows: contiguous, residue slices, block slices (when the relations say that i and j
// share a block) or packed keys. Where an interval of a packed piece would end inside a key block, the cell
// is cut in two: whole blocks, and the one block at the edge. If a head's pattern has a condition of no such
// kind, or needs more than 16 pieces, that head gets one contiguous piece with the formula as predicate.
#pragma once
#include "dialect/pattern/Pattern.h"
#include "dialect/pattern/View.h"

namespace drawloom {

/// Disjoint pieces whose union is exactly `pattern` for positions below n and heads 0 .. heads - 1. Pieces
/// without any pair are left out, so the result may be empty. Maps and sets live in `context`. n >= 1, heads
/// >= 1. Time does not depend on n.
std::vector<PieceView> makeViews(const Pattern &pattern, int64_t n, int64_t heads,
                                 mlir::MLIRContext *context);

} // namespace drawloom
