#include "dialect/pattern/Cells.h"

namespace drawloom {

constexpr size_t kMaxConjunctions = 16; ///< unions of more go to the predicate
constexpr size_t kMaxCells = 48;        ///< while subtracting

static Cell with(Cell cell, const Cond &c) {
  cell.push_back(c);
  return cell;
}

/// Whether a is a subset of b.
static bool isSubset(const Cell &a, const Cell &b, const CellSpace &space) {
  return llvm::all_of(b, [&](const Cond &c) {
    std::optional<Cond> opposite = negate(c);
    return opposite && isEmpty(with(a, *opposite), space);
  });
}

std::optional<std::vector<Cell>> recognizeCells(const std::vector<Conjunction> &conjunctions,
                                                const CellSpace &space) {
  if (conjunctions.size() > kMaxConjunctions) return std::nullopt;
  std::vector<Cell> cells;
  for (const Conjunction &conjunction : conjunctions) {
    Cell cell;
    for (const Condition &condition : conjunction) {
      auto conds = recognize(condition, space);
      if (!conds) return std::nullopt;
      cell.append(conds->begin(), conds->end());
    }
    mergeResidues(cell);
    if (!isEmpty(cell, space)) cells.push_back(std::move(cell));
  }
  for (size_t k = cells.size(); k-- > 0;)
    for (size_t other = 0; other < cells.size(); ++other)
      if (other != k && isSubset(cells[k], cells[other], space)) {
        cells.erase(cells.begin() + k);
        break;
      }
  return cells;
}

/// cell and not other, as disjoint cells: for conditions c1, c2, ... of other: not c1; c1 and not c2; ...
static bool subtract(const Cell &cell, const Cell &other, const CellSpace &space, std::vector<Cell> &out) {
  Cell rest(cell);
  rest.append(other.begin(), other.end());
  if (isEmpty(rest, space)) { // nothing in common
    out.push_back(cell);
    return true;
  }
  Cell prefix(cell);
  for (const Cond &c : other) {
    std::optional<Cond> opposite = negate(c);
    if (!opposite) return false;
    Cell piece = with(prefix, *opposite);
    if (!isEmpty(piece, space)) out.push_back(std::move(piece));
    prefix.push_back(c);
  }
  return out.size() <= kMaxCells;
}

std::optional<std::vector<Cell>> disjointCells(const std::vector<Cell> &conjunctions,
                                               llvm::ArrayRef<size_t> order, const CellSpace &space) {
  std::vector<Cell> result;
  for (size_t k = 0; k < order.size(); ++k) {
    std::vector<Cell> mine{conjunctions[order[k]]};
    for (size_t e = 0; e < k; ++e) {
      std::vector<Cell> next;
      for (const Cell &cell : mine)
        if (!subtract(cell, conjunctions[order[e]], space, next)) return std::nullopt;
      mine = std::move(next);
    }
    for (Cell &cell : mine) {
      mergeResidues(cell);
      dropRedundant(cell, space);
      result.push_back(std::move(cell));
    }
    if (result.size() > kMaxCells) return std::nullopt;
  }
  return result;
}

} // namespace drawloom
