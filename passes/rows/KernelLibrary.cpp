#include "passes/rows/KernelLibrary.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "passes/Names.h"

using namespace mlir;

namespace drawloom::rows {

ModuleOp KernelLibrary::kernels() {
  if (nested) return nested;
  nested = module.lookupSymbol<ModuleOp>(kKernelsModule);
  if (!nested) {
    OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
    nested = ModuleOp::create(b, module.getLoc(), kKernelsModule);
  }
  return nested;
}

void tidy(func::FuncOp function) {
  (void)applyPatternsGreedily(function, FrozenRewritePatternSet());
  IRRewriter rewriter(function.getContext());
  DominanceInfo dominance(function);
  eliminateCommonSubExpressions(rewriter, dominance, function);
}

FailureOr<SymbolRefAttr> KernelLibrary::get(StringRef key, StringRef name, Location loc,
                                            ArrayRef<MemRefType> memrefs, unsigned scalars,
                                            function_ref<LogicalResult(KernelBuilder &)> build) {
  MLIRContext *context = module.getContext();
  SmallVector<Type> arguments(memrefs.begin(), memrefs.end());
  arguments.append(scalars + 2, IndexType::get(context));
  std::string full = (name + "|" + key).str();
  llvm::raw_string_ostream stream(full);
  for (Type type : arguments) stream << "|" << type;
  if (auto it = known.find(full); it != known.end()) return it->second;

  ModuleOp parent = kernels();
  std::string unique = name.str();
  for (int count = 1; parent.lookupSymbol(unique); ++count) unique = (name + "_" + Twine(count)).str();
  OpBuilder b = OpBuilder::atBlockEnd(parent.getBody());
  auto function = func::FuncOp::create(b, loc, unique, FunctionType::get(context, arguments, {}));
  b.setInsertionPointToStart(function.addEntryBlock());
  KernelBuilder kernel{b, loc, function};
  if (failed(build(kernel))) {
    function.erase();
    return failure();
  }
  b.setInsertionPointToEnd(&function.getBody().front());
  func::ReturnOp::create(b, loc);
  tidy(function);
  auto symbol =
      SymbolRefAttr::get(StringAttr::get(context, kKernelsModule), FlatSymbolRefAttr::get(function));
  known[full] = symbol;
  return symbol;
}

bool isDense(MemRefType type) {
  auto [strides, offset] = type.getStridesAndOffset();
  int64_t expected = 1;
  for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
    if (type.getDimSize(dim) != 1 && strides[dim] != expected) return false;
    expected *= type.getDimSize(dim);
  }
  return true;
}

Value asRows(KernelBuilder &kernel, Value value) {
  auto type = cast<MemRefType>(value.getType());
  if (type.getRank() == 2) return value;
  auto [strides, offset] = type.getStridesAndOffset();
  int64_t width = type.getRank() ? type.getShape().back() : 1, rows = type.getNumElements() / width;
  int64_t stride = type.getRank() < 2 ? width : strides[type.getRank() - 2];
  auto layout = stride == width ? MemRefLayoutAttrInterface()
                                : StridedLayoutAttr::get(type.getContext(), 0, {stride, 1});
  auto result = MemRefType::get({rows, width}, type.getElementType(), layout);
  return memref::ReinterpretCastOp::create(kernel.b, kernel.loc, result, value, /*offset=*/0,
                                           ArrayRef<int64_t>{rows, width}, ArrayRef<int64_t>{stride, 1});
}

Value asFlat(KernelBuilder &kernel, Value value) {
  auto type = cast<MemRefType>(value.getType());
  if (type.getRank() == 1) return value;
  auto result = MemRefType::get({type.getNumElements()}, type.getElementType());
  return memref::ReinterpretCastOp::create(kernel.b, kernel.loc, result, value, /*offset=*/0,
                                           ArrayRef<int64_t>{type.getNumElements()}, ArrayRef<int64_t>{1});
}

} // namespace drawloom::rows
