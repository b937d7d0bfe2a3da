#include "runtime/program/Program.h"
#include "runtime/abi/Abi.h"
#include "runtime/artifact/CpuFeatures.h"
#include "runtime/device/ThreadPool.h"
#include "runtime/program/Executor.h"
#include <algorithm>
#include <map>
#include <unordered_map>

namespace drawloom {

static constexpr const char *kTarget = "x86_64";
static constexpr int kMaxThreads = 128; // OpenBLAS has buffers for so many callers at once

static std::string_view text(const flatbuffers::String *s) {
  return s ? std::string_view(s->c_str(), s->size()) : std::string_view();
}

/// Throws unless the artifact's code can run here.
static void requireThisMachine(const Artifact &artifact) {
  auto &plan = artifact.plan();
  if (text(plan.target()) != kTarget)
    failWithHint(kBadInput, "compile the model for this machine with 'drawloom compile'",
                 "{}: compiled for target '{}'; this runtime executes '{}'", artifact.name(),
                 text(plan.target()), kTarget);
  std::vector<std::string> needed;
  if (plan.cpu_features())
    for (auto *f : *plan.cpu_features()) needed.push_back(f->str());
  auto missing = missingCpuFeatures(needed);
  if (!missing.empty())
    failWithHint(kBadInput, "compile the model again on this machine, or with --target for its processor",
                 "{}: compiled for a processor with {}, which this one does not have", artifact.name(),
                 fmt::join(missing, ", "));
}

static int threadCount(const ProgramOptions &options) {
  if (options.threads < 0 || options.threads > kMaxThreads)
    fail(kUsage, "expected 1 to {} threads (0: one a core), got {}", kMaxThreads, options.threads);
  return options.threads ? options.threads : std::min(availableCores(), kMaxThreads);
}

struct Program::Impl {
  Impl(Artifact a, const ProgramOptions &options)
      : artifact((requireThisMachine(a), std::move(a))), memory(artifact),
        code(Mapping::executable(artifact.code())), pool(threadCount(options)) {
    auto &plan = artifact.plan();
    for (uint32_t i = 0; plan.buffers() && i < plan.buffers()->size(); ++i)
      buffers.emplace(text(plan.buffers()->Get(i)->name()), i);
    for (uint32_t i = 0; plan.functions() && i < plan.functions()->size(); ++i) {
      auto *f = plan.functions()->Get(i);
      functions.emplace(text(f->name()), Function{f, Executable(plan, *f, memory, code.data())});
    }
    for (uint32_t i = 0; plan.parameters() && i < plan.parameters()->size(); ++i)
      parameters.push_back(parameter(*plan.parameters()->Get(i)));
    uint64_t floats = 0;
    for (auto &[name, f] : functions) floats = std::max(floats, f.executable.scratchFloats());
    scratch = Mapping::zeroed(floats * sizeof(float));
  }

  struct Function {
    const plan::Function *plan;
    Executable executable;
  };

  const plan::Buffer &bufferPlan(std::string_view name) const {
    auto found = buffers.find(name);
    if (found == buffers.end())
      failWithHint(kBadInput, "compile the model again with this version of Drawloom",
                   "{}: the artifact has no buffer '{}'", artifact.name(), name);
    return *artifact.plan().buffers()->Get(found->second);
  }

  const Function &function(std::string_view name) const {
    auto found = functions.find(name);
    if (found != functions.end()) return found->second;
    std::vector<std::string_view> names;
    for (auto &[n, f] : functions) names.push_back(n);
    fail(kUsage, "{}: the artifact has no function '{}'; it has: {}", artifact.name(), name,
         fmt::join(names, ", "));
  }
  Function &function(std::string_view name) {
    return const_cast<Function &>(std::as_const(*this).function(name));
  }

  std::span<float> floats(uint32_t index) const {
    if (index == abi::kNoBuffer) return {};
    auto &b = *artifact.plan().buffers()->Get(index);
    return {reinterpret_cast<float *>(memory.address(b)), contentBytes(b) / sizeof(float)};
  }

  ParameterRef parameter(const plan::Parameter &p) const {
    ParameterRef r;
    r.name = p.name()->str();
    r.value = floats(p.value());
    r.gradient = floats(p.gradient());
    r.moment1 = floats(p.moment1());
    r.moment2 = floats(p.moment2());
    r.ema = floats(p.ema());
    if (auto *shape = artifact.plan().buffers()->Get(p.value())->shape())
      r.shape.assign(shape->begin(), shape->end());
    r.init = p.init();
    r.stddev = p.stddev();
    r.decay = p.decay();
    return r;
  }

