// What every verb takes: a model spec (compiled in memory) or a compiled model.
#pragma once
#include "codegen/Compiler.h"
#include "frontend/spec/Spec.h"
#include "mlir/IR/MLIRContext.h"
#include "runtime/program/Program.h"
#include <CLI/CLI.hpp>
#include <optional>

namespace drawloom::cli {

/// The positional argument MODEL and the options --set, --device and --precision.
struct ModelInput {
  std::string path;
  std::vector<std::string> sets;
  std::string device, precision; // empty: the spec's
  std::string tuning;            // a tuning file (TuningFile.h), or empty
  bool cache = true;             // keep what is compiled on disk, and read it from there
  /// A file with an artifact's magic number, or any file whose name ends in .loom.
  bool isArtifact() const;
  /// The spec with the options applied. Throws for an artifact.
  spec::Spec spec() const;
  /// For an artifact: throws Error(kUsage) if an option was given that changes a spec. A device may be named
  /// for an artifact that `runs`.
  void refuseChanges(bool runs) const;
};

/// Adds --no-cache, which clears `cache`.
void addNoCache(CLI::App &app, bool &cache);

/// Adds --set.
void addSets(CLI::App &app, std::vector<std::string> &sets);

/// Adds the positional argument and the options; `artifacts` says whether compiled models are welcome too.
void addModelInput(CLI::App &app, ModelInput &input, bool artifacts);

/// A spec's module through the compiler, or from the compile cache (CompileCache.h) if `options.cache` and
/// only the artifact is asked for. Diagnostics of a failure, which is always ours, are thrown as
/// Error(kInternal) that names a reproducer: the module as it was built, written to the current folder or
/// else to the temporary one. `options.target` may be that of a GPU if the spec's device is "cuda", and is
/// what `chooseCard` says, asked when the module is built, if it is not.
struct Compiled {
  std::vector<std::byte> artifact; // empty if stopped after a phase
  CompileReport report;
  std::string ir; // the module afterwards, if asked for (with source locations, if asked for)
  double seconds = 0;
  bool fromCache = false;
};
/// What device "cuda" is compiled for unless a target is named: the card that is there, or the most capable
/// one.
Target cardTarget();
Compiled compileSpec(const spec::Spec &spec, CompileOptions options, bool printIr = false,
                     bool locations = false, llvm::function_ref<Target()> chooseCard = cardTarget);

/// The plan of a spec without machine code (planModule of codegen/Compiler.h), as a FlatBuffer; made, or from
/// the compile cache if `cache`.
std::vector<std::byte> planSpec(const spec::Spec &spec, bool cache);

/// Compiles a module that is no spec's (benchmarks); `name` is for messages.
std::vector<std::byte> compileModule(mlir::MLIRContext &context, mlir::ModuleOp module,
                                     const std::string &name, const CompileOptions &options = {},
                                     CompileReport *report = nullptr);

/// An MLIR context with everything the compiler needs.
std::unique_ptr<mlir::MLIRContext> makeContext();

/// The artifact's bytes: compiled now (with a note on stderr) or read.
std::vector<std::byte> artifactBytes(const ModelInput &input);

/// A runnable program of either kind of input. `threads`: as on the command line; else the spec's
/// run.threads.
std::unique_ptr<Program> loadModel(const ModelInput &input, const std::optional<int> &threads);

} // namespace drawloom::cli
