// drawloom-assemble: the graph functions of an .mlir file as an artifact, for benchmarks of ops that no model
// consists of.
#include "codegen/Compiler.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "runtime/support/Error.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"
#include <CLI/CLI.hpp>

using namespace mlir;

int main(int argc, char **argv) {
  using namespace drawloom;
  std::string input, output, target = "sm_90a", precision = "bf16";
  CLI::App app(
      "Example:  drawloom-assemble products.mlir -o products.loom\n\n"
      "Compiles functions of drawloom ops, whatever their names, to an artifact that holds nothing else.",
      "drawloom-assemble");
  app.add_option("FILE", input, "an .mlir file")->required()->option_text(" ");
  app.add_option("-o,--output", output, "where to")->required()->option_text("FILE");
  app.add_option("--target", target, "the processor")->option_text("NAME [sm_90a]");
  app.add_option("--precision", precision, "of activations")->option_text("fp32|bf16|fp16 [bf16]");
  CLI11_PARSE(app, argc, argv);
  try {
    DialectRegistry registry;
    registerCompiler(registry);
    MLIRContext context(registry);
    auto module = parseSourceFile<ModuleOp>(input, &context);
    if (!module) return kBadInput;
    CompileOptions options;
    options.target = Target::byName(target);
    options.precision = precision;
    auto artifact = compileToArtifact(*module, options);
    if (failed(artifact)) return kFailed;
    std::string problem;
    auto out = openOutputFile(output, &problem);
    require(out != nullptr, kIo, "{}", problem);
    out->os().write(reinterpret_cast<const char *>(artifact->data()), artifact->size());
    out->keep();
    return kSuccess;
  } catch (const Error &error) {
    fmt::print(stderr, "error: {}\n", error.text());
    return error.exitCode;
  }
}
