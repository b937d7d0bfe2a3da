// Verifiers of the target-level ops.
#include "dialect/gpu/Gpu.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;
using namespace drawloom;
using namespace drawloom::dgpu;

#define GET_OP_CLASSES
#include "dialect/gpu/GpuOps.cpp.inc"

void DrawloomGpuDialect::registerOps() {
  addOperations<
#define GET_OP_LIST
#include "dialect/gpu/GpuOps.cpp.inc"
      >();
}

namespace {

bool isFragment(VectorType type, int64_t columns) {
  return type.getShape() == ArrayRef<int64_t>{columns / 8, 2, 2} && columns % 8 == 0;
}

LogicalResult checkFragmentOfTile(Operation *op, TileType tile, VectorType fragment) {
  if (tile.getRows() != 16 && tile.getRows() != 64)
    return op->emitOpError() << "FRAG1: expected a tile of 16 or 64 rows, got " << tile;
  if (!isFragment(fragment, tile.getColumns()) || fragment.getElementType() != tile.getElementType())
    return op->emitOpError() << "FRAG2: expected a vector of " << tile.getColumns() / 8 << " x 2 x 2 "
                             << tile.getElementType() << ", got " << fragment;
  return success();
}

/// Extents of a product: rows (of a tile operand), inner, columns.
struct Extents {
  int64_t innerOfA, innerOfB, columns;
};

struct Rules {
  StringRef inner, out, acc, element;
};

LogicalResult checkProduct(Operation *op, const Extents &e, int64_t widest, Type elementOfA, TileType b,
                           Value acc, VectorType out, const Rules &rules) {
  if (e.innerOfA != e.innerOfB || e.innerOfA % 16 != 0)
    return op->emitOpError() << rules.inner << ": expected equal inner extents, a multiple of 16, got "
                             << e.innerOfA << " and " << e.innerOfB;
  if (!isFragment(out, e.columns) || e.columns > widest)
    return op->emitOpError() << rules.out << ": expected vector<" << e.columns / 8 << "x2x2xf32> of at most "
                             << widest << " columns, got " << out;
  if (acc && acc.getType() != out)
    return op->emitOpError() << rules.acc << ": expected acc to have type " << out << ", got "
                             << acc.getType();
  if (elementOfA != b.getElementType())
    return op->emitOpError() << rules.element << ": expected a and b to have one element type, got "
                             << elementOfA << " and " << b.getElementType();
  return success();
}

} // namespace

LogicalResult SubtileOp::verify() {
  TileType from = getSource().getType(), to = getTile().getType();
  if (from.getColumns() != to.getColumns() || from.getElementType() != to.getElementType() ||
      from.getSwizzle() != to.getSwizzle() || from.getPitch() != to.getPitch())
    return emitOpError() << "SUBTILE1: expected columns, element type, swizzle and pitch of " << from
                         << ", got " << to;
  if (to.getRows() > from.getRows())
    return emitOpError() << "SUBTILE2: expected at most " << from.getRows() << " rows, got " << to.getRows();
  return success();
}

LogicalResult SharedArrayOp::verify() {
  auto type = cast<MemRefType>(getArray().getType());
  if (!mlir::gpu::GPUDialect::hasWorkgroupMemoryAddressSpace(type) || !type.getLayout().isIdentity())
    return emitOpError() << "ARRAY1: expected a memref without layout in workgroup memory, got " << type;
  return success();
}

LogicalResult LoadFragmentOp::verify() {
  return checkFragmentOfTile(*this, getTile().getType(), cast<VectorType>(getFragment().getType()));
}

LogicalResult StoreFragmentOp::verify() {
  return checkFragmentOfTile(*this, getTile().getType(), cast<VectorType>(getFragment().getType()));
}

LogicalResult WgmmaOp::verify() {
  TileType b = getB().getType();
  Extents e{0, getTransposeB() ? b.getColumns() : b.getRows(),
            getTransposeB() ? b.getRows() : b.getColumns()};
  Type element;
  if (auto tile = dyn_cast<TileType>(getA().getType())) {
    int64_t rows = getTransposeA() ? tile.getColumns() : tile.getRows();
    if (rows != 64) return emitOpError() << "WGMMA1: expected a of 64 rows, got " << rows;
    e.innerOfA = getTransposeA() ? tile.getRows() : tile.getColumns();
    element = tile.getElementType();
  } else {
    auto fragment = cast<VectorType>(getA().getType());
    if (getTransposeA() || !isFragment(fragment, fragment.getDimSize(0) * 8))
      return emitOpError() << "WGMMA1: expected a fragment vector<Jx2x2xT> that is not transposed, got "
                           << fragment;
    e.innerOfA = fragment.getDimSize(0) * 8;
    element = fragment.getElementType();
  }
  return checkProduct(*this, e, 256, element, b, getAcc(), cast<VectorType>(getOut().getType()),
                      {"WGMMA2", "WGMMA3", "WGMMA4", "WGMMA5"});
}

