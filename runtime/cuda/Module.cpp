#include "runtime/cuda/Module.h"
#include "runtime/support/Error.h"
#include "runtime/support/Format.h"
#include "runtime/support/Phases.h"

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
    for (const CodeModule &module : artifact.modules()) load(module);
  } catch (...) {
    unload();
    throw;
  }
}

Module::~Module() { unload(); }

void Module::unload() {
  for (ModuleHandle handle : handles) card.driver.moduleUnload(handle);
}

void Module::load(const CodeModule &module) {
  ModuleHandle handle = nullptr;
  if (!loadCubin(handle, module)) loadPtx(handle, module.ptx);
  handles.push_back(handle);
}

bool Module::loadCubin(ModuleHandle &handle, const CodeModule &module) const {
  auto *target = artifact.plan().target();
  if (module.cubin.empty() || !runsCubin(card.facts, {target->c_str(), target->size()})) return false;
  // A driver older than the assembler refuses it; the PTX may still do.
  Result r = card.driver.moduleLoadDataEx(&handle, module.cubin.data(), 0, nullptr, nullptr);
  if (r == kCudaOutOfMemory || module.ptx.empty()) check(card.driver, r, "cannot load the kernels");
  return r == kCudaSuccess;
}

void Module::loadPtx(ModuleHandle &handle, std::span<const std::byte> code) const {
  std::string ptx(reinterpret_cast<const char *>(code.data()), code.size()); // ends in a NUL in any case
  std::string log(kLogBytes, '\0');
  JitOption options[] = {JitOption::ErrorLog, JitOption::ErrorLogBytes};
  void *values[] = {log.data(), reinterpret_cast<void *>(kLogBytes)};
  Result r = card.driver.moduleLoadDataEx(&handle, ptx.c_str(), 2, options, values);
  if (r == kCudaSuccess) return;
  if (r == kCudaOutOfMemory) check(card.driver, r, "cannot load the kernels");
  const char *text = nullptr;
  card.driver.getErrorString(r, &text);
  log.resize(std::char_traits<char>::length(log.c_str()));
  failWithHint(kBadInput, "a newer driver may compile it, or a ptxas where `drawloom compile` runs",
               "{}: the driver cannot compile the artifact's PTX: {}{}{}", artifact.name(),
               text ? text : "unknown error", log.empty() ? "" : "\n", log);
}

FunctionHandle Module::kernel(const plan::Kernel &k) const {
  FunctionHandle function = nullptr;
  if (k.code_module() >= handles.size() ||
      card.driver.moduleGetFunction(&function, handles[k.code_module()], k.name()->c_str()) != kCudaSuccess)
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
