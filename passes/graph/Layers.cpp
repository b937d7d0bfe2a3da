#include "passes/graph/Layers.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace drawloom {

std::pair<StringRef, StringRef> layerAndPart(Operation &op) {
  auto label = op.getAttrOfType<StringAttr>(kSegmentAttr);
  return label ? label.getValue().rsplit('.') : std::pair<StringRef, StringRef>();
}

SmallVector<StringRef> findLayers(Block &block) {
  llvm::SetVector<StringRef> layers;
  for (Operation &op : block)
    if (StringRef layer = layerAndPart(op).first; !layer.empty()) layers.insert(layer);
  return SmallVector<StringRef>(layers.begin(), layers.end());
}

} // namespace drawloom
