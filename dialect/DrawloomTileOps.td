// Tile ops: what the loops of attention kernels do with small, statically shaped f32 buffers in local scratch, whatever memory holds.
//
// Every tile that holds queries has them in its last dimension: a score tile is [keys, queries]. One vector then holds the
// same key for many queries, so that a softmax is element-wise on vectors (no reduction across lanes), keys and values are used as they
// lie in memory, and only the query tile is transposed, once. Scores are in base 2: exp(x) is computed as 2^(x log2 e) with the
// factor log2 e already in the queries.
//
// Extents say which keys of a score tile each group of 16 (or 8) queries meets: a memref [groups, 2] of index, [from, to) in multiples of 8.
// `tile.extents` finds them, the ops after it skip the rest, and tiles without a mask need none. Results do not depend on them.
#ifndef DRAWLOOM_TILE_OPS_TD
#define DRAWLOOM_TILE_OPS_TD
include "DrawloomBase.td"
include "DrawloomAttrs.td"

def TileMatrix : MemRefRankOf<[F32], [2]>;
def TileVector : MemRefRankOf<[F32], [1]>;
def TileBuffer : MemRefRankOf<[F32], [1, 2]>;
def TileExtents : MemRefRankOf<[Index], [2]>;
def TileMemory : MemRefRankOf<[F32, BF16, F16], [3]>;

class TileOp<string m, list<Trait> t = []> : Drawloom_Op<"tile." # m, t> { let hasVerifier = 1; }

def TileLoadOp : TileOp<"load", [AttrSizedOperandSegments]> {
  let summary = "gather rows of memory into a tile";
  let description = [{
    Row x of the tile is at position p(x) = map(at..., first + x), where `first` is the last of `at`:

    * tile [N, C], source [B, n, channels]: tile[x, c] = factor * source[outer, p(x), inner + c];
    * tile [C, N] with `transpose`: tile[c, x] is the same element;
    * tile [N], source [B, H, n]: tile[x] = factor * source[outer, inner, p(x)].

    Rows with first + x >= limit are zero and read nothing. Without a limit all rows exist. first < limit; without `transpose` also first = limit.

    TILE1: tiles have static shapes and rows without gaps. TLOAD1: the map has one dimension an operand of `at`, no symbols, one result.
    TLOAD2: only a tile of rank 2 is transposed.
  }];
  let arguments = (ins Arg<TileBuffer, "", [MemWrite]>:$tile, Arg<TileMemory, "", [MemRead]>:$source, Index:$outer, Index:$inner,
    Variadic<Index>:$at, Optional<Index>:$limit, AffineMapAttr:$map, UnitAttr:$transpose, DefaultValuedAttr<F32Attr, "1.0f">:$factor);
  let assemblyFormat = [{ $tile `from` $source `[` $outer `,` $inner `]` `at` $map `(` $at `)` (`to` $limit^)? attr-dict
    `:` type($tile) `,` type($source) }];
}

def TileStoreOp : TileOp<"store", [AttrSizedOperandSegments]> {
  let summary = "scatter a tile's rows to memory";
  let description = [{
    The inverse of `tile.load`: each element of memory becomes factor * tile's element, plus its old value with `accumulate`.
    Rows with first + x >= limit are not written. With `past_caches` nobody reads them soon: on a CPU lines that are written whole go to memory without being read
    or kept. TILE1. TSTORE1: as TLOAD1. TSTORE2: as TLOAD2.
  }];
  let arguments = (ins Arg<TileBuffer, "", [MemRead]>:$tile, Arg<TileMemory, "", [MemRead, MemWrite]>:$target, Index:$outer, Index:$inner,
    Variadic<Index>:$at, Optional<Index>:$limit, AffineMapAttr:$map, UnitAttr:$transpose, UnitAttr:$accumulate,
    UnitAttr:$past_caches, DefaultValuedAttr<F32Attr, "1.0f">:$factor);
  let assemblyFormat = [{ $tile `to` $target `[` $outer `,` $inner `]` `at` $map `(` $at `)` (`to` $limit^)? attr-dict
    `:` type($tile) `,` type($target) }];
}

def TilePrefetchOp : TileOp<"prefetch"> {
  let summary = "ask the second-level cache for rows that another work item touches soon";
  let description = [{
    `channels` channels of each of the `rows` rows from `first` on, the last of `at`, that are below `limit`: source[outer, p(x), inner ..] as in `tile.load`. They
    may lie outside the source. With `write` they will be written. Has no effect on results, and none on a GPU, where other blocks hide latency.

    A processor has room for few misses at a time, so a product hides more of them than a burst: prefetches with only arithmetic between
    them and a `tile.matmul` are spread over it. TPRE1: as TLOAD1. TPRE2: rows and channels are positive.
  }];
  let arguments = (ins TileMemory:$source, Index:$outer, Index:$inner, Variadic<Index>:$at, Index:$limit, AffineMapAttr:$map, I64Attr:$rows,
    I64Attr:$channels, UnitAttr:$write);
  let assemblyFormat = [{ $source `[` $outer `,` $inner `]` `at` $map `(` $at `)` `to` $limit attr-dict `:` type($source) }];
}

