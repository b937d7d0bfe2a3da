#include "passes/Choices.h"
#include "mlir/IR/Builders.h"
#include "passes/Names.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace drawloom {

Choices::Choices(ModuleOp module)
    : module(module), tuning(module->getAttrOfType<DictionaryAttr>(kTuningAttr)) {}

size_t Choices::choose(Operation *op, StringRef problem, ArrayRef<std::string> cuts) {
  if (!tuning) return 0;
  auto [known, isNew] = choices.try_emplace(problem.str());
  Choice &choice = known->second;
  if (!isNew) return choice.chosen;
  choice = {cuts.vec(), 0};
  auto wanted = tuning.getAs<StringAttr>(problem);
  if (!wanted) return 0;
  auto at = llvm::find(choice.cuts, wanted.getValue());
  if (at == choice.cuts.end())
    op->emitWarning() << "the tuning cuts '" << problem << "' as '" << wanted.getValue()
                      << "', which is none of the " << cuts.size()
                      << " cuts that fit; the cost model's is used";
  else
    choice.chosen = size_t(at - choice.cuts.begin());
  return choice.chosen;
}

void Choices::finish() const {
  if (!tuning) return;
  ModuleOp op = module;
  Builder b(op.getContext());
  SmallVector<Attribute> list;
  for (const auto &[problem, choice] : choices) {
    SmallVector<StringRef> cuts(choice.cuts.begin(), choice.cuts.end());
    list.push_back(b.getDictionaryAttr(
        {b.getNamedAttr("problem", b.getStringAttr(problem)), b.getNamedAttr("cuts", b.getStrArrayAttr(cuts)),
         b.getNamedAttr("chosen", b.getI64IntegerAttr(int64_t(choice.chosen)))}));
  }
  op->removeAttr(kTuningAttr);
  op->setAttr(kChoicesAttr, b.getArrayAttr(list));
}

std::string digest(Attribute attribute) {
  std::string text, hex;
  llvm::raw_string_ostream(text) << attribute;
  llvm::raw_string_ostream(hex) << llvm::format_hex_no_prefix(llvm::xxh3_64bits(text), 16);
  return hex;
}

} // namespace drawloom
