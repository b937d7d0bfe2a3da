#include "passes/attention/gpu/BackwardLaunch.h"
#include "passes/memory/Layout.h"

using namespace mlir;

namespace drawloom::attention {

void Operands::startFromZeros(OpBuilder &b, Location loc, ArrayRef<unsigned> gradients) {
  for (unsigned gradient : gradients)
    if (!before[gradient]) before[gradient] = filled(b, loc, results[gradient].getType(), 0.0);
}

unsigned argumentOf(const LaunchSpec &spec, unsigned result) {
  if (spec.inplace[result] >= 0) return unsigned(spec.inplace[result]);
  return unsigned(spec.inputs.size() + llvm::count(ArrayRef(spec.inplace).take_front(result), -1));
}

LaunchSpec launchSpecOf(const Operands &operands, ArrayRef<unsigned> gradients, const Shape &shape,
                        ViewAttr view, const char *name) {
  LaunchSpec spec;
  spec.name = name;
  spec.inputs = operands.inputs;
  SmallVector<Value> touched = operands.inputs;
  for (Value v : operands.inputs) spec.memrefs.push_back(kernelMemRefType(v));
  SmallVector<MemRefType> made;
  for (unsigned gradient : gradients) {
    Value before = operands.before[gradient], result = operands.results[gradient];
    spec.inplace.push_back(before ? int64_t(spec.inputs.size()) : -1);
    if (before) spec.inputs.push_back(before);
    (before ? spec.memrefs : made).push_back(kernelMemRefType(result));
    spec.results.push_back(result.getType());
    touched.push_back(result);
  }
  spec.memrefs.append(made.begin(), made.end());
  if (Value delta = operands.keptDelta) {
    spec.inplace.push_back(-1);
    spec.memrefs.push_back(kernelMemRefType(delta));
    spec.results.push_back(delta.getType());
    touched.push_back(delta);
  }
  spec.bytes = bytesOf(touched, view.getHeads().size(), shape.heads);
  spec.key = describe(shape, {0, 0}) + print(view);
  return spec;
}

} // namespace drawloom::attention
