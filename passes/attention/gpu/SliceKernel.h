// All gradients of a short slice: a block owns its rows and its keys and reads everything once.
#pragma once
#include "passes/attention/gpu/RowStatistics.h"
#include "passes/attention/gpu/SlicePlan.h"

namespace drawloom::attention {

struct SliceSpec {
  Shape shape;
  ViewAttr view;
  SliceCut cut;
  bool continues;    ///< adds to what the gradients hold
  int64_t slices;    ///< of a head: the most
  DeltaSource delta; ///< made of dO and O, of which each row is then in one block

  int64_t items() const { return shape.batch * slices * int64_t(view.getHeads().size()); }
};

/// Builds the kernel: five products a pair of 64 x 64 parts.
///
/// A block has one slice of a head. It brings Q, K, dO and V to shared memory, part by part, makes delta of
/// dO and O unless it is given, and its warp groups work through their parts of 64 keys as these arrive: S^T
/// and dP^T with keys as rows, dV += P^T dO and dK += dS^T Q with P^T and dS^T from registers. dS^T also goes
/// to shared memory, from where, transposed, it makes dQ = dS K in the end. Such slices wait for memory, so
/// what counts is that copies are under way while others compute: several blocks share a multiprocessor, or,
/// where a slice fills it, the first parts are worked on while the last ones come.
class SliceKernel {
public:
  SliceKernel(const TileKernel &k, const SliceSpec &spec, MapList &maps);

  int64_t threads() const { return spec.cut.groups * kGroupThreads; }
  int64_t sharedBytes() const { return layout.total; }
  void build() const;

private:
  static constexpr int64_t kWarpsInGroup = 4;
  struct Slice {
    TilePlace queries, keys;
  };
  /// An operand's parts of 64 rows lie one after the other.
  struct Operand {
    const ActivationTiles &tiles;
    bool isKeys;
    int64_t offset;
  };
  /// A part of 64 keys (i32), and the query parts [from, to) that it meets.
  struct KeyPart {
    Value number, from, to;
    std::optional<PartRange> range; ///< where they are known
  };

  void setUp() const;
  void bring(const Slice &slice) const;
  void bringStatistics(const TilePlace &queries) const;
  /// Whether bulk copies bring O to where dS^T will be: nobody writes that before delta is made.
  bool sharesOuts() const;
  int64_t outAt(int64_t part) const {
    return scoreGradientsAt + pairs.before(part) * kGroupRows * kGroupRows * 2;
  }
  void waitFor(Value part) const;
  void waitForQueries(Value part) const;
  void forEachKeyPart(llvm::function_ref<void(const KeyPart &)> body) const;
  void meetKeys(const Slice &slice, const KeyPart &part) const;
  SmallVector<Value> forEachQueryPart(const KeyPart &part, ValueRange inits,
                                      llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) const;
  void finishQueries(const Slice &slice, int64_t part) const;

  enum class Gradient { Queries, Keys, Values }; ///< in the order of arguments
  /// Where a part's gradient goes, through a tile of 64 rows in shared memory.
  struct Target {
    GradientStore store;
    TilePlace place;
    Value offset;
    bool isScaled;
    SmallVector<Value> before;
  };
  Target targetOf(Gradient which, const Slice &slice, Value part) const;
  void finish(const Target &target, Value gradient) const;

  mlir::TypedValue<dgpu::TileType> partOf(const ActivationTiles &tiles, int64_t offset, Value part) const;
  /// Statistics of a query part: arrays of f32.
  int64_t lseAt(int64_t part) const { return statisticsAt + part * kGroupRows * 4; }
  int64_t deltaAt(int64_t part) const { return lseAt(pairs.queryParts() + part); }
  /// Where dS^T of a pair of parts lies; those of a query part lie side by side.
  Value scoreGradientsOf(Value queryPart, Value keyPart) const;
  Value lookUp(ArrayRef<int64_t> table, Value number) const;
  /// What one of the warp groups does.
  void byGroup(int64_t group, llvm::function_ref<void()> body) const;
  void groupBarrier() const;

  const TileKernel &k;
  const SliceSpec &spec;
  const PartPairs &pairs;
  GpuBuilder g;
  GradientMath math;
  ViewInKernel view;
  SideTiles querySide, keySide; ///< in tiles of a part

  ActivationTiles queries, outGradients, keys, values;
  std::optional<ActivationTiles> outs;
  RowStatistics statistics;
  Type element;
  std::function<void()> barrier;
  SharedLayout layout;
  int64_t queriesAt, outGradientsAt, keysAt, valuesAt, scoreGradientsAt, stageAt, statisticsAt;
  int64_t parts, arrivedAt, readyAt; ///< an mbarrier for each of the parts; for each query part
  SmallVector<Operand> operands;
};

} // namespace drawloom::attention
