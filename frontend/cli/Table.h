// Columns for people.
#pragma once
#include <string>
#include <vector>

namespace drawloom::cli {

/// Rows of cells, aligned: the first column to the left, the others to the right unless `left` names them.
class Table {
public:
  explicit Table(std::vector<std::string> header, std::vector<size_t> left = {0}) : left(std::move(left)) {
    rows.push_back(std::move(header));
  }
  void add(std::vector<std::string> row) { rows.push_back(std::move(row)); }
  std::string text() const;

private:
  std::vector<size_t> left;
  std::vector<std::vector<std::string>> rows;
};

} // namespace drawloom::cli
