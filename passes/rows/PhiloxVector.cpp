#include "passes/rows/PhiloxVector.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/rows/VectorMath.h"
#include "runtime/abi/Philox.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace drawloom::rows {

namespace {
struct WideProduct {
  Value high, low;
};
} // namespace

static Value splat(OpBuilder &b, Location loc, Type type, Value scalar) {
  return vector::BroadcastOp::create(b, loc, type, scalar);
}

/// The 64-bit product of each i32 lane with a constant, as one instruction a lane. Written as PTX: LLVM would
/// make two products of it, one for each half.
static WideProduct multiplyExtended(OpBuilder &b, Location loc, Value x, uint32_t factor) {
  Type word = b.getI32Type(), pair = LLVM::LLVMStructType::getLiteral(b.getContext(), {word, word});
  std::string text =
      llvm::formatv("{{ .reg .b64 t; mul.wide.u32 t, $2, {0}; mov.b64 {{$0, $1}, t; }", factor).str();
  SmallVector<Value> high, low;
  for (int64_t lane = 0; lane < cast<VectorType>(x.getType()).getNumElements(); ++lane) {
    Value factorOf = vector::ExtractOp::create(b, loc, x, ArrayRef<int64_t>{lane});
    auto product = LLVM::InlineAsmOp::create(b, loc, pair, factorOf, text, "=r,=r,r",
                                             /*has_side_effects=*/false, /*is_align_stack=*/false,
                                             LLVM::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr());
    low.push_back(LLVM::ExtractValueOp::create(b, loc, product.getRes(), ArrayRef<int64_t>{0}));
    high.push_back(LLVM::ExtractValueOp::create(b, loc, product.getRes(), ArrayRef<int64_t>{1}));
  }
  return {vector::FromElementsOp::create(b, loc, x.getType(), high),
          vector::FromElementsOp::create(b, loc, x.getType(), low)};
}

/// The 64-bit product of each i32 lane with a constant. Even and odd lanes are multiplied apart, as 64-bit
/// lanes: x86 multiplies the low halves of those in one instruction.
static WideProduct multiplyWide(OpBuilder &b, Location loc, Value x, uint32_t factor) {
  auto narrow = cast<VectorType>(x.getType());
  auto wide = VectorType::get({narrow.getDimSize(0) / 2}, b.getI64Type());
  Value pairs = vector::BitCastOp::create(b, loc, wide, x);
  Value lowHalf = vecmath::constantInt(b, loc, wide, 0xFFFFFFFF);
  Value shift = vecmath::constantInt(b, loc, wide, 32);
  Value by = vecmath::constantInt(b, loc, wide, factor);
  Value even = arith::MulIOp::create(b, loc, arith::AndIOp::create(b, loc, pairs, lowHalf), by);
  Value odd = arith::MulIOp::create(b, loc, arith::ShRUIOp::create(b, loc, pairs, shift), by);
  Value highHalf = vecmath::constantInt(b, loc, wide, int64_t(0xFFFFFFFF00000000u));
  Value low = arith::OrIOp::create(b, loc, arith::AndIOp::create(b, loc, even, lowHalf),
                                   arith::ShLIOp::create(b, loc, odd, shift));
  Value high = arith::OrIOp::create(b, loc, arith::ShRUIOp::create(b, loc, even, shift),
                                    arith::AndIOp::create(b, loc, odd, highHalf));
  return {vector::BitCastOp::create(b, loc, narrow, high), vector::BitCastOp::create(b, loc, narrow, low)};
}

std::array<Value, 4> philoxBlocks(Math m, const PhiloxKey &key, Value block) {
  OpBuilder &b = m.b;
  Location loc = m.loc;
  auto multiply = m.machine == Machine::Gpu ? multiplyExtended : multiplyWide;
  using abi::Philox;
  Type lanes = block.getType();
  auto low = [&](Value x) -> Value { return arith::TruncIOp::create(b, loc, b.getI32Type(), x); };
  auto high = [&](Value x) -> Value {
    Value shift = arith::ConstantIntOp::create(b, loc, 32, 64);
    return low(arith::ShRUIOp::create(b, loc, x, shift));
  };
  auto exclusiveOr = [&](Value x, Value y, Value z) -> Value {
    return arith::XOrIOp::create(b, loc, arith::XOrIOp::create(b, loc, x, y), z);
  };
  std::array<Value, 4> c = {block, splat(b, loc, lanes, key.site), splat(b, loc, lanes, low(key.step)),
                            splat(b, loc, lanes, high(key.step))};
  Value k0 = low(key.seed), k1 = high(key.seed);
  auto next = [&](Value k, uint32_t weyl) -> Value {
    return arith::AddIOp::create(b, loc, k, arith::ConstantIntOp::create(b, loc, int32_t(weyl), 32));
  };
  for (int round = 0; round < Philox::kRounds; ++round) {
    auto p0 = multiply(b, loc, c[0], Philox::kMul0), p1 = multiply(b, loc, c[2], Philox::kMul1);
    c = {exclusiveOr(p1.high, c[1], splat(b, loc, lanes, k0)), p1.low,
         exclusiveOr(p0.high, c[3], splat(b, loc, lanes, k1)), p0.low};
    k0 = next(k0, Philox::kWeyl0);
    k1 = next(k1, Philox::kWeyl1);
  }
  return c;
}

