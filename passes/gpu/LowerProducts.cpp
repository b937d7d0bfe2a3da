// wgmma and its wait, mma.sync.
#include "passes/gpu/AsmBuilder.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace drawloom::dgpu {
namespace {

constexpr int64_t kStep = 16; ///< inner extent of one instruction

std::string typeName(Type type) { return type.isBF16() ? "bf16" : "f16"; }

/// "{$first, ..., $first+count-1}".
std::string registerList(int64_t first, int64_t count) {
  std::string text = "{";
  for (int64_t i = 0; i < count; ++i) text += (i ? ", $" : "$") + std::to_string(first + i);
  return text + "}";
}

/// The 64-bit matrix descriptor of a tile, which says where 8-row groups and panels lie (PTX ISA, "Matrix
/// Descriptor Format"). Contiguous in the inner extent: groups of rows are 8 * swizzle bytes apart, and steps
/// within a panel are found by adding to the address. Contiguous in the outer extent: panels are the leading
/// distance.
Value descriptor(const AsmBuilder &a, TileType tile, Value address) {
  int64_t layout = tile.getSwizzle() == 128 ? 1 : tile.getSwizzle() == 64 ? 2 : 3;
  int64_t leading = tile.panelBytes() / 16, groups = 8 * tile.getSwizzle() / 16;
  Value start =
      arith::ExtUIOp::create(a.b, a.loc, a.b.getI64Type(), a.bitAnd(a.shiftRight(address, 4), 0x3FFF));
  return arith::OrIOp::create(a.b, a.loc, start, a.i64(layout << 62 | groups << 32 | leading << 16));
}

/// How far, in units of 16 bytes, step `k` of the inner extent is from the tile's start.
int64_t stepOffset(TileType tile, bool innerIsRows, int64_t k) {
  int64_t at = k * kStep, columns = tile.panelColumns();
  int64_t bytes = innerIsRows ? at * tile.getSwizzle() : at / columns * tile.panelBytes() + at % columns * 2;
  return bytes / 16;
}

struct LowerWgmma : OpRewritePattern<WgmmaOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(WgmmaOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    auto out = cast<VectorType>(op.getOut().getType());
    TileType b = op.getB().getType();
    int64_t outputs = out.getNumElements(), columns = outputs * 2;
    int64_t inner = op.getTransposeB() ? b.getColumns() : b.getRows();
    SmallVector<Value> tied = op.getAcc() ? a.registers(op.getAcc()) : SmallVector<Value>();
    SmallVector<Value> operands;
    auto aTile = dyn_cast<TypedValue<TileType>>(op.getA());
    auto address = a.tileAddress(op.getB());
    if (failed(address)) return failure();
    operands.push_back(descriptor(a, b, *address));
    if (aTile) {
      auto aAddress = a.tileAddress(aTile);
      if (failed(aAddress)) return failure();
      operands.push_back(descriptor(a, aTile.getType(), *aAddress));
    } else {
      operands.append(a.registers(op.getA()));
    }
    int64_t first = outputs + tied.size(); // number of the first operand in the text
    std::string type = typeName(b.getElementType());
    std::string text = "{\n.reg .pred all, none;\n.reg .b64 da, db;\nsetp.ne.b32 all, 1, 0;\nsetp.ne.b32 "
                       "none, 0, 0;\nwgmma.fence.sync.aligned;\n";
    for (int64_t k = 0; k < inner / kStep; ++k) {
      text += llvm::formatv("add.s64 db, ${0}, {1};\n", first, stepOffset(b, !op.getTransposeB(), k)).str();
      std::string left = "da";
      if (aTile)
        text += llvm::formatv("add.s64 da, ${0}, {1};\n", first + 1,
                              stepOffset(aTile.getType(), op.getTransposeA(), k))
                    .str();
      else
        left = registerList(first + 1 + 4 * k, 4);
      text += llvm::formatv(
                  "wgmma.mma_async.sync.aligned.m64n{0}k16.f32.{1}.{1} {2}, {3}, db, {4}, 1, 1{5}, {6};\n",
                  columns, type, registerList(0, outputs), left, k == 0 && !op.getAcc() ? "none" : "all",
                  aTile ? (op.getTransposeA() ? ", 1" : ", 0") : "", op.getTransposeB() ? "0" : "1")
                  .str();
    }
    text += "wgmma.commit_group.sync.aligned;\n}";
    SmallVector<Type> results(outputs, rewriter.getF32Type());
    auto values = a.assembly(text, results, operands, {.earlyClobber = true}, tied);
    rewriter.replaceOp(op, a.fragment(out, values));
    return success();
  }
};

