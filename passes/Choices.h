// What a tuning decides: which of the cuts that fit it a kernel has.
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"
#include <string>

namespace drawloom {

/// Kernels' problems, and the cuts that could solve each. A problem is text that says what is computed, of
/// what shapes and for which card; a cut is text that says how. A module with the attribute
/// `drawloom.tuning`, a dictionary of cuts by problem, has those cuts, and gets `drawloom.choices`: an array
/// of dictionaries with `problem`, `cuts` and `chosen`, a number of the list.
class Choices {
public:
  explicit Choices(mlir::ModuleOp module);

  /// The number of the cut for `problem`: the tuning's if it is one of `cuts`, which all fit the card, else
  /// the first, which is the cost model's. A tuning that names another cut is warned of at `op`.
  size_t choose(mlir::Operation *op, llvm::StringRef problem, llvm::ArrayRef<std::string> cuts);

  /// Whether anybody asks which cuts there are.
  bool areAsked() const { return bool(tuning); }

  /// Takes the tuning from the module, and leaves the choices there if it had one.
  void finish() const;

private:
  struct Choice {
    std::vector<std::string> cuts;
    size_t chosen;
  };

  mlir::ModuleOp module;
  mlir::DictionaryAttr tuning; ///< or null
  llvm::MapVector<std::string, Choice, std::map<std::string, unsigned>> choices;
};

/// What stands for a view in a problem: 16 hexadecimal digits of a hash of its text.
std::string digest(mlir::Attribute attribute);

} // namespace drawloom
