#include "runtime/sample/Sheet.h"
#include <algorithm>
#include <cmath>

namespace drawloom {

static constexpr uint8_t kMissing = 48, kBetween = 255;

Image imageOf(std::string_view bytes, ImageShape shape) {
  Image image{shape, std::vector<uint8_t>(shape.bytes(), kMissing)};
  std::copy_n(bytes.begin(), std::min(bytes.size(), image.rgb.size()), image.rgb.begin());
  return image;
}

Image contactSheet(const std::vector<Image> &cells, uint64_t columns) {
  ImageShape cell = cells.at(0).shape;
  uint64_t gap = std::max<uint64_t>(1, std::max(cell.rows, cell.columns) / 16);
  uint64_t lines = (cells.size() + columns - 1) / columns;
  ImageShape shape{lines * (cell.rows + gap) + gap, columns * (cell.columns + gap) + gap};
  Image sheet{shape, std::vector<uint8_t>(shape.bytes(), kBetween)};
  for (uint64_t k = 0; k < cells.size(); ++k) {
    uint64_t top = gap + k / columns * (cell.rows + gap), left = gap + k % columns * (cell.columns + gap);
    for (uint64_t r = 0; r < cell.rows; ++r)
      std::copy_n(&cells[k].rgb[r * cell.columns * 3], cell.columns * 3,
                  &sheet.rgb[((top + r) * shape.columns + left) * 3]);
  }
  return sheet;
}

uint64_t sheetColumns(uint64_t cells, uint64_t group, ImageShape cell) {
  double square = std::sqrt(double(cells) * double(cell.rows) / double(cell.columns));
  uint64_t groups = std::max<uint64_t>(1, uint64_t(std::lround(square / double(group))));
  return group * std::min(groups, (cells + group - 1) / group);
}

} // namespace drawloom
