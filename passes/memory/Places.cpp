#include "passes/memory/Places.h"
#include "passes/Names.h"

using namespace mlir;

namespace drawloom {
namespace {

std::optional<Place> pairAt(Attribute attribute, unsigned number) {
  auto pairs = dyn_cast_or_null<DenseI64ArrayAttr>(attribute);
  if (!pairs || pairs.size() < 2 * (number + 1)) return std::nullopt;
  return Place{pairs[2 * number], pairs[2 * number + 1]};
}

std::vector<BufferEntry> entriesOf(Attribute attribute) {
  std::vector<BufferEntry> entries;
  auto array = dyn_cast_or_null<ArrayAttr>(attribute);
  if (!array) return entries;
  for (auto entry : array.getAsRange<DictionaryAttr>()) {
    auto text = [&](StringRef key) {
      auto value = entry.getAs<StringAttr>(key);
      return value ? value.getValue() : StringRef();
    };
    auto number = [&](StringRef key) {
      auto value = entry.getAs<IntegerAttr>(key);
      return value ? value.getInt() : 0;
    };
    auto shape = entry.getAs<DenseI64ArrayAttr>("shape");
    entries.push_back({text("name"), text("arena"), text("dtype"),
                       shape ? shape.asArrayRef() : ArrayRef<int64_t>(), number("offset"), number("bytes"),
                       number("first"), number("last")});
  }
  return entries;
}

} // namespace

std::optional<Place> placeOf(Value value) {
  if (auto result = dyn_cast<OpResult>(value))
    return pairAt(result.getOwner()->getAttr(kPlacesAttr), result.getResultNumber());
  auto argument = cast<BlockArgument>(value);
  auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  return func ? pairAt(func.getArgAttr(argument.getArgNumber(), kPlaceAttr), 0) : std::nullopt;
}

std::vector<Operation *> commandsOf(func::FuncOp func) {
  std::vector<Operation *> commands;
  for (Operation &op : func.getBody().front())
    if (isa<LaunchOp, MatmulOp>(op)) commands.push_back(&op);
  return commands;
}

std::vector<BufferEntry> persistentBuffersOf(ModuleOp module) {
  return entriesOf(module->getAttr(kBuffersAttr));
}
std::vector<BufferEntry> localsOf(func::FuncOp func) { return entriesOf(func->getAttr(kLocalsAttr)); }

} // namespace drawloom