def TileFillOp : TileOp<"fill"> {
  let summary = "set every element of a tile";
  let description = [{ TILE1. }];
  let arguments = (ins Arg<TileBuffer, "", [MemWrite]>:$tile, F32Attr:$value);
  let assemblyFormat = "$tile `with` $value attr-dict `:` type($tile)";
}

def TileMatmulOp : TileOp<"matmul", [AttrSizedOperandSegments]> {
  let summary = "c = a b, c += a b, or c = rescale c + a b";
  let description = [{
    c: [M, N]; a: [M, K], or [K, M] with `transpose_a`; b: [K, N]. With `accumulate` the product is added to c, whose column x (with pairs "inner-row":
    row x) has been multiplied by rescale[x] before if `rescale` is given. The terms of an element are added in the order of k with fused
    multiply-adds, whatever the vector width and the register tile.

    With `extents`, `pairs` says which dimensions are keys and queries; what no query meets is left out:

    | pairs | product | skipped |
    |---|---|---|
    | "row-column" | scores | rows of c outside a column's extents: they keep what they hold |
    | "inner-column" | sums over keys | terms outside a column's extents |
    | "inner-row" | sums over keys, queries in rows | terms outside a row's extents |
    | "row-inner" | sums over queries | terms of rows outside the extents of the term |

    TILE1. TMM1: shapes agree. TMM2: rescale, [N] ([M] with "inner-row"), only with accumulate. TMM3: extents come with pairs, and fit them as in TEXT2;
    "row-column" does not accumulate, "row-inner" does not rescale. TEXT2: extents are [queries / 16 rounded up, 2] and keys a multiple of 8; those of "inner-row" and
    "row-inner", whose vectors lie along channels, may be [queries / 8 rounded up, 2].
  }];
  let arguments = (ins Arg<TileMatrix, "", [MemRead, MemWrite]>:$c, Arg<TileMatrix, "", [MemRead]>:$a, Arg<TileMatrix, "", [MemRead]>:$b,
    Arg<Optional<TileVector>, "", [MemRead]>:$rescale, Arg<Optional<TileExtents>, "", [MemRead]>:$extents, UnitAttr:$transpose_a,
    UnitAttr:$accumulate, OptionalAttr<StrAttr>:$pairs);
  let assemblyFormat = [{ $c `,` $a `,` $b (`rescale` $rescale^ `:` type($rescale))? (`within` $extents^ `:` type($extents))? attr-dict
    `:` type($c) `,` type($a) `,` type($b) }];
}

def TileExtentsOp : TileOp<"extents"> {
  let summary = "which keys of a score tile each group of queries meets, by a view's bounds";
  let description = [{
    The tile has `tile_keys` keys; its first query is row `row`, its first key slot `slot` of slice `slice` of head `head`. Group g, the rows
    [row + G g, row + G g + G) below `rows`, where G is `group`, gets [from, to) with the slots that the bounds of its first and last row enclose, relative to `slot`, from
    rounded down and to rounded up to a multiple of 8; [0, 0) or another empty interval if it meets nothing.

    All pairs of the tile belong to the view while the coordinate that a loop advances, row or slot, is in [whole_from, whole_to - tile
    extent]: this is what `drawloom-split-edge-tiles` takes the loop apart by. An empty range makes no promise.
    TEXT1: tile_keys is a positive multiple of 8, group is 8 or 16.
  }];
  let arguments = (ins Arg<TileExtents, "", [MemWrite]>:$extents, Index:$head, Index:$slice, Index:$row, Index:$slot, Index:$rows, Index:$keys,
    Index:$whole_from, Index:$whole_to, Drawloom_ViewAttr:$view, I64Attr:$tile_keys, DefaultValuedAttr<I64Attr, "16">:$group);
  let assemblyFormat = [{ $extents `at` `(` $head `,` $slice `,` $row `,` $slot `)` `of` $rows `x` $keys
    `whole` `[` $whole_from `,` $whole_to `)` `in` $view `keys` $tile_keys attr-dict `:` type($extents) }];
}