struct LowerWgmmaWait : OpRewritePattern<WgmmaWaitOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(WgmmaWaitOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    SmallVector<Value> tied;
    for (Value value : op.getValues()) tied.append(a.registers(value));
    SmallVector<Type> results(tied.size(), rewriter.getF32Type());
    std::string text = "wgmma.wait_group.sync.aligned " + std::to_string(op.getPending()) + ";";
    SmallVector<Value> all = a.assembly(text, results, {}, {.touchesMemory = true}, tied);
    SmallVector<Value> finished;
    ArrayRef<Value> rest = all;
    for (Value value : op.getValues()) {
      auto type = cast<VectorType>(value.getType());
      finished.push_back(a.fragment(type, rest.take_front(type.getNumElements())));
      rest = rest.drop_front(type.getNumElements());
    }
    rewriter.replaceOp(op, finished);
    return success();
  }
};

/// Reads 16 x 16 parts of b with ldmatrix.x4: two 8-column operands a part.
struct LowerMmaSync : OpRewritePattern<MmaSyncOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MmaSyncOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    auto out = cast<VectorType>(op.getOut().getType());
    TileType tile = op.getB().getType();
    auto start = a.tileAddress(op.getB());
    if (failed(start)) return failure();
    bool isTransposed = op.getTransposeB(); // rows of the tile are columns of the product
    int64_t inner = isTransposed ? tile.getColumns() : tile.getRows(), columns = out.getDimSize(0) * 8;
    SmallVector<Value> left = a.registers(op.getA());
    SmallVector<Value> sums(out.getNumElements());
    if (op.getAcc())
      sums = a.registers(op.getAcc());
    else
      for (Value &sum : sums)
        sum = arith::ConstantOp::create(rewriter, op.getLoc(), rewriter.getF32FloatAttr(0));

    // Lanes 8 m .. 8 m + 7 give the rows of 8 x 8 matrix m; matrices 0 and 1 are the inner halves of the
    // first eight columns.
    Value lane = a.lane(), low = a.bitAnd(lane, 7), bit3 = a.bitAnd(a.shiftRight(lane, 3), 1),
          bit4 = a.shiftRight(lane, 4);
    Value row = a.add(low, a.mul(isTransposed ? bit4 : bit3, 8)), odd = isTransposed ? bit3 : bit4;
    ChunkAddress chunks(a, tile, *start, row);
    std::string load = std::string("ldmatrix.sync.aligned.m8n8.x4") + (isTransposed ? "" : ".trans") +
                       ".shared.b16 {$0, $1, $2, $3}, [$4];";
    std::string type = typeName(tile.getElementType());
    std::string multiply = "mma.sync.aligned.m16n8k16.row.col.f32." + type + "." + type +
                           ".f32 {$0, $1, $2, $3}, {$8, $9, $10, $11}, {$12, $13}, {$0, $1, $2, $3};";
    SmallVector<Type> fourI32(4, rewriter.getI32Type()), fourF32(4, rewriter.getF32Type());
    for (int64_t k = 0; k < inner / kStep; ++k)
      for (int64_t n = 0; n < columns / 16; ++n) {
        int64_t rows16 = isTransposed ? n : k, columns16 = isTransposed ? k : n;
        Value address = a.add(chunks.at(2 * columns16, odd), a.i32(rows16 * 16 * tile.getSwizzle()));
        auto right = a.assembly(load, fourI32, {address}, {.touchesMemory = true});
        for (int64_t half = 0; half < 2; ++half) {
          Value *sum = &sums[(2 * n + half) * 4];
          SmallVector<Value> operands(left.begin() + 4 * k, left.begin() + 4 * k + 4);
          operands.append({right[2 * half], right[2 * half + 1]});
          auto next = a.assembly(multiply, fourF32, operands, {.hasSideEffects = false},
                                 ValueRange(ArrayRef<Value>(sum, 4)));
          std::copy(next.begin(), next.end(), sum);
        }
      }
    rewriter.replaceOp(op, a.fragment(out, sums));
    return success();
  }
};

} // namespace

void populateProducts(RewritePatternSet &patterns) {
  patterns.add<LowerWgmma, LowerWgmmaWait, LowerMmaSync>(patterns.getContext());
}

} // namespace drawloom::dgpu
