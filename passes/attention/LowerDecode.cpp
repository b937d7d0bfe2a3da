// attention_decode: a work item is one head of one sequence. The new position is a row of each piece's view
// that has it.
#include "dialect/ir/Attributes.h"
#include "dialect/pattern/Pattern.h"
#include "dialect/pattern/ViewQuery.h"
#include "dialect/pattern/Views.h"
#include "passes/attention/Lowering.h"
#include "passes/memory/Layout.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

enum Argument { kQ, kK, kV, kKeyCache, kValueCache, kPosition, kOut };

// One query of four is real on a CPU: decoding waits for memory, not for arithmetic. On a GPU a tile is many
// keys, since its latency is what counts.
constexpr TileSizes kDecodeTile{4, 64}, kBlockDecodeTile{1, 128};

class DecodeKernel {
public:
  DecodeKernel(const TileKernel &k, const Shape &shape, TileSizes sizes, ArrayRef<PieceView> views)
      : k(k), shape(shape), views(views), forward(k, shape, sizes), newKey(k.tile({1, shape.dQk})),
        newValue(k.tile({1, shape.dV})) {}

  void build() {
    k.forEachItem({shape.batch, shape.heads}, [&](ArrayRef<Value> at) {
      Value batch = at[0], head = at[1];
      Value at0 = memref::LoadOp::create(k.b, k.loc, arg(kPosition), k.index(0));
      Value position = arith::IndexCastOp::create(k.b, k.loc, k.b.getIndexType(), at0);
      append(newKey, kK, kKeyCache, batch, k.channel(head, shape.dQk), position);
      append(newValue, kV, kValueCache, batch, k.channel(head, shape.dV), position);
      AffineMap identity = k.b.getDimIdentityMap();
      Value zero = k.index(0), one = k.index(1);
      k.load(forward.queries, arg(kQ), batch, k.channel(head, shape.dQk), identity, zero, one,
             {.transpose = true, .factor = forward.queryFactor()});
      forward.start();
      for (const PieceView &view : views)
        whenHeadIsIn(view.heads, head, [&] { meetPiece(view, batch, head, position); });
      forward.finish();
      k.store(forward.acc, arg(kOut), batch, k.channel(head, shape.dV), identity, zero, one,
              {.transpose = k.isForBlocks});
    });
  }

private:
  void append(Value tile, Argument from, Argument cache, Value batch, Value channel, Value position) {
    AffineMap identity = k.b.getDimIdentityMap();
    k.load(tile, arg(from), batch, channel, identity, k.index(0), Value());
    k.store(tile, arg(cache), batch, channel, identity, position, Value());
  }

  void whenHeadIsIn(ArrayRef<int64_t> heads, Value head, llvm::function_ref<void()> body) {
    if (int64_t(heads.size()) == shape.heads) return body();
    Value isIn;
    for (int64_t h : heads) {
      Value same = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::eq, head, k.index(h));
      isIn = isIn ? arith::OrIOp::create(k.b, k.loc, isIn, same).getResult() : same;
    }
    k.when(isIn, body);
  }

  /// If the position is a row of the view, meets its keys.
  void meetPiece(const PieceView &view, Value batch, Value head, Value position) {
    ViewInKernel inView(k, ViewAttr::get(k.b.getContext(), view), shape.n);
    QueryInverse inverse = inverseQuery(view);
    Value slice = k.apply(inverse.slice, {head, position}), row = k.apply(inverse.row, {head, position});
    k.when(isWithin(slice, k.apply(view.slices, head)), [&] {
      k.when(isWithin(row, inView.rows(head, slice)), [&] {
        Rows rows{batch, head, slice, row, k.apply(k.dim(0) + 1, row)};
        forward.meetKeys(inView, rows, {Value(), arg(kKeyCache), arg(kValueCache)});
      });
    });
  }

  Value isWithin(Value x, Value extent) {
    // As unsigned numbers the negative ones are large.
    return arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::ult, x, k.max(extent, k.index(0)));
  }

  Value arg(Argument a) const { return k.kernel.memref(a); }

  const TileKernel &k;
  Shape shape;
  ArrayRef<PieceView> views;
  ForwardTile forward;
  Value newKey, newValue;
};

} // namespace

LogicalResult lower(AttentionDecodeOp op, Context &context) {
  OpBuilder b(op);
  auto cacheShape = cast<RankedTensorType>(op.getKcache().getType()).getShape();
  Shape shape = shapeOf(op.getQ(), op.getV(), op.getHeads(), op.getScale().convertToDouble());
  shape.n = cacheShape[1];
  Pattern pattern = patternOf(op.getPattern());
  std::vector<PieceView> views = makeViews(pattern, shape.n, shape.heads, op.getContext());

  LaunchSpec spec;
  spec.name = "attention_decode";
  spec.inputs = {op.getQ(), op.getK(), op.getV(), op.getKcache(), op.getVcache(), op.getPosition()};
  spec.inplace = {-1, kKeyCache, kValueCache};
  spec.results = {op.getOut().getType(), op.getNewKcache().getType(), op.getNewVcache().getType()};
  for (Value v : spec.inputs) spec.memrefs.push_back(kernelMemRefType(v));
  spec.memrefs.push_back(kernelMemRefType(op.getOut()));
  spec.grid = shape.batch * shape.heads;
  // Of the last position, which has the most keys in every named form but `summary` and `fixed`.
  int64_t pairs = 0;
  for (int64_t h = 0; h < shape.heads; ++h) pairs += pattern.countRow(h, shape.n - 1, shape.n);
  spec.flops = 2 * (shape.dQk + shape.dV) * pairs * shape.batch;
  int64_t elementBytes = getElementTypeOrSelf(op.getKcache()).getIntOrFloatBitWidth() / 8;
  spec.bytes = elementBytes * (shape.dQk + shape.dV) * pairs * shape.batch;
  TileSizes sizes = context.options.isGpu() ? kBlockDecodeTile : kDecodeTile;
  spec.key = describe(shape, sizes) + print(op.getPattern());
  auto made = launch(context, b, op, spec,
                     [&](const TileKernel &k) { DecodeKernel(k, shape, sizes, views).build(); });
  if (failed(made)) return failure();
  op.replaceAllUsesWith(*made);
  op.erase();
  return success();
}

} // namespace drawloom::attention
