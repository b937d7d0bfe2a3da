#include "runtime/cuda/Module.h"
#include "runtime/device/ThreadPool.h"
#include "runtime/support/Error.h"
#include "runtime/support/Format.h"
#include "runtime/support/Phases.h"
#include <algorithm>
#include <functional>

namespace drawloom::cuda {

static constexpr size_t kLogBytes = 16 << 10;
static constexpr uint64_t kSharedWithoutOptIn = 48 << 10;

Module::Module(const Artifact &artifact, const Card &card) : artifact(artifact), card(card) {
  if (artifact.code().empty() && artifact.sass().empty()) {
    require(!artifact.plan().kernels() || artifact.plan().kernels()->size() == 0, kBadInput,
            "{}: the artifact has kernels but no code", artifact.name());
    return;
  }
  PhaseTimer phase("kernels");
  try {
    load();
  } catch (...) {
    unload();
    throw;
  }
}

Module::~Module() { unload(); }

void Module::unload() {
  for (const Loaded &l : loaded)
    if (l.library)
      card.driver.libraryUnload(l.library);
    else if (l.module)
      card.driver.moduleUnload(l.module);
}

void Module::load() {
  std::vector<CodeModule> modules = artifact.modules();
  loaded.resize(modules.size());
  std::vector<size_t> rest;
  for (size_t i = 0; i < modules.size(); ++i)
    if (!loadCubin(loaded[i], modules[i])) rest.push_back(i);
  if (!rest.empty()) compile(modules, std::move(rest));
}

bool Module::loadCubin(Loaded &into, const CodeModule &module) const {
  auto *target = artifact.plan().target();
  if (module.cubin.empty() || !runsCubin(card.facts, {target->c_str(), target->size()})) return false;
  // A driver older than the assembler refuses it; the PTX may still do.
  Result r = card.driver.moduleLoadDataEx(&into.module, module.cubin.data(), 0, nullptr, nullptr);
  if (r == kCudaOutOfMemory || module.ptx.empty()) check(card.driver, r, "cannot load the kernels");
  return r == kCudaSuccess;
}

namespace {

/// A module that the driver compiles.
struct Compilation {
  explicit Compilation(std::span<const std::byte> code)
      : ptx(reinterpret_cast<const char *>(code.data()), code.size()), log(kLogBytes, '\0') {}

  void run(const Driver &driver) {
    JitOption options[] = {JitOption::ErrorLog, JitOption::ErrorLogBytes};
    void *values[] = {log.data(), reinterpret_cast<void *>(kLogBytes)};
    result = driver.libraryLoadData(&library, ptx.c_str(), options, values, 2, nullptr, nullptr, 0);
  }

  std::string ptx, log; // the PTX ends in a NUL in any case
  LibraryHandle library = nullptr;
  Result result = kCudaSuccess;
};

[[noreturn]] void failCompilation(const Driver &driver, const Compilation &c, const std::string &artifact) {
  if (c.result == kCudaOutOfMemory) check(driver, c.result, "cannot load the kernels");
  const char *text = nullptr, *log = c.log.c_str();
  driver.getErrorString(c.result, &text);
  failWithHint(kBadInput, "a newer driver may compile it, or a ptxas where `drawloom compile` runs",
               "{}: the driver cannot compile the artifact's PTX: {}{}{}", artifact,
               text ? text : "unknown error", *log ? "\n" : "", log);
}

} // namespace

// The driver compiles one cuModuleLoadDataEx at a time, but libraries of several threads at once: they belong
// to no context. A library's module is loaded into the context afterwards.
void Module::compile(std::span<const CodeModule> modules, std::vector<size_t> which) {
  std::ranges::sort(which, std::ranges::greater(), // the longest is not to begin last
                    [&](size_t i) { return std::pair(modules[i].ptx.size(), i); });
  std::vector<Compilation> compilations;
  for (size_t i : which) compilations.emplace_back(modules[i].ptx);
  ThreadPool(std::min(int(which.size()), availableCores()))
      .parallelFor(which.size(), 1, [&](uint64_t begin, uint64_t end) {
        for (uint64_t k = begin; k < end; ++k) compilations[k].run(card.driver);
      });
  for (size_t k = 0; k < which.size(); ++k) loaded[which[k]].library = compilations[k].library;
  for (size_t k = 0; k < which.size(); ++k) {
    if (compilations[k].result != kCudaSuccess)
      failCompilation(card.driver, compilations[k], artifact.name());
    Loaded &l = loaded[which[k]];
    check(card.driver, card.driver.libraryGetModule(&l.module, l.library), "cannot load the kernels");
  }
}

FunctionHandle Module::kernel(const plan::Kernel &k) const {
  FunctionHandle function = nullptr;
  if (k.code_module() >= loaded.size() ||
      card.driver.moduleGetFunction(&function, loaded[k.code_module()].module, k.name()->c_str()) !=
          kCudaSuccess)
    fail(kBadInput, "{}: the code has no kernel '{}'", artifact.name(), k.name()->c_str());
  int most = 0;
  check(card.driver, card.driver.funcGetAttribute(&most, FunctionAttribute::MaxThreads, function),
        "cannot read a kernel's attributes");
  require(k.threads() <= uint32_t(most), kBadInput,
          "{}: kernel '{}' asks for blocks of {} threads, its registers allow {}", artifact.name(),
          k.name()->c_str(), k.threads(), most);
  if (k.shared_bytes() <= kSharedWithoutOptIn) return function;
  require(k.shared_bytes() <= card.facts.sharedBytesABlock, kBadInput,
          "{}: kernel '{}' asks for {} of shared memory, a block of '{}' has {}", artifact.name(),
          k.name()->c_str(), formatBytes(k.shared_bytes()), card.facts.name,
          formatBytes(card.facts.sharedBytesABlock));
  check(card.driver,
        card.driver.funcSetAttribute(function, FunctionAttribute::DynamicSharedBytes, int(k.shared_bytes())),
        fmt::format("kernel '{}' cannot have {} of shared memory", k.name()->c_str(),
                    formatBytes(k.shared_bytes())));
  return function;
}

} // namespace drawloom::cuda
