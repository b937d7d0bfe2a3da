// drawloom-ptx: the kernels of an .mlir file as PTX, as machine code, or as a table of what they take.
#include "codegen/Compiler.h"
#include "codegen/nvptx/CompileGpuKernels.h"
#include "codegen/nvptx/Ptxas.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "passes/Names.h"
#include "runtime/support/Error.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"
#include <CLI/CLI.hpp>

using namespace mlir;

namespace drawloom {
namespace {

struct Options {
  std::string input = "-", output = "-", target = "sm_90a", emit = "ptx";
  int optLevel = 2;
};

std::string table(const PtxasReport &report) {
  std::string text;
  for (const KernelResources &k : report.kernels)
    text += fmt::format("{}: {} registers, {} barriers, {} bytes of stack, spills {} + {} bytes\n", k.kernel,
                        k.registers, k.barriers, k.stackBytes, k.spillStores, k.spillLoads);
  for (const PtxasWarning &w : report.warnings) text += fmt::format("warning {}: {}\n", w.code, w.text);
  return text;
}

/// The kernels of `module`: its nested @kernels, or what it holds itself.
ModuleOp kernelsOf(ModuleOp module) {
  auto nested = module.lookupSymbol<ModuleOp>(kKernelsModule);
  return nested ? nested : module;
}

int run(const Options &o) {
  Target target = Target::byName(o.target);
  require(target.isGpu(), kUsage, "PTX is for GPUs, {} is none", o.target);
  DialectRegistry registry;
  registerCompiler(registry);
  MLIRContext context(registry);
  std::string problem;
  auto file = openInputFile(o.input, &problem);
  require(file != nullptr, kMissingInput, "{}", problem);
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(file), llvm::SMLoc());
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  auto module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module) return kBadInput;
  auto ptx = emitPtxModule(kernelsOf(*module), target, o.optLevel, 0, true);
  if (failed(ptx)) return kFailed;

  auto out = openOutputFile(o.output, &problem);
  require(out != nullptr, kIo, "{}", problem);
  if (o.emit == "ptx") {
    out->os() << *ptx;
  } else {
    auto ptxas = findPtxas();
    require(ptxas.has_value(), kFailed, "no ptxas is installed");
    Cubin cubin = assemble(*ptxas, *ptx, target.name);
    if (o.emit == "cubin")
      out->os().write(reinterpret_cast<const char *>(cubin.bytes.data()), cubin.bytes.size());
    else
      out->os() << table(cubin.report);
  }
  out->keep();
  return kSuccess;
}

} // namespace
} // namespace drawloom

int main(int argc, char **argv) {
  using namespace drawloom;
  Options o;
  CLI::App app("Example:  drawloom-ptx kernels.mlir --emit=resources\n\n"
               "Lowers the functions of `module @kernels` (or of a module of its own) for a GPU.",
               "drawloom-ptx");
  app.add_option("FILE", o.input, "an .mlir file; -: standard input")->option_text("[-]");
  app.add_option("-o,--output", o.output, "where to; -: standard output")->option_text("FILE [-]");
  app.add_option("--target", o.target, "the GPU")->option_text("sm_90a|sm_80 [sm_90a]");
  app.add_option("--emit", o.emit, "what to write")
      ->check(CLI::IsMember({"ptx", "cubin", "resources"}))
      ->option_text("ptx|cubin|resources [ptx]");
  app.add_option("--opt-level", o.optLevel, "of the code generator")->check(CLI::Range(0, 3))->option_text("0..3 [2]");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(o);
  } catch (const Error &error) {
    fmt::print(stderr, "error: {}\n", error.text());
    return error.exitCode;
  }
}
