#include "passes/gpu/AsmBuilder.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace drawloom::dgpu {

Value AsmBuilder::i32(int64_t value) const { return arith::ConstantIntOp::create(b, loc, value, 32); }
Value AsmBuilder::i64(int64_t value) const { return arith::ConstantIntOp::create(b, loc, value, 64); }
Value AsmBuilder::add(Value x, Value y) const { return arith::AddIOp::create(b, loc, x, y); }
Value AsmBuilder::mul(Value x, int64_t y) const { return arith::MulIOp::create(b, loc, x, i32(y)); }
Value AsmBuilder::bitAnd(Value x, int64_t y) const { return arith::AndIOp::create(b, loc, x, i32(y)); }
Value AsmBuilder::bitXor(Value x, Value y) const { return arith::XOrIOp::create(b, loc, x, y); }
Value AsmBuilder::shiftRight(Value x, int64_t bits) const {
  return arith::ShRUIOp::create(b, loc, x, i32(bits));
}

Value AsmBuilder::toI32(Value x) const {
  if (x.getType().isIndex()) return arith::IndexCastOp::create(b, loc, b.getI32Type(), x);
  return arith::ExtUIOp::create(b, loc, b.getI32Type(), x);
}

Value AsmBuilder::thread() const {
  return toI32(mlir::gpu::ThreadIdOp::create(b, loc, mlir::gpu::Dimension::x));
}
Value AsmBuilder::lane() const { return bitAnd(thread(), 31); }

static char constraintOf(Type type) {
  return type.isF32() ? 'f' : type.isInteger(64) || isa<LLVM::LLVMPointerType>(type) ? 'l' : 'r';
}

SmallVector<Value> AsmBuilder::assembly(StringRef text, ArrayRef<Type> results, ValueRange operands,
                                        AsmTraits traits, ValueRange tied) const {
  SmallVector<std::string> constraints;
  for (Type type : results)
    constraints.push_back(std::string(traits.earlyClobber ? "=&" : "=") + constraintOf(type));
  for (size_t i = 0; i < tied.size(); ++i) constraints.push_back(std::to_string(i));
  for (Type type : operands.getTypes()) constraints.push_back(std::string(1, constraintOf(type)));
  if (traits.touchesMemory) constraints.push_back("~{memory}");
  SmallVector<Value> values(tied);
  values.append(operands.begin(), operands.end());
  SmallVector<Type, 1> type;
  if (results.size() == 1) type.push_back(results.front());
  if (results.size() > 1) type.push_back(LLVM::LLVMStructType::getLiteral(b.getContext(), results));
  auto dialect = LLVM::AsmDialectAttr::get(b.getContext(), LLVM::AsmDialect::AD_ATT);
  auto op = LLVM::InlineAsmOp::create(
      b, loc, TypeRange(type), values, text, llvm::join(constraints, ","), traits.hasSideEffects,
      /*is_align_stack=*/false, LLVM::TailCallKind::None, dialect, ArrayAttr());
  if (results.size() <= 1) return SmallVector<Value>(op->getResults());
  SmallVector<Value> parts;
  for (size_t i = 0; i < results.size(); ++i)
    parts.push_back(LLVM::ExtractValueOp::create(b, loc, op->getResult(0), ArrayRef<int64_t>{int64_t(i)}));
  return parts;
}

Value AsmBuilder::intrinsic(StringRef name, Type result, ValueRange operands) const {
  if (result)
    return LLVM::CallIntrinsicOp::create(b, loc, result, b.getStringAttr(name), operands).getResult(0);
  LLVM::CallIntrinsicOp::create(b, loc, b.getStringAttr(name), operands);
  return {};
}

Value AsmBuilder::sharedAddress(Value offset) const {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext(), 3);
  Value base = LLVM::AddressOfOp::create(b, loc, pointer, kDynamicSharedSymbol);
  return add(LLVM::PtrToIntOp::create(b, loc, b.getI32Type(), base), offset);
}

FailureOr<Value> AsmBuilder::tileAddress(TypedValue<TileType> tile) const {
  if (auto whole = tile.getDefiningOp<SharedTileOp>()) return sharedAddress(whole.getOffset());
  if (auto part = tile.getDefiningOp<SubtileOp>()) {
    FailureOr<Value> source = tileAddress(part.getSource());
    if (failed(source)) return failure();
    return add(*source, mul(part.getRow(), tile.getType().getSwizzle()));
  }
  return failure();
}

Value AsmBuilder::globalAddress(TypedValue<MemRefType> source, ValueRange indices) const {
  auto index = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
  auto [strides, offset] = source.getType().getStridesAndOffset();
  Value element = index(offset);
  for (auto [position, stride] : llvm::zip_equal(indices, strides))
    element = add(element, arith::MulIOp::create(b, loc, position, index(stride)));
  Value bytes = arith::MulIOp::create(b, loc, element, index(source.getType().getElementTypeBitWidth() / 8));
  Value start = memref::ExtractAlignedPointerAsIndexOp::create(b, loc, source);
  return arith::IndexCastOp::create(b, loc, b.getI64Type(), add(start, bytes));
}

SmallVector<Value> AsmBuilder::registers(Value fragment) const {
  auto type = cast<VectorType>(fragment.getType());
  if (!type.getElementType().isF32()) {
    auto packed = VectorType::get({type.getDimSize(0), 2, 1}, b.getI32Type());
    fragment = vector::BitCastOp::create(b, loc, packed, fragment);
  }
  return SmallVector<Value>(vector::ToElementsOp::create(b, loc, fragment).getResults());
}

Value AsmBuilder::fragment(VectorType type, ValueRange registers) const {
  if (type.getElementType().isF32()) return vector::FromElementsOp::create(b, loc, type, registers);
  auto packed = VectorType::get({type.getDimSize(0), 2, 1}, b.getI32Type());
  return vector::BitCastOp::create(b, loc, type, vector::FromElementsOp::create(b, loc, packed, registers));
}

ChunkAddress::ChunkAddress(const AsmBuilder &a, TileType tile, Value start, Value row) : a(a), tile(tile) {
  int64_t span = tile.getSwizzle();
  rowStart = a.add(start, a.mul(row, span));
  // Bits 7.. of the byte address within a panel.
  swizzle = a.bitAnd(a.shiftRight(row, llvm::Log2_64(128 / span)), span / 16 - 1);
}

Value ChunkAddress::at(int64_t chunk, Value odd) const {
  int64_t chunksOfPanel = tile.getSwizzle() / 16, panel = chunk / chunksOfPanel;
  // An even number plus 0 or 1 is their exclusive or, so that the part that depends on the thread is the same
  // for all chunks.
  Value place = odd ? a.bitXor(swizzle, odd) : swizzle;
  Value bytes = a.bitXor(a.mul(place, 16), a.i32(chunk % chunksOfPanel * 16));
  return a.add(a.add(rowStart, bytes), a.i32(panel * tile.panelBytes()));
}

Value ChunkAddress::atDynamic(Value chunk) const {
  int64_t chunksOfPanel = tile.getSwizzle() / 16;
  Value panel = a.shiftRight(chunk, llvm::Log2_64(chunksOfPanel));
  Value bytes = a.mul(a.bitXor(a.bitAnd(chunk, chunksOfPanel - 1), swizzle), 16);
  return a.add(a.add(rowStart, bytes), a.mul(panel, tile.panelBytes()));
}

} // namespace drawloom::dgpu
