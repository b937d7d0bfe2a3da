// Artifacts and plans on disk, by a hash of all that they were made from (docs/design/compile-cache.md).
#pragma once
#include "codegen/Compiler.h"
#include "runtime/support/DiskCache.h"

namespace drawloom {

/// What compiling a module gave.
struct CompiledModule {
  std::vector<std::byte> artifact;
  CompileReport report;
  std::vector<std::string> warnings; ///< what was said about it on the way
};

class CompileCache {
public:
  CompileCache() : CompileCache(DiskCache::folderOf("artifacts")) {}
  /// An empty folder keeps nothing.
  explicit CompileCache(std::string folder) : files(std::move(folder)) {}

  /// What the result of compiling `module`, on which no pass has run yet, depends on: the module but for its
  /// spec, which an artifact only carries; the options but for those that leave the artifact as it is; this
  /// compiler; for a GPU, the ptxas that is there. `kind` tells results of the same module apart.
  static std::string keyOf(mlir::ModuleOp module, const CompileOptions &options, std::string_view kind);

  /// The result that was stored under `key`, its artifact checked and with the spec of `module` in it.
  std::optional<CompiledModule> findModule(const std::string &key, mlir::ModuleOp module) const;
  void storeModule(const std::string &key, const CompiledModule &compiled) const;

  /// The same for a plan of planModule, as a FlatBuffer without the spec.
  std::optional<std::vector<std::byte>> findPlan(const std::string &key) const;
  void storePlan(const std::string &key, std::span<const std::byte> plan) const { files.store(key, plan); }

  const DiskCache &disk() const { return files; }

private:
  DiskCache files;
};

} // namespace drawloom