void WgmmaWaitOp::build(OpBuilder &, OperationState &state, ValueRange values, int64_t pending) {
  state.addOperands(values);
  state.addTypes(values.getTypes());
  state.getOrAddProperties<Properties>().pending =
      IntegerAttr::get(IntegerType::get(state.getContext(), 64), pending);
}

LogicalResult WgmmaWaitOp::verify() {
  if (getPending() >= 8) return emitOpError() << "WAIT1: expected pending from 0 to 7, got " << getPending();
  if (getValues().getTypes() != getFinished().getTypes())
    return emitOpError() << "WAIT2: expected results of the operands' types";
  return success();
}

LogicalResult MmaSyncOp::verify() {
  TileType b = getB().getType();
  auto a = cast<VectorType>(getA().getType());
  Extents e{a.getDimSize(0) * 8, getTransposeB() ? b.getColumns() : b.getRows(),
            getTransposeB() ? b.getRows() : b.getColumns()};
  if (!isFragment(a, e.innerOfA))
    return emitOpError() << "MMA1: expected a fragment vector<Jx2x2xT>, got " << a;
  if (e.columns % 16 != 0)
    return emitOpError() << "MMA2: expected columns to be a multiple of 16, got " << e.columns;
  return checkProduct(*this, e, INT64_MAX, a.getElementType(), b, getAcc(),
                      cast<VectorType>(getOut().getType()), {"MMA1", "MMA2", "MMA3", "MMA4"});
}

LogicalResult TensorMapOp::verify() {
  auto function = getOperation()->getParentOfType<func::FuncOp>();
  auto maps = function ? function->getAttrOfType<ArrayAttr>(kTensorMapsAttr) : ArrayAttr();
  int64_t count = maps ? maps.size() : 0;
  if (int64_t(getIndex()) < 0 || int64_t(getIndex()) >= count)
    return emitOpError() << "MAP1: expected the index of one of the kernel's " << count
                         << " tensor maps, got " << getIndex();
  return success();
}

static LogicalResult checkCoordinates(Operation *op, ValueRange coordinates) {
  if (!coordinates.empty() && coordinates.size() <= 5) return success();
  return op->emitOpError() << "TMA1: expected 1 to 5 coordinates, got " << coordinates.size();
}

LogicalResult TmaLoadOp::verify() { return checkCoordinates(*this, getCoordinates()); }
LogicalResult TmaPrefetchOp::verify() { return checkCoordinates(*this, getCoordinates()); }
LogicalResult TmaStoreOp::verify() { return checkCoordinates(*this, getCoordinates()); }

LogicalResult CopyAsyncOp::verify() {
  auto source = cast<MemRefType>(getSource().getType());
  if (source.getElementType() != getTile().getType().getElementType())
    return emitOpError() << "CPASYNC1: expected a source of " << getTile().getType().getElementType()
                         << ", got " << source;
  if (int64_t(getIndices().size()) != source.getRank())
    return emitOpError() << "CPASYNC2: expected " << source.getRank() << " indices, got "
                         << getIndices().size();
  return success();
}

LogicalResult RingSlotOp::verify() {
  if (getStages() > 0) return success();
  return emitOpError() << "RING1: expected a positive number of stages, got " << getStages();
}

LogicalResult NamedBarrierOp::verify() {
  if (getId() > 15) return emitOpError() << "NBAR1: expected an id from 0 to 15, got " << getId();
  if (getThreads() <= 0 || getThreads() > 1024 || getThreads() % 32 != 0)
    return emitOpError() << "NBAR2: expected threads to be a multiple of 32 up to 1024, got " << getThreads();
  return success();
}

LogicalResult SetMaxRegistersOp::verify() {
  if (getCount() % 8 == 0 && getCount() >= 24 && getCount() <= 256) return success();
  return emitOpError() << "SETREG1: expected a multiple of 8 from 24 to 256, got " << getCount();
}

static LogicalResult checkWord(Operation *op, Value memref, ValueRange indices) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.getElementType().isIntOrFloat() || type.getElementTypeBitWidth() != 32)
    return op->emitOpError() << "WORD1: expected 32-bit elements, got " << type;
  if (int64_t(indices.size()) != type.getRank())
    return op->emitOpError() << "WORD2: expected " << type.getRank() << " indices, got " << indices.size();
  return success();
}

LogicalResult TakeNumberOp::verify() { return checkWord(*this, getWord(), getIndices()); }
LogicalResult AwaitWordOp::verify() { return checkWord(*this, getWord(), getIndices()); }
LogicalResult PublishWordOp::verify() { return checkWord(*this, getWord(), getIndices()); }
LogicalResult ReadGlobalOp::verify() { return checkWord(*this, getSource(), getIndices()); }
