// The tensor maps of a kernel's bulk copies.
#pragma once
#include "passes/gpu/GpuBuilder.h"

namespace drawloom {

/// Of a kernel in the making.
class MapList {
public:
  /// A pointer to `map`; equal maps are one.
  mlir::Value add(const GpuBuilder &g, dgpu::TensorMapAttr map);
  mlir::ArrayAttr attribute(mlir::MLIRContext *context) const { return mlir::ArrayAttr::get(context, maps); }
  bool empty() const { return maps.empty(); }

private:
  mlir::SmallVector<mlir::Attribute> maps;
};

} // namespace drawloom
