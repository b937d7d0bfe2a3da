#include "passes/gpu/TensorMaps.h"

using namespace mlir;

namespace drawloom {

Value MapList::add(const GpuBuilder &g, dgpu::TensorMapAttr map) {
  auto found = llvm::find(maps, map);
  int64_t index = found - maps.begin();
  if (found == maps.end()) maps.push_back(map);
  // The verifier looks for the function's list.
  g.k.kernel.function->setAttr(kTensorMapsAttr, attribute(g.b.getContext()));
  return dgpu::TensorMapOp::create(g.b, g.loc, LLVM::LLVMPointerType::get(g.b.getContext()), index);
}

} // namespace drawloom
