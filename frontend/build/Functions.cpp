#include "frontend/build/Functions.h"
#include "runtime/support/Error.h"

using namespace mlir;

namespace drawloom {

FunctionBuilder::FunctionBuilder(ModuleOp module, llvm::StringRef name,
                                 const std::vector<Argument> &arguments, Location loc)
    : builder(module.getContext()), location(loc) {
  SmallVector<Type> types;
  for (const Argument &a : arguments) types.push_back(a.type), names.push_back(a.name);
  builder.setInsertionPointToEnd(module.getBody());
  function = func::FuncOp::create(builder, loc, name, builder.getFunctionType(types, {}));
  for (auto [k, a] : llvm::enumerate(arguments)) {
    function.setArgAttr(k, "drawloom.name", builder.getStringAttr(a.name));
    function.setArgAttr(k, "drawloom.role", builder.getStringAttr(a.role));
    for (NamedAttribute attr : a.more) function.setArgAttr(k, attr.getName(), attr.getValue());
  }
  builder.setInsertionPointToStart(function.addEntryBlock());
}

Value FunctionBuilder::argument(llvm::StringRef name) {
  auto it = llvm::find(names, name);
  require(it != names.end(), kInternal, "@{} has no argument '{}'", function.getSymName().str(), name.str());
  return function.front().getArgument(unsigned(it - names.begin()));
}

void FunctionBuilder::finish(const std::vector<std::pair<std::string, Value>> &results) {
  SmallVector<Value> values;
  SmallVector<Type> types;
  for (auto &[name, value] : results) values.push_back(value), types.push_back(value.getType());
  func::ReturnOp::create(builder, function.getLoc(), values);
  function.setFunctionType(builder.getFunctionType(function.getArgumentTypes(), types));
  for (auto [k, result] : llvm::enumerate(results))
    function.setResultAttr(k, "drawloom.name", builder.getStringAttr(result.first));
}

void FunctionBuilder::at(Location loc, std::string newLabel, std::string newSegment) {
  // The label is the location's name too, so that diagnostics say "layers.3.attention" beside the file's
  // line.
  location = NameLoc::get(builder.getStringAttr(newLabel), loc);
  label = std::move(newLabel);
  segment = std::move(newSegment);
}

void FunctionBuilder::mark(Operation *op) {
  op->setAttr(kLabelAttr, builder.getStringAttr(label));
  if (!segment.empty()) op->setAttr(kSegmentAttr, builder.getStringAttr(segment));
}

Location locationOf(MLIRContext *context, const spec::Place &place, const std::string &file) {
  bool known = !place.file.empty() && !place.isSet();
  return FileLineColLoc::get(context, known ? place.file : file, known ? place.line : 1,
                             known ? place.column : 1);
}

RankedTensorType floatTensor(MLIRContext *context, llvm::ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, Float32Type::get(context));
}
RankedTensorType intTensor(MLIRContext *context, llvm::ArrayRef<int64_t> shape, unsigned bits) {
  return RankedTensorType::get(shape, IntegerType::get(context, bits));
}

} // namespace drawloom