/// 0, 1, 2, ... as i32.
static Value laneNumbers(OpBuilder &b, Location loc, int64_t lanes) {
  SmallVector<int32_t> numbers(lanes);
  std::iota(numbers.begin(), numbers.end(), 0);
  auto type = VectorType::get({lanes}, b.getI32Type());
  return arith::ConstantOp::create(b, loc, type, DenseElementsAttr::get(type, ArrayRef<int32_t>(numbers)));
}

/// The low 32 bits of an index divided by 4: abi::philoxBlock's block of an element.
static Value blockOf(OpBuilder &b, Location loc, Value element) {
  Value wide = arith::IndexCastOp::create(b, loc, b.getI64Type(), element);
  Value block = arith::ShRUIOp::create(b, loc, wide, arith::ConstantIntOp::create(b, loc, 2, 64));
  return arith::TruncIOp::create(b, loc, b.getI32Type(), block);
}

/// As many blocks as make the words of a tile on a GPU; on a CPU as many as a vector has lanes, which make
/// four vectors of words.
static Tile alignedWords(const TileContext &at, const PhiloxKey &key, Value element) {
  OpBuilder &b = at.b;
  Location loc = at.loc;
  int64_t blocks = at.machine == Machine::Gpu ? at.vectors * at.lanes / 4 : at.lanes;
  auto type = VectorType::get({blocks}, b.getI32Type());
  Value block = arith::AddIOp::create(b, loc, splat(b, loc, type, blockOf(b, loc, element)),
                                      laneNumbers(b, loc, blocks));
  auto words = philoxBlocks(at.math(), key, block);
  Value even = vector::InterleaveOp::create(b, loc, words[0], words[2]);
  Value odd = vector::InterleaveOp::create(b, loc, words[1], words[3]);
  Value all = vector::InterleaveOp::create(b, loc, even, odd);
  Tile result;
  for (int64_t v = 0; v < at.vectors; ++v)
    result.push_back(vector::ExtractStridedSliceOp::create(
        b, loc, all, ArrayRef<int64_t>{v * at.lanes}, ArrayRef<int64_t>{at.lanes}, ArrayRef<int64_t>{1}));
  return result;
}

/// Each lane computes the block of its own element and takes one word of it.
static Value unalignedWords(const TileContext &at, const PhiloxKey &key, Value element) {
  OpBuilder &b = at.b;
  Location loc = at.loc;
  VectorType type = at.vectorOf(b.getI32Type());
  Value wide = arith::IndexCastOp::create(b, loc, b.getI64Type(), element);
  Value narrow = arith::TruncIOp::create(b, loc, b.getI32Type(), wide);
  Value phase = arith::AndIOp::create(b, loc, narrow, arith::ConstantIntOp::create(b, loc, 3, 32));
  Value position = arith::AddIOp::create(b, loc, splat(b, loc, type, phase), laneNumbers(b, loc, at.lanes));
  Value offset = arith::ShRUIOp::create(b, loc, position, vecmath::constantInt(b, loc, type, 2));
  Value block = arith::AddIOp::create(b, loc, splat(b, loc, type, blockOf(b, loc, element)), offset);
  auto words = philoxBlocks(at.math(), key, block);
  auto bitSet = [&](int64_t bit) -> Value {
    Value masked = arith::AndIOp::create(b, loc, position, vecmath::constantInt(b, loc, type, bit));
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, masked,
                                 vecmath::constantInt(b, loc, type, 0));
  };
  Value odd = bitSet(1), upper = bitSet(2);
  Value low = arith::SelectOp::create(b, loc, odd, words[1], words[0]);
  Value high = arith::SelectOp::create(b, loc, odd, words[3], words[2]);
  return arith::SelectOp::create(b, loc, upper, high, low);
}

Tile philoxWords(const TileContext &at, const PhiloxKey &key, Value element, bool aligned) {
  if (aligned) return alignedWords(at, key, element);
  Tile result;
  for (int64_t v = 0; v < at.vectors; ++v) {
    Value offset = arith::ConstantIndexOp::create(at.b, at.loc, v * at.lanes);
    result.push_back(unalignedWords(at, key, arith::AddIOp::create(at.b, at.loc, element, offset)));
  }
  return result;
}

} // namespace drawloom::rows