  Artifact artifact;
  ProgramMemory memory;
  Mapping code, scratch;
  ThreadPool pool;
  std::unordered_map<std::string_view, uint32_t> buffers;
  std::map<std::string_view, Function> functions;
  std::vector<ParameterRef> parameters;
  bool profiling = false;
};

Program::Program(std::unique_ptr<Impl> i) : impl(std::move(i)) {}
Program::~Program() = default;

std::unique_ptr<Program> Program::load(const std::string &path, const ProgramOptions &options) {
  return std::unique_ptr<Program>(new Program(std::make_unique<Impl>(Artifact::open(path), options)));
}

std::unique_ptr<Program> Program::fromBytes(std::vector<std::byte> artifact, const ProgramOptions &options,
                                            std::string name) {
  auto a = Artifact::fromBytes(std::move(artifact), std::move(name));
  return std::unique_ptr<Program>(new Program(std::make_unique<Impl>(std::move(a), options)));
}

bool Program::hasFunction(std::string_view function) const { return impl->functions.count(function) != 0; }

void Program::run(std::string_view function) {
  auto &executable = impl->function(function).executable;
  requireKernelStack();
  DefaultFloatMode mode;
  auto *scratch = reinterpret_cast<float *>(impl->scratch.data());
  impl->profiling ? executable.runTimed(impl->pool, scratch) : executable.run(impl->pool, scratch);
}

bool Program::hasBuffer(std::string_view name) const { return impl->buffers.count(name) != 0; }

BufferRef Program::buffer(std::string_view name) const {
  auto &b = impl->bufferPlan(name);
  BufferRef r;
  r.data = impl->memory.address(b);
  r.bytes = contentBytes(b);
  r.dtype = b.dtype();
  if (b.shape()) r.shape.assign(b.shape()->begin(), b.shape()->end());
  return r;
}

std::span<std::byte> Program::typedBytes(std::string_view name, plan::DType dtype) const {
  auto &b = impl->bufferPlan(name);
  if (b.dtype() != dtype)
    fail(kBadInput, "{}: buffer '{}' has elements of type {}; expected {}", impl->artifact.name(), name,
         plan::EnumNameDType(b.dtype()), plan::EnumNameDType(dtype));
  return {impl->memory.address(b), contentBytes(b)};
}

const std::vector<ParameterRef> &Program::parameters() const { return impl->parameters; }
const plan::Plan &Program::plan() const { return impl->artifact.plan(); }
std::string_view Program::specJson() const { return text(plan().spec()); }
int Program::threads() const { return impl->pool.threads(); }
uint64_t Program::arenaBytes(plan::Arena arena) const { return plan().arena_bytes()->Get(uint32_t(arena)); }
uint64_t Program::plannedBytes() const {
  return totalArenaBytes(plan()) + impl->code.bytes() + impl->scratch.bytes();
}
std::string Program::memoryReport() const { return describeMemory(plan()); }

uint64_t Program::functionFlops(std::string_view function) const {
  uint64_t sum = 0;
  for (auto &t : impl->function(function).executable.timings()) sum += t.flops;
  return sum;
}

uint64_t Program::functionBytes(std::string_view function) const {
  uint64_t sum = 0;
  for (auto &t : impl->function(function).executable.timings()) sum += t.bytes;
  return sum;
}

void Program::setProfiling(bool on) { impl->profiling = on; }

void Program::clearTimings() {
  for (auto &[name, f] : impl->functions)
    for (auto &t : f.executable.timings()) t.calls = t.nanoseconds = t.lastStart = t.lastNanoseconds = 0;
}

std::vector<CommandTiming> Program::timings(std::string_view function) const {
  return impl->function(function).executable.timings();
}

std::vector<CommandTiming> Program::timingsByLabel(std::string_view function) const {
  std::vector<CommandTiming> sums;
  std::map<std::pair<std::string_view, std::string_view>, size_t> where;
  for (auto &t : impl->function(function).executable.timings()) {
    auto [at, added] = where.emplace(std::pair(t.label, t.action), sums.size());
    if (added) {
      sums.push_back(t);
      continue;
    }
    auto &s = sums[at->second];
    s.calls += t.calls;
    s.nanoseconds += t.nanoseconds;
    s.lastNanoseconds += t.lastNanoseconds;
    s.flops += t.flops;
    s.bytes += t.bytes;
  }
  return sums;
}

} // namespace drawloom
