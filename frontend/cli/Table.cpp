#include "frontend/cli/Table.h"
#include <algorithm>
#include <fmt/format.h>

namespace drawloom::cli {

std::string Table::text() const {
  std::vector<size_t> width;
  for (auto &row : rows) {
    width.resize(std::max(width.size(), row.size()));
    for (size_t k = 0; k < row.size(); ++k) width[k] = std::max(width[k], row[k].size());
  }
  std::string out;
  for (auto &row : rows) {
    std::string line;
    for (size_t k = 0; k < row.size(); ++k) {
      bool toLeft = std::ranges::find(left, k) != left.end();
      line += k ? "  " : "";
      line += toLeft ? fmt::format("{:<{}}", row[k], width[k]) : fmt::format("{:>{}}", row[k], width[k]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

} // namespace drawloom::cli
