// All gradients of a short slice: a warp group owns its rows and its keys and reads everything once.
#pragma once
#include "passes/attention/gpu/GradientMath.h"

namespace drawloom::attention {

struct SliceSpec {
  Shape shape;
  ViewAttr view;
  int64_t queryParts, keyParts; ///< of 64 rows and 64 slots, that cover the longest slice
  bool continues;               ///< adds to what the gradients hold
  int64_t slices;               ///< of a head: the most

  int64_t items() const { return shape.batch * slices * int64_t(view.getHeads().size()); }
};

/// Builds the kernel: five products a pair of 64 x 64 parts.
///
/// A block is one warp group and has one slice of a head. It brings Q, K, dO and V of the slice to shared
/// memory, and works through the parts of 64 keys: S^T and dP^T with keys as rows, dV += P^T dO and dK +=
/// dS^T Q with P^T and dS^T from registers. dS^T also goes to shared memory, from where, transposed, it makes
/// dQ = dS K in the end. Such slices wait for memory, not for arithmetic, so what counts is that several
/// blocks share a multiprocessor: while one computes, the others' copies are under way.
class SliceKernel {
public:
  SliceKernel(const TileKernel &k, const SliceSpec &spec, MapList &maps);

  static constexpr int64_t kThreads = kGroupThreads;
  int64_t sharedBytes() const { return layout.total; }
  void build() const;

  /// That share a multiprocessor, by what they take of shared memory and registers.
  int64_t blocks() const;

  /// Whether slices of so many parts fit: registers of a thread, shared memory of a multiprocessor.
  static bool fits(const Shape &shape, int64_t queryParts, int64_t keyParts);

private:
  struct Slice {
    TilePlace queries, keys;
  };
  void setUp() const;
  void bring(const Slice &slice, Value count) const;
  void loadStatistics(const TilePlace &queries) const;
  void work(const Slice &slice) const;
  void meetKeys(const Slice &slice, int64_t part) const;
  void finishQueries(const Slice &slice, int64_t part) const;
  /// Where a part's gradient goes, through the one stage of 64 rows.
  struct Target {
    GradientStore store;
    TilePlace place; ///< moved so that its rows are the part's
    SmallVector<Value> before;
  };
  Target targetOf(const SideTiles &side, const TilePlace &place, int64_t part, unsigned argument,
                  int64_t channels) const;
  void finish(const Target &target, Value gradient, double factor) const;
  /// dS^T of all keys and one part of the queries.
  mlir::TypedValue<dgpu::TileType> scoreGradientTile(int64_t queryPart) const;

  const TileKernel &k;
  const SliceSpec &spec;
  GpuBuilder g;
  GradientMath math;
  ViewInKernel view;
  SideTiles querySide, keySide;
  ActivationTiles queries, outGradients, keys, values;
  Type element;
  std::function<void()> barrier;
  SharedLayout layout;
  int64_t queriesAt, outGradientsAt, keysAt, valuesAt, scoreGradientsAt, stageAt, statisticsAt, arrivedAt;
};

} // namespace drawloom::attention
