#include "frontend/build/Functions.h"
#include "passes/Names.h"
#include "runtime/support/Error.h"

using namespace mlir;

namespace drawloom {

FunctionBuilder::FunctionBuilder(ModuleOp module, llvm::StringRef name,
                                 const std::vector<Argument> &arguments, Location loc)
    : builder(module.getContext()), location(loc) {
  SmallVector<Type> types;
  // All at once: each change of one argument's attributes would make a new list of those of all.
  SmallVector<DictionaryAttr> attributes;
  for (auto [k, a] : llvm::enumerate(arguments)) {
    types.push_back(a.type);
    numbers.try_emplace(a.name, unsigned(k));
    NamedAttrList list(a.more);
    list.set(kNameAttr, builder.getStringAttr(a.name));
    list.set(kRoleAttr, builder.getStringAttr(a.role));
    attributes.push_back(list.getDictionary(builder.getContext()));
  }
  builder.setInsertionPointToEnd(module.getBody());
  function = func::FuncOp::create(builder, loc, name, builder.getFunctionType(types, {}));
  function.setAllArgAttrs(attributes);
  builder.setInsertionPointToStart(function.addEntryBlock());
}

Value FunctionBuilder::argument(llvm::StringRef name) {
  auto it = numbers.find(name);
  require(it != numbers.end(), kInternal, "@{} has no argument '{}'", function.getSymName().str(),
          name.str());
  return function.front().getArgument(it->second);
}

void FunctionBuilder::finish(const std::vector<std::pair<std::string, Value>> &results) {
  SmallVector<Value> values;
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attributes;
  for (auto &[name, value] : results) {
    values.push_back(value);
    types.push_back(value.getType());
    attributes.push_back(
        builder.getDictionaryAttr(builder.getNamedAttr(kNameAttr, builder.getStringAttr(name))));
  }
  func::ReturnOp::create(builder, function.getLoc(), values);
  function.setFunctionType(builder.getFunctionType(function.getArgumentTypes(), types));
  function.setAllResultAttrs(attributes);
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