def TileMaskOp : TileOp<"mask"> {
  let summary = "scores of pairs outside a view become -inf";
  let description = [{
    scores[y, x] belongs to row r = row + x and slot t = slot + y of slice `slice` of head `head`. It stays if r < rows, t < keys,
    0 <= t, max keyLo(h, s, r) <= t < min keyHi(h, s, r) and, in a view with a predicate, one of its sets holds for (h, query(h, s, r), key(h, s, t)).
    Outside the extents nothing is read or written.
    `positions` bounds every coordinate, so that 32-bit arithmetic is used where it suffices. TILE1. TMASK1: positions > 0. TEXT2: extents fit the tile.
  }];
  let arguments = (ins Arg<TileMatrix, "", [MemRead, MemWrite]>:$scores, Arg<TileExtents, "", [MemRead]>:$extents, Index:$head, Index:$slice,
    Index:$row, Index:$slot, Index:$rows, Index:$keys, Drawloom_ViewAttr:$view, I64Attr:$positions);
  let assemblyFormat = [{ $scores `within` $extents `at` `(` $head `,` $slice `,` $row `,` $slot `)` `of` $rows `x` $keys
    `in` $view attr-dict `:` type($scores) `,` type($extents) }];
}

def TileSoftmaxStepOp : TileOp<"softmax_step", [AllTypesMatch<["m", "l", "rescale"]>]> {
  let summary = "one step of the online softmax: scores become probabilities relative to the new maximum";
  let description = [{
    For each query x, with scores s (base 2) [K, N] and m, l, rescale [N], over the keys y within the extents (all without them):
    m' = max(m, max_y s[y]); s[y] := 2^(s[y] - m'); rescale := 2^(m - m'); l := l rescale + Σ_y s[y]; m := m'.
    A query that has met no key yet has (m, l) = (-inf, 1) and an accumulator of 0; it stays so if all its scores are -inf. NaN spreads.
    TILE1. TSTEP1: shapes agree. TEXT2.
  }];
  let arguments = (ins Arg<TileMatrix, "", [MemRead, MemWrite]>:$scores, Arg<TileVector, "", [MemRead, MemWrite]>:$m,
    Arg<TileVector, "", [MemRead, MemWrite]>:$l, Arg<TileVector, "", [MemWrite]>:$rescale, Arg<Optional<TileExtents>, "", [MemRead]>:$extents);
  let assemblyFormat = "$scores `,` $m `,` $l `,` $rescale (`within` $extents^ `:` type($extents))? attr-dict `:` type($scores) `,` type($m)";
}

def TileSoftmaxFinishOp : TileOp<"softmax_finish", [AllTypesMatch<["m", "l"]>]> {
  let summary = "divide the accumulator by the sum; m becomes the natural log-sum-exp";
  let description = [{ acc[c, x] (acc[x, c] with `by_row`) is divided by l[x]; m[x] := ln 2 m[x] + ln l[x] (-inf for a query without keys). TILE1. TFIN1: shapes agree. }];
  let arguments = (ins Arg<TileMatrix, "", [MemRead, MemWrite]>:$acc, Arg<TileVector, "", [MemRead, MemWrite]>:$m, Arg<TileVector, "", [MemRead]>:$l,
    UnitAttr:$by_row);
  let assemblyFormat = "$acc `,` $m `,` $l attr-dict `:` type($acc) `,` type($m)";
}

def TileSoftmaxGradOp : TileOp<"softmax_grad", [AllTypesMatch<["scores", "grads"]>, AllTypesMatch<["lse", "delta"]>]> {
  let summary = "probabilities and score gradients from scores, dP, the log-sum-exp and delta";
  let description = [{
    scores := p = 2^(scores - log2 e lse[x]); grads := p (grads - delta[x]), for the keys within the extents (all without them).
    A query whose lse is -inf gives zeros. TILE1. TGRAD1: shapes agree. TEXT2.
  }];
  let arguments = (ins Arg<TileMatrix, "", [MemRead, MemWrite]>:$scores, Arg<TileMatrix, "", [MemRead, MemWrite]>:$grads,
    Arg<TileVector, "", [MemRead]>:$lse, Arg<TileVector, "", [MemRead]>:$delta, Arg<Optional<TileExtents>, "", [MemRead]>:$extents);
  let assemblyFormat = "$scores `,` $grads `,` $lse `,` $delta (`within` $extents^ `:` type($extents))? attr-dict `:` type($scores) `,` type($lse)";
}

def TileDotOp : TileOp<"dot", [AllTypesMatch<["a", "b"]>]> {
  let summary = "out[x] = Σ_c a[c, x] b[c, x]";
  let description = [{ TILE1. TDOT1: shapes agree. }];
  let arguments = (ins Arg<TileVector, "", [MemWrite]>:$out, Arg<TileMatrix, "", [MemRead]>:$a, Arg<TileMatrix, "", [MemRead]>:$b);
  let assemblyFormat = "$out `,` $a `,` $b attr-dict `:` type($out) `,` type($a)";
}
#endif
