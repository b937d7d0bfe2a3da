// Verifiers of the tile ops.
#include "dialect/ir/Dialect.h"
#include "mlir/Dialect/MemRef/Utils/MemRefUtils.h"

using namespace mlir;
using namespace drawloom;

namespace {

/// TILE1: a tile is scratch of its own, so its address is a constant distance from the others.
LogicalResult checkTiles(Operation *op, ArrayRef<Value> tiles) {
  for (Value tile : tiles) {
    if (!tile) continue;
    auto type = cast<MemRefType>(tile.getType());
    if (!type.hasStaticShape() || !memref::isStaticShapeAndContiguousRowMajor(type))
      return op->emitOpError() << "TILE1: a tile must have a static shape and rows without gaps, got "
                               << type;
  }
  return success();
}

ArrayRef<int64_t> shape(Value v) { return cast<MemRefType>(v.getType()).getShape(); }

LogicalResult checkExtent(Operation *op, StringRef rule, StringRef what, int64_t expected, int64_t got) {
  if (expected == got) return success();
  return op->emitOpError() << rule << ": expected " << what << " to be " << expected << ", got " << got;
}

LogicalResult checkMap(Operation *op, StringRef rule, AffineMap map, size_t operands) {
  if (map.getNumSymbols() == 0 && map.getNumResults() == 1 && map.getNumDims() == operands && operands != 0)
    return success();
  return op->emitOpError() << rule << ": expected a map of " << operands << " dimensions to one result, got "
                           << AffineMapAttr::get(map);
}

/// What loads and stores share: TILE1, the map, transposing.
LogicalResult checkTransfer(Operation *op, StringRef mapRule, StringRef transposeRule, Value tile,
                            AffineMap map, size_t operands, bool transpose) {
  if (failed(checkTiles(op, {tile})) || failed(checkMap(op, mapRule, map, operands))) return failure();
  if (transpose && shape(tile).size() != 2)
    return op->emitOpError() << transposeRule << ": expected a tile of rank 2 to transpose, got "
                             << tile.getType();
  return success();
}

} // namespace

LogicalResult TileLoadOp::verify() {
  return checkTransfer(*this, "TLOAD1", "TLOAD2", getTile(), getMap(), getAt().size(), getTranspose());
}

LogicalResult TileStoreOp::verify() {
  return checkTransfer(*this, "TSTORE1", "TSTORE2", getTile(), getMap(), getAt().size(), getTranspose());
}

LogicalResult TilePrefetchOp::verify() {
  if (failed(checkMap(*this, "TPRE1", getMap(), getAt().size()))) return failure();
  auto isPositive = [](uint64_t x) { return x > 0 && x <= uint64_t(std::numeric_limits<int64_t>::max()); };
  if (isPositive(getRows()) && isPositive(getChannels())) return success();
  return emitOpError() << "TPRE2: expected rows and channels to be positive, got " << int64_t(getRows())
                       << " and " << int64_t(getChannels());
}

LogicalResult TileFillOp::verify() { return checkTiles(*this, {getTile()}); }

/// TEXT2.
static LogicalResult checkExtents(Operation *op, Value extents, int64_t keys, int64_t queries,
                                  bool mayBeFine = false) {
  if (!extents) return success();
  int64_t groups = llvm::divideCeil(queries, kExtentQueries);
  auto type = cast<MemRefType>(extents.getType());
  bool isFine = mayBeFine && type.getShape() ==
                                 ArrayRef<int64_t>{int64_t(llvm::divideCeil(queries, kFineExtentQueries)), 2};
  if ((type.getShape() != ArrayRef<int64_t>{groups, 2} && !isFine) || !type.getLayout().isIdentity())
    return op->emitOpError() << "TEXT2: expected extents of type memref<" << groups << "x2xindex>, got "
                             << type;
  if (keys % kExtentKeys != 0)
    return op->emitOpError() << "TEXT2: expected keys to be a multiple of " << kExtentKeys << ", got "
                             << keys;
  return success();
}

