#include "passes/attention/gpu/BackwardLaunch.h"
#include "passes/memory/Layout.h"

using namespace mlir;

namespace drawloom::attention {

LaunchSpec launchSpecOf(const Operands &operands, ArrayRef<unsigned> gradients, const Shape &shape,
                        ViewAttr view, const char *name) {
  LaunchSpec spec;
  spec.name = name;
  spec.inputs = operands.inputs;
  SmallVector<Value> touched = operands.inputs;
  for (Value v : operands.inputs) spec.memrefs.push_back(kernelMemRefType(v));
  for (unsigned gradient : gradients) {
    Value before = operands.before[gradient], result = operands.results[gradient];
    spec.inplace.push_back(before ? int64_t(spec.inputs.size()) : -1);
    if (before) spec.inputs.push_back(before);
    spec.memrefs.push_back(kernelMemRefType(result));
    spec.results.push_back(result.getType());
    touched.push_back(result);
  }
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
