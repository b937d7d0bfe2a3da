// What a backward kernel needs to know of its queries.
#pragma once
#include "passes/attention/gpu/GradientMath.h"
#include "passes/attention/gpu/RowDots.h"

namespace drawloom::attention {

/// Brings -lse log2 e and delta of queries to shared memory, by warps that have `rows` of them each. Delta
/// comes from memory, or is made of dO and O, of which the kernel has dO in shared memory and may have O.
class RowStatistics {
public:
  RowStatistics(const GradientMath &math, const SideTiles &queries, DeltaSource source, int64_t channels,
                int64_t rows, bool outsAreShared)
      : g(math.g), math(math), side(queries), source(source), asksForOuts(!outsAreShared),
        dots{g, channels, rows} {}

  /// On its way from memory: the lane's row, and its pieces of O if that is not shared.
  struct Asked {
    TilePlace place;
    Value first, lse, delta;
    SmallVector<Value> outs;
  };

  /// By a warp: rows [first, first + rows) of the tile.
  Asked ask(const TilePlace &place, Value first) const;
  /// By the same warp, once the tiles of dO and O are at these offsets: to the tile's two arrays in shared
  /// memory, 0 where there is no row; and delta to memory, where later kernels ask for it.
  void bring(const Asked &asked, dgpu::TileType type, Value gradientAt, Value outAt, Value lseAt,
             Value deltaAt) const;

private:
  Value laneRow() const;
  Value keeps() const;
  Value numberOf(const TilePlace &place, Value first, Value row) const;
  Value positionOf(const TilePlace &place, Value number) const;
  SmallVector<Value> piecesOf(const Asked &asked, dgpu::TileType type, Value offset) const;

  const GpuBuilder &g;
  const GradientMath &math;
  const SideTiles &side;
  DeltaSource source;
  bool asksForOuts;
  RowDots dots;
};

} // namespace drawloom::attention
