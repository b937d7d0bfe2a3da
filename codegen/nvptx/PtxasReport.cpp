#include "codegen/nvptx/PtxasReport.h"
#include "llvm/ADT/StringRef.h"
#include <algorithm>

using llvm::StringRef;

namespace drawloom {

const KernelResources *PtxasReport::find(std::string_view kernel) const {
  auto it = std::find_if(kernels.begin(), kernels.end(), [&](auto &k) { return k.kernel == kernel; });
  return it == kernels.end() ? nullptr : &*it;
}

/// The number before ` what`, as in "968 bytes stack frame, 964 bytes spill stores"; 0 if there is none.
static uint64_t numberBefore(StringRef line, StringRef what) {
  size_t at = line.find((" " + what).str());
  uint64_t value = 0;
  if (at == StringRef::npos) return 0;
  StringRef digits = line.take_front(at);
  digits = digits.substr(digits.find_last_not_of("0123456789") + 1);
  return digits.getAsInteger(10, value) ? 0 : value;
}

/// "(C7510) text" to a code and a text.
static PtxasWarning warningOf(StringRef text) {
  if (!text.consume_front("(")) return {"", text.str()};
  auto [code, rest] = text.split(')');
  return {code.str(), rest.trim().str()};
}

PtxasReport parsePtxasOutput(std::string_view output) {
  PtxasReport report;
  llvm::SmallVector<StringRef> lines;
  StringRef(output).split(lines, '\n');
  for (StringRef line : lines) {
    StringRef text = line.trim();
    bool isWarning = text.consume_front("ptxas warning");
    bool isInfo = !isWarning && text.consume_front("ptxas info");
    text = text.ltrim(" :");
    if (isWarning || (isInfo && text.starts_with("(C"))) {
      report.warnings.push_back(warningOf(text));
    } else if (isInfo && text.consume_front("Compiling entry function '")) {
      report.kernels.push_back({text.split('\'').first.str()});
    } else if (!report.kernels.empty()) {
      KernelResources &kernel = report.kernels.back();
      if (text.contains("bytes stack frame")) {
        kernel.stackBytes = numberBefore(text, "bytes stack frame");
        kernel.spillStores = numberBefore(text, "bytes spill stores");
        kernel.spillLoads = numberBefore(text, "bytes spill loads");
      } else if (text.starts_with("Used ")) {
        kernel.registers = unsigned(numberBefore(text, "registers"));
        kernel.barriers = unsigned(numberBefore(text, "barriers"));
        kernel.sharedBytes = numberBefore(text, "bytes smem");
      }
    }
  }
  return report;
}

} // namespace drawloom