LogicalResult TileMatmulOp::verify() {
  if (failed(checkTiles(*this, {getC(), getA(), getB(), getRescale()}))) return failure();
  auto c = shape(getC()), a = shape(getA()), b = shape(getB());
  unsigned m = getTransposeA() ? 1 : 0;
  if (failed(checkExtent(*this, "TMM1", "the rows of a", c[0], a[m]))) return failure();
  if (failed(checkExtent(*this, "TMM1", "the rows of b", a[1 - m], b[0]))) return failure();
  if (failed(checkExtent(*this, "TMM1", "the columns of b", c[1], b[1]))) return failure();
  if (getRescale()) {
    if (!getAccumulate()) return emitOpError() << "TMM2: rescale needs accumulate";
    if (failed(checkExtent(*this, "TMM2", "the extent of rescale", getPairs() == "inner-row" ? c[0] : c[1],
                           shape(getRescale())[0])))
      return failure();
  }
  if (!getExtents()) return success();
  std::optional<StringRef> pairs = getPairs();
  if (pairs == "row-column" && !getAccumulate()) return checkExtents(*this, getExtents(), c[0], c[1]);
  if (pairs == "inner-column") return checkExtents(*this, getExtents(), b[0], c[1]);
  if (pairs == "inner-row") return checkExtents(*this, getExtents(), b[0], c[0], /*mayBeFine=*/true);
  if (pairs == "row-inner" && !getRescale())
    return checkExtents(*this, getExtents(), c[0], b[0], /*mayBeFine=*/true);
  return emitOpError() << "TMM3: expected pairs to be \"row-column\" without accumulate, \"inner-column\", "
                          "\"inner-row\", or \"row-inner\" without "
                          "rescale, got \""
                       << pairs.value_or("") << "\"";
}

LogicalResult TileExtentsOp::verify() {
  if (getTileKeys() == 0 || int64_t(getTileKeys()) < 0 || getTileKeys() % kExtentKeys != 0)
    return emitOpError() << "TEXT1: expected tile_keys to be a positive multiple of " << kExtentKeys
                         << ", got " << int64_t(getTileKeys());
  if (getGroup() != kExtentQueries && getGroup() != kFineExtentQueries)
    return emitOpError() << "TEXT1: expected group to be " << kFineExtentQueries << " or " << kExtentQueries
                         << ", got " << int64_t(getGroup());
  return success();
}

LogicalResult TileMaskOp::verify() {
  if (failed(checkTiles(*this, {getScores()}))) return failure();
  if (getPositions() == 0 || getPositions() > uint64_t(std::numeric_limits<int64_t>::max()))
    return emitOpError() << "TMASK1: expected a positive number of positions, got "
                         << int64_t(getPositions());
  return checkExtents(*this, getExtents(), shape(getScores())[0], shape(getScores())[1]);
}

/// [K, N] and vectors [N].
static LogicalResult checkColumns(Operation *op, StringRef rule, Value matrix, ArrayRef<Value> vectors) {
  if (failed(checkTiles(op, {matrix})) || failed(checkTiles(op, vectors))) return failure();
  for (Value v : vectors)
    if (failed(checkExtent(op, rule, "the extent of a vector", shape(matrix)[1], shape(v)[0])))
      return failure();
  return success();
}

LogicalResult TileSoftmaxStepOp::verify() {
  if (failed(checkColumns(*this, "TSTEP1", getScores(), {getM()}))) return failure();
  return checkExtents(*this, getExtents(), shape(getScores())[0], shape(getScores())[1]);
}

LogicalResult TileSoftmaxFinishOp::verify() {
  if (!getByRow()) return checkColumns(*this, "TFIN1", getAcc(), {getM()});
  if (failed(checkTiles(*this, {getAcc(), getM(), getL()}))) return failure();
  return checkExtent(*this, "TFIN1", "the extent of a vector", shape(getAcc())[0], shape(getM())[0]);
}

LogicalResult TileSoftmaxGradOp::verify() {
  if (failed(checkColumns(*this, "TGRAD1", getScores(), {getLse()}))) return failure();
  return checkExtents(*this, getExtents(), shape(getScores())[0], shape(getScores())[1]);
}

LogicalResult TileDotOp::verify() { return checkColumns(*this, "TDOT1", getA(), {getOut()}); }
