#include "frontend/spec/Diagnostics.h"
#include <algorithm>
#include <sstream>

namespace drawloom::spec {

std::string Place::show() const {
  if (isSet()) return "--set " + text;
  if (file.empty()) return "default";
  return line ? fmt::format("{}:{}:{}", file, line, column) : file;
}

std::string Diagnostics::line(const std::string &file, unsigned number) const {
  auto it = sources.find(file);
  if (it == sources.end() || number == 0) return "";
  std::istringstream in(it->second);
  std::string text;
  for (unsigned k = 0; k < number; ++k)
    if (!std::getline(in, text)) return "";
  if (!text.empty() && text.back() == '\r') text.pop_back();
  return text;
}

void Diagnostics::error(const Place &place, const std::string &message, const std::string &hint) {
  if (!places.empty()) text += '\n';
  places.push_back(place);
  text += fmt::format("{}: error: {}", place.show(), message);
  if (std::string source = place.isSet() ? "" : line(place.file, place.line); !source.empty()) {
    std::string number = std::to_string(place.line), pad;
    // Tabs stay tabs in the caret's line, so that it stands under its column.
    for (size_t k = 0; k + 1 < place.column && k < source.size(); ++k) pad += source[k] == '\t' ? '\t' : ' ';
    text += fmt::format("\n  {} | {}\n  {} | {}^", number, source, std::string(number.size(), ' '), pad);
  }
  if (!hint.empty()) text += "\n  hint: " + hint;
}

void Diagnostics::throwIfAny() const {
  if (places.empty()) return;
  bool onlySet = std::ranges::all_of(places, &Place::isSet);
  throw SpecError(onlySet ? kUsage : kBadInput, text);
}

} // namespace drawloom::spec
