// What the attention kernels are built from: work items, a view's bounds as IR, scratch tiles, the step over
// a key tile.
#pragma once
#include "dialect/ir/Dialect.h"
#include "passes/attention/TileSizes.h"
#include "passes/attention/ViewFacts.h"
#include "passes/rows/IndexBuilder.h"

namespace drawloom::attention {

using mlir::ArrayRef;
using mlir::SmallVector;
using mlir::Type;
using mlir::Value;
using mlir::ValueRange;

inline constexpr int64_t kBlockThreads = 128; ///< of a GPU's block that does a work item of tile ops
inline constexpr double kLog2E = 1.4426950408889634;

/// Shapes of an attention op.
struct Shape {
  int64_t batch, n, heads, dQk, dV;
  double scale;
};

/// Rows [row, limit) of a slice, of which a tile takes as many as it has room for.
struct Rows {
  Value batch, head, slice, row, limit;
};

/// What a load does besides copying, as in tile.load.
struct Transfer {
  bool transpose = false;
  double factor = 1.0;
};

/// What a store does besides copying, as in tile.store.
struct Written {
  bool transpose = false, accumulate = false;
  bool pastCaches = false; ///< nobody reads it soon
  double factor = 1.0;
};

/// What a product does besides multiplying; `pairs` and `extents` as in tile.matmul.
struct Product {
  bool transposeA = false, accumulate = false;
  Value rescale = {};
};

/// Builds ops in a kernel at one insertion point.
class TileKernel : public rows::IndexBuilder {
public:
  TileKernel(rows::KernelBuilder &kernel, bool isForBlocks)
      : IndexBuilder(kernel), isForBlocks(isForBlocks) {}

  /// Of a GPU's threads; else for vectors of a CPU, where sums over keys have queries in rows: then vectors
  /// lie along channels, so that short groups of queries meet few keys in vain, and nothing is transposed
  /// when it is stored.
  const bool isForBlocks;

  /// Scratch that lives as long as the kernel.
  Value scratch(mlir::MemRefType type) const;
  /// A tile in scratch.
  Value tile(ArrayRef<int64_t> shape) const;
  /// Scratch for the extents of score tiles of so many queries, in groups of `group`.
  Value extentsFor(int64_t queries, int64_t group = kExtentQueries) const;
  /// A tile of sums over keys: [queries, channels], on a GPU [channels, queries].
  Value sumsTile(int64_t queries, int64_t channels) const;
  /// sums += weights^T right, with weights [keys, queries] and right [keys, channels].
  void addToSums(Value sums, Value weights, Value right, Value extents, Value rescale = {}) const;

  /// The head that is `position` in `heads`.
  Value headAt(ArrayRef<int64_t> heads, Value position) const;

  void load(Value tile, Value source, Value outer, Value inner, mlir::AffineMap map, ValueRange at,
            Value limit, Transfer transfer = {}) const;
  void store(Value tile, Value target, Value outer, Value inner, mlir::AffineMap map, ValueRange at,
             Value limit, const Written &written = {}) const;
  void fill(Value tile, double value) const;
  void matmul(Value c, Value a, Value b, llvm::StringRef pairs, Value extents, Product product) const;

  /// The first channel of a head that has `channels` of them.
  Value channel(Value head, int64_t channels) const;
};

/// A view inside a kernel.
class ViewInKernel {
public:
  ViewInKernel(const TileKernel &k, ViewAttr attr, int64_t n) : k(k), attr(attr), view(toView(attr)), n(n) {}

  const TileKernel &k;
  const ViewAttr attr;
  const PieceView view;
  const int64_t n;

  Value rows(Value head, Value slice) const { return k.apply(view.rows, {head, slice}); }
  Value keys(Value head, Value slice) const { return k.apply(view.keys, {head, slice}); }

  /// Head and slice of the slice after this one: slices follow one another head by head, so that whole rows
  /// of memory are used one after the other. `position` is the head's in the view.
  std::pair<Value, Value> after(Value slice, Value position) const;

  /// [from, to) is what a tile may meet; [wholeFrom, wholeTo) is what all of it meets (no promise if empty).
  struct Range {
    Value from, to, wholeFrom, wholeTo;
  };
  /// Key slots of the first `tile` of `rows`.
  Range keySlots(const Rows &rows, int64_t tile) const;
  /// Rows of the slots [slot, min(slot + tile, keys)).
  Range queryRows(Value head, Value slice, Value slot, Value keys, int64_t tile) const;

  /// Finds the extents of a tile of `tileKeys` slots from `slot` on; `range` is that of the loop around it.
  void findExtents(Value extents, const Rows &rows, Value slot, Value keys, const Range &range,
                   int64_t tileKeys, int64_t group = kExtentQueries) const;
  bool hasManySlices() const {
    return !view.slices.isSingleConstant() || view.slices.getSingleConstantResult() > 1;
  }
  void mask(Value scores, Value extents, const Rows &rows, Value slot, Value keys) const;
};

class LookAhead;
class SliceTensor;

/// Forward state of one query tile, in scratch; the same for attend and attention_decode.
class ForwardTile {
public:
  /// With `slice`, the keys and values that it meets are there already.
  struct Slice {
    const SliceTensor &keys, &values;
  };
  ForwardTile(const TileKernel &k, const Shape &shape, TileSizes sizes, std::optional<Slice> slice = {});

  Value queries; ///< [dQk, queries], scaled
  Value acc;     ///< a tile of sums
  Value m, l;    ///< [queries]; after `finish`, m is the log-sum-exp

  /// No key met yet.
  void start() const;
  /// Goes on with all keys of `rows` in the view; memrefs [B, n, H*D]. Asks for later ones with `ahead`.
  struct Memory {
    Value queries, keys, values;
  };
  void meetKeys(const ViewInKernel &view, const Rows &rows, const Memory &memory,
                LookAhead *ahead = nullptr) const;
  void finish() const;
  double queryFactor() const { return shape.scale * kLog2E; }

private:
  const TileKernel &k;
  Shape shape;
  TileSizes sizes;
  std::optional<Slice> slice;
  Value rescale, scores, keyTile, valueTile, extents;
  Value sumExtents; ///< of products with acc
};

} // namespace drawloom::attention
