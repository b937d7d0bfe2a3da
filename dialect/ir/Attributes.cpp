// The dialect's attributes: spelling of patterns, syntax and checks of views, conversions to the algebra's
// structs.
#include "dialect/ir/Attributes.h"
#include "dialect/ir/PatternCache.h"
#include "mlir/AsmParser/AsmParser.h"

using namespace mlir;
using namespace drawloom;

#define GET_ATTRDEF_CLASSES
#include "dialect/DrawloomAttrs.cpp.inc"

void DrawloomDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/DrawloomAttrs.cpp.inc"
      >();
}

//===-- patterns ---------------------------------------------------------------------------------===//

const drawloom::Pattern *PatternCache::find(StringRef text, PatternError &error) {
  std::lock_guard<std::mutex> guard(lock);
  auto [entry, isNew] = patterns.try_emplace(text);
  if (isNew) entry->second = drawloom::Pattern::parse(text, error);
  if (entry->second) return &*entry->second;
  patterns.erase(entry); // errors are not kept: the next caller wants its message too
  return nullptr;
}

const drawloom::Pattern &drawloom::patternOf(PatternAttr attr) {
  PatternError error;
  auto *dialect = attr.getContext()->getLoadedDialect<DrawloomDialect>();
  const drawloom::Pattern *pattern = dialect->patterns->find(attr.getSpelling(), error);
  if (!pattern) llvm::report_fatal_error(llvm::Twine("a pattern attribute holds no pattern: ") + error.str());
  return *pattern;
}

PatternAttr PatternAttr::get(MLIRContext *context, const drawloom::Pattern &pattern) {
  return get(context, pattern.spelling());
}

LogicalResult PatternAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef spelling) {
  PatternError error;
  std::optional<drawloom::Pattern> pattern = drawloom::Pattern::parse(spelling, error);
  if (!pattern) return emitError() << "PATTERN1: " << error.str();
  std::string canonical = pattern->spelling();
  if (canonical == spelling) return success();
  return emitError() << "PATTERN1: the canonical spelling of '" << spelling << "' is '" << canonical << "'";
}

/// Errors point at the offending text within the string.
Attribute PatternAttr::parse(AsmParser &parser, Type) {
  std::string text;
  if (parser.parseLess()) return {};
  const char *quote = parser.getCurrentLocation().getPointer();
  if (parser.parseString(&text) || parser.parseGreater()) return {};
  PatternError error;
  if (std::optional<drawloom::Pattern> pattern = drawloom::Pattern::parse(text, error))
    return get(parser.getContext(), *pattern);
  InFlightDiagnostic diagnostic = parser.emitError(SMLoc::getFromPointer(quote + error.column));
  diagnostic << "PATTERN1: " << error.message;
  if (!error.hint.empty()) diagnostic << " (" << error.hint << ")";
  return {};
}

void PatternAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printer.printString(getSpelling());
  printer << '>';
}

//===-- views ------------------------------------------------------------------------------------===//

namespace {

/// One affine map of a view: its name in the syntax, the number of dimensions, and whether it is a bound
/// (several results).
struct MapField {
  StringRef name;
  AffineMap PieceView::*map;
  unsigned dims;
  bool isBound;
};
constexpr int kMapCount = 9;
const MapField kMaps[kMapCount] = {
    {"slices", &PieceView::slices, 1, false}, {"rows", &PieceView::rows, 2, false},
    {"query", &PieceView::query, 3, false},   {"keys", &PieceView::keys, 2, false},
    {"key", &PieceView::key, 3, false},       {"key_lo", &PieceView::keyLo, 3, true},
    {"key_hi", &PieceView::keyHi, 3, true},   {"row_lo", &PieceView::rowLo, 3, true},
    {"row_hi", &PieceView::rowHi, 3, true}};

LogicalResult verifyMaps(function_ref<InFlightDiagnostic()> emitError, const PieceView &view) {
  for (const MapField &field : kMaps) {
    AffineMap map = view.*field.map;
    if (map.getNumDims() != field.dims || map.getNumSymbols() != 0)
      return emitError() << "VIEW2: " << field.name << " takes " << field.dims
                         << " dimensions and no symbols, got " << map.getNumDims() << " and "
                         << map.getNumSymbols();
    if (field.isBound ? map.getNumResults() == 0 : map.getNumResults() != 1)
      return emitError() << "VIEW3: " << field.name << " has "
                         << (field.isBound ? "at least one result" : "one result") << ", got "
                         << map.getNumResults();
  }
  return success();
}

/// `"(h, i, j) : (i - j >= 0)"`.
ParseResult parseQuotedSet(AsmParser &parser, IntegerSet &set) {
  std::string text;
  SMLoc start = parser.getCurrentLocation();
  if (parser.parseString(&text)) return failure();
  set = parseIntegerSet(text, parser.getContext());
  if (set) return success();
  return parser.emitError(start) << "VIEW4: expected an affine set, got '" << text << "'";
}

} // namespace

