// Many images in one.
#pragma once
#include "runtime/data/Png.h"
#include <string_view>

namespace drawloom {

/// The image whose first bytes these are; the rest is dark grey.
Image imageOf(std::string_view bytes, ImageShape shape);

/// The cells, all of one size, from left to right and top to bottom in `columns` columns, with gaps of a
/// pixel or more between them.
Image contactSheet(const std::vector<Image> &cells, uint64_t columns);

/// Columns of a sheet that is about as wide as it is high, a multiple of `group` (cells that belong together
/// and stand side by side).
uint64_t sheetColumns(uint64_t cells, uint64_t group, ImageShape cell);

} // namespace drawloom
