// One side of a view (query rows or key slots) in tiles, and the copies of activations' tiles between global
// and shared memory.
#pragma once
#include "dialect/pattern/BoxView.h"
#include "passes/attention/TileKernel.h"
#include "passes/gpu/TensorMaps.h"

namespace drawloom::attention {

/// A tile: rows [first, first + tile) of a slice, of which those below `extent` exist. All are index.
struct TilePlace {
  Value batch, head, slice, first, extent;
};

/// What bulk copies of a side must move.
enum class Boxes {
  None,     ///< the card has no bulk copies
  Attended, ///< slots that no row attends to may be left out: enough for loads
  All       ///< every row and every slot: what stores need
};

/// Rows or slots of a view. A side with boxes is moved by bulk copies, any other row by row.
class SideTiles {
public:
  SideTiles(const ViewInKernel &view, bool isKeys, int64_t tile, Boxes boxes = Boxes::Attended)
      : isKeys(isKeys), tile(tile), view(view),
        box(boxes == Boxes::None ? std::nullopt
            : isKeys             ? boxOfKeys(view.view, tile, boxes == Boxes::Attended)
                                 : boxOfQueries(view.view, tile)) {}

  const bool isKeys;
  const int64_t tile;
  const ViewInKernel &view;
  const std::optional<BoxView> box;

  Value extent(Value head, Value slice) const {
    return isKeys ? view.keys(head, slice) : view.rows(head, slice);
  }
  mlir::AffineMap position() const { return isKeys ? view.view.key : view.view.query; }
  /// What the tile's rows meet on the other side: results are bounds (View.h).
  mlir::AffineMap lower() const { return isKeys ? view.view.rowLo : view.view.keyLo; }
  mlir::AffineMap upper() const { return isKeys ? view.view.rowHi : view.view.keyHi; }
  /// Whether bulk copies leave rows of a tile as they are: then they must be zeros from the start.
  bool leavesRows() const { return box && box->rows() < tile; }

  /// [from, to) is what rows [first, last] may meet; [wholeFrom, wholeTo) is what all of them meet. Within
  /// [0, other).
  ViewInKernel::Range meets(Value head, Value slice, Value first, Value last, Value other) const;
};

/// An activation [B, n, H * channels] of 16-bit elements as tiles of one side.
class ActivationTiles {
public:
  ActivationTiles(const GpuBuilder &g, const SideTiles &side, unsigned memref, int64_t channels,
                  MapList &maps);

  const dgpu::TileType type; ///< of the whole tile
  int64_t bytes() const { return type.bytes(); }
  bool isBulk() const { return bool(map); }

  /// What a bulk copy brings.
  int64_t bulkBytes() const { return bulkType.bytes(); }
  /// By one thread: starts the copy to `offset`.
  void loadBulk(const TilePlace &at, Value offset, Value barrier) const;
  /// By one thread: starts the copy from `offset`, where panels are `pitch` rows apart, of the rows that
  /// exist.
  void storeBulk(const TilePlace &at, Value offset, int64_t pitch) const;
  /// By a warp group: starts the copies to `offset` (copy_async, not committed), zeros for rows that do not
  /// exist.
  void gather(const TilePlace &at, Value offset) const;

private:
  SmallVector<Value> coordinates(const TilePlace &at) const;

  const GpuBuilder &g;
  const SideTiles &side;
  Value memref, map;
  dgpu::TileType bulkType;
};

/// Moves 64 rows between an activation and a tile in shared memory, by a warp group: 16 bytes a thread at a
/// time, neighbouring threads side by side. The rows are rows [row, row + 64) of the tile at `offset` and of
/// `place`; those that do not exist are left out.
struct RowCopy {
  const GpuBuilder &g;
  const SideTiles &side;
  Value memref;
  dgpu::TileType type;

  /// From the activation to registers: the thread's share, all of it asked for at once.
  SmallVector<Value> fetch(const TilePlace &place, Value row) const;
  /// From registers to the tile.
  void put(ValueRange share, Value offset, Value row) const;
  /// From the tile to the activation.
  void toGlobal(const TilePlace &place, Value offset, Value row) const;

private:
  struct Chunk {
    Value row, number; ///< in the tile (i32)
  };
  SmallVector<Chunk> chunks(Value row) const;
  SmallVector<Value> indices(const TilePlace &place, Value x, const Chunk &chunk) const;
  Value array(Value offset) const;
};

} // namespace drawloom::attention