ViewAttr ViewAttr::get(MLIRContext *context, const PieceView &v) {
  return get(context, v.heads, v.slices, v.rows, v.query, v.keys, v.key, v.keyLo, v.keyHi, v.rowLo, v.rowHi,
             v.predicate);
}

PieceView drawloom::toView(ViewAttr a) {
  return {a.getHeads().vec(), a.getSlices(), a.getRows(),  a.getQuery(), a.getKeys(),           a.getKey(),
          a.getKeyLo(),       a.getKeyHi(),  a.getRowLo(), a.getRowHi(), a.getPredicate().vec()};
}

LogicalResult ViewAttr::verify(function_ref<InFlightDiagnostic()> emitError, ArrayRef<int64_t> heads,
                               AffineMap slices, AffineMap rows, AffineMap query, AffineMap keys,
                               AffineMap key, AffineMap keyLo, AffineMap keyHi, AffineMap rowLo,
                               AffineMap rowHi, ArrayRef<IntegerSet> predicate) {
  if (heads.empty()) return emitError() << "VIEW1: a view applies to at least one head";
  for (size_t k = 0; k < heads.size(); ++k)
    if (heads[k] < 0 || (k > 0 && heads[k] <= heads[k - 1]))
      return emitError() << "VIEW1: heads are non-negative and ascending, got " << heads[k] << " at place "
                         << k;
  PieceView view{heads.vec(), slices, rows, query, keys, key, keyLo, keyHi, rowLo, rowHi, predicate.vec()};
  if (failed(verifyMaps(emitError, view))) return failure();
  for (IntegerSet set : predicate)
    if (set.getNumDims() != 3 || set.getNumSymbols() != 0)
      return emitError() << "VIEW4: predicate sets take the dimensions (h, i, j) and no symbols, got "
                         << set.getNumDims() << " and " << set.getNumSymbols();
  return success();
}

void ViewAttr::print(AsmPrinter &printer) const {
  PieceView view = toView(*this);
  printer << "<heads = [";
  llvm::interleaveComma(view.heads, printer);
  printer << "]";
  for (const MapField &field : kMaps) {
    printer << ", " << field.name << " = ";
    (view.*field.map).print(printer.getStream());
  }
  if (!view.predicate.empty()) {
    printer << ", predicate = [";
    llvm::interleaveComma(view.predicate, printer, [&](IntegerSet set) {
      printer << '"';
      set.print(printer.getStream());
      printer << '"';
    });
    printer << "]";
  }
  printer << ">";
}

Attribute ViewAttr::parse(AsmParser &parser, Type) {
  PieceView view;
  SMLoc start = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseKeyword("heads") || parser.parseEqual()) return {};
  auto parseHead = [&] { return parser.parseInteger(view.heads.emplace_back()); };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseHead)) return {};
  for (const MapField &field : kMaps)
    if (parser.parseComma() || parser.parseKeyword(field.name) || parser.parseEqual() ||
        parser.parseAffineMap(view.*field.map))
      return {};
  if (succeeded(parser.parseOptionalComma())) {
    auto parseSet = [&] { return parseQuotedSet(parser, view.predicate.emplace_back()); };
    if (parser.parseKeyword("predicate") || parser.parseEqual() ||
        parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseSet))
      return {};
  }
  if (parser.parseGreater()) return {};
  return ViewAttr::getChecked([&] { return parser.emitError(start); }, parser.getContext(), view.heads,
                              view.slices, view.rows, view.query, view.keys, view.key, view.keyLo, view.keyHi,
                              view.rowLo, view.rowHi, view.predicate);
}
