// Verifiers of the ops with regions and of kernel launches.
#include "dialect/ir/Rules.h"

using namespace mlir;
using namespace drawloom;

namespace {

/// Operands feed the region's arguments (rule 1); what it yields are the results (rule 2).
LogicalResult verifyRegion(Operation *op, StringRef rule) {
  Block &body = op->getRegion(0).front();
  if (body.getArgumentTypes() != TypeRange(op->getOperandTypes()))
    return op->emitOpError() << rule << "1: the region's arguments must have the operands' types ("
                             << op->getOperandTypes() << "), got (" << body.getArgumentTypes() << ")";
  auto yield = dyn_cast_or_null<YieldOp>(body.empty() ? nullptr : &body.back());
  if (!yield) return op->emitOpError() << rule << "2: the region must end in drawloom.yield";
  if (TypeRange(yield.getValues().getTypes()) != TypeRange(op->getResultTypes()))
    return op->emitOpError() << rule << "2: yielded values must have the results' types ("
                             << op->getResultTypes() << "), got (" << yield.getValues().getTypes() << ")";
  return success();
}

bool isRowOp(Operation &op) {
  return isa<BiasAddOp, AddOp, CastOp, GeluOp, GeluGradOp, DropoutOp, LayerNormOp, LayerNormGradOp,
             CrossEntropyOp, CrossEntropyGradOp, ColumnSumOp, FillOp, EmbedOp, AdamOp, EmaOp, YieldOp>(op);
}

} // namespace

LogicalResult SegmentOp::verify() {
  if (failed(verifyRegion(*this, "SEG"))) return failure();
  int64_t results = getOutputs().size(), kept = getKept();
  if (kept >= 0 && kept <= results) return success();
  return emitOpError() << "SEG3: kept must be in [0, " << results << "], got " << kept;
}

LogicalResult RecomputeOp::verify() { return verifyRegion(*this, "REC"); }

MatmulOp FusionOp::getProduct() { return dyn_cast<MatmulOp>(getBody().front().front()); }

LogicalResult FusionOp::verify() {
  if (failed(verifyRegion(*this, "FUSE"))) return failure();
  MatmulOp product = getProduct();
  if (product && (product.getBias() || (product.getInit() && !product.getTransposeA())))
    return emitOpError()
           << "FUSE4: expected a product without bias, and without init but for a weight's gradient";
  for (Operation &op : getBody().front())
    if (!isRowOp(op) && &op != product.getOperation() && !(product && isa<AttentionDeltaOp>(op)))
      return emitOpError() << "FUSE3: expected only row operations inside, after at most one matmul, got '"
                           << op.getName().getStringRef() << "'";
  return success();
}

LogicalResult LaunchOp::verify() {
  if (int64_t(getGrid()) < 0)
    return emitOpError() << "LAUNCH3: grid must not be negative, got " << int64_t(getGrid());
  ArrayRef<int64_t> inplace = getInplace();
  if (inplace.empty()) return success();
  if (inplace.size() != getOutputs().size())
    return emitOpError() << "LAUNCH2: inplace must have one entry for each of " << getOutputs().size()
                         << " results, got " << inplace.size();
  llvm::SmallDenseSet<int64_t> tied;
  for (auto [k, operand] : llvm::enumerate(inplace)) {
    if (operand == -1) continue;
    if (operand < 0 || operand >= int64_t(getInputs().size()))
      return emitOpError() << "LAUNCH2: result " << k << " is tied to operand " << operand << " of "
                           << getInputs().size();
    if (!tied.insert(operand).second)
      return emitOpError() << "LAUNCH2: operand " << operand << " is tied to two results";
    if (getInputs()[operand].getType() != getOutputs()[k].getType())
      return emitOpError() << "LAUNCH2: result " << k << " of type " << getOutputs()[k].getType()
                           << " is tied to an operand of type " << getInputs()[operand].getType();
  }
  return success();
}

/// The kernel's arguments: a memref for each operand and untied result, an index for each scalar, begin and
/// end. Only a func.func has these types; a kernel that is already in the LLVM dialect is checked for
/// existence.
LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  Operation *kernel = symbols.lookupNearestSymbolFrom(*this, getKernelAttr());
  if (!kernel) return emitOpError() << "LAUNCH1: there is no kernel " << getKernelAttr();
  auto function = dyn_cast<func::FuncOp>(kernel);
  if (!function) return success();
  SmallVector<Type> tensors(getInputs().getTypes());
  for (auto [k, type] : llvm::enumerate(getOutputs().getTypes()))
    if (getInplace().empty() || getInplace()[k] == -1) tensors.push_back(type);
  ArrayRef<Type> arguments = function.getArgumentTypes();
  size_t expected = tensors.size() + getScalars().size() + 2;
  if (arguments.size() != expected)
    return emitOpError() << "LAUNCH1: kernel " << getKernelAttr() << " must take " << expected
                         << " arguments (" << tensors.size() << " memrefs, " << getScalars().size()
                         << " scalars, begin, end), got " << arguments.size();
  for (auto [k, type] : llvm::enumerate(arguments)) {
    if (k >= tensors.size()) {
      if (!type.isIndex())
        return emitOpError() << "LAUNCH1: argument " << k << " of the kernel must be an index, got " << type;
      continue;
    }
    auto memref = dyn_cast<MemRefType>(type);
    auto tensor = dyn_cast<ShapedType>(tensors[k]);
    if (!memref || !tensor || memref.getElementType() != tensor.getElementType() ||
        (memref.hasStaticShape() && memref.getNumElements() != tensor.getNumElements()))
      return emitOpError() << "LAUNCH1: argument " << k << " of the kernel must be a memref for "
                           << tensors[k] << ", got " << type;
  }
  return success();
}
