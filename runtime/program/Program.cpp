#include "runtime/program/Program.h"
#include "runtime/abi/Abi.h"
#include "runtime/cuda/CudaDevice.h"
#include "runtime/program/CpuDevice.h"
#include "runtime/program/Memory.h"
#include "runtime/support/Nvtx.h"
#include <algorithm>
#include <fmt/ranges.h>
#include <map>
#include <unordered_map>

namespace drawloom {

static std::string_view text(const flatbuffers::String *s) {
  return s ? std::string_view(s->c_str(), s->size()) : std::string_view();
}

const char *nameOf(DeviceKind kind) { return kind == DeviceKind::Cpu ? "cpu" : "cuda"; }

DeviceKind deviceNamed(std::string_view name) {
  for (DeviceKind kind : {DeviceKind::Cpu, DeviceKind::Cuda})
    if (name == nameOf(kind)) return kind;
  fail(kUsage, "no device is called '{}': expected cpu or cuda", name);
}

/// The kind of device that an artifact is compiled for.
static DeviceKind deviceOf(const Artifact &artifact) {
  std::string_view target = text(artifact.plan().target());
  if (target == "x86_64") return DeviceKind::Cpu;
  if (target.starts_with("sm_")) return DeviceKind::Cuda;
  failWithHint(kBadInput, "compile the model with this version of Drawloom",
               "{}: compiled for the unknown target '{}'", artifact.name(), target);
}

static std::unique_ptr<ProgramDevice> makeDevice(const Artifact &artifact, const ProgramOptions &options) {
  DeviceKind kind = deviceOf(artifact);
  if (options.device && *options.device != kind)
    failWithHint(kBadInput,
                 fmt::format("run it with --device {}, or compile the model with --device {}", nameOf(kind),
                             nameOf(*options.device)),
                 "{}: compiled for target '{}', which does not run on the device '{}'", artifact.name(),
                 text(artifact.plan().target()), nameOf(*options.device));
  if (kind == DeviceKind::Cuda) return std::make_unique<cuda::CudaDevice>(artifact, options);
  return std::make_unique<CpuDevice>(artifact, options);
}

static std::string_view actionName(const plan::Plan &plan, const plan::Command &c) {
  if (c.action_type() == plan::Action::Gemm) return "gemm";
  if (c.action_type() == plan::Action::Zero) return "zero";
  return text(plan.kernels()->Get(c.action_as_Launch()->kernel())->name());
}

static std::vector<CommandTiming> untimed(const plan::Plan &plan, const plan::Function &function) {
  std::vector<CommandTiming> timings;
  for (uint32_t i = 0; function.commands() && i < function.commands()->size(); ++i) {
    auto &c = *function.commands()->Get(i);
    CommandTiming &t = timings.emplace_back();
    t.label = text(c.label());
    t.action = actionName(plan, c);
    t.flops = c.flops();
    t.bytes = c.bytes();
  }
  return timings;
}

struct Program::Impl {
  Impl(Artifact a, const ProgramOptions &options)
      : artifact(std::move(a)), device(makeDevice(artifact, options)) {
    auto &plan = artifact.plan();
    for (uint32_t i = 0; plan.buffers() && i < plan.buffers()->size(); ++i)
      buffers.emplace(text(plan.buffers()->Get(i)->name()), i);
    for (uint32_t i = 0; plan.functions() && i < plan.functions()->size(); ++i) {
      auto *f = plan.functions()->Get(i);
      functions.emplace(text(f->name()), Function{i, untimed(plan, *f)});
    }
    for (uint32_t i = 0; plan.parameters() && i < plan.parameters()->size(); ++i)
      parameters.push_back(parameter(*plan.parameters()->Get(i)));
  }

  struct Function {
    size_t index = 0;
    std::vector<CommandTiming> timings; // one a command
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
    return {reinterpret_cast<float *>(device->host(b)), contentBytes(b) / sizeof(float)};
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
  std::unique_ptr<ProgramDevice> device;
  std::unordered_map<std::string_view, uint32_t> buffers;
  std::map<std::string_view, Function> functions;
  std::vector<ParameterRef> parameters;
  bool profiling = false;
  std::vector<KernelSpan> kernelSpans;
  std::string kernelTraceProblem;
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
  auto &f = impl->function(function);
  NvtxRange range{std::string(function)};
  impl->profiling ? impl->device->runTimed(f.index, f.timings) : impl->device->run(f.index);
}

double Program::measure(std::string_view function) {
  return impl->device->measure(impl->function(function).index);
}

void Program::upload(plan::Arena arena) { impl->device->upload(arena); }
void Program::download(plan::Arena arena) { impl->device->download(arena); }
void Program::clear(plan::Arena arena) { impl->device->clear(arena); }

bool Program::hasBuffer(std::string_view name) const { return impl->buffers.count(name) != 0; }

BufferRef Program::buffer(std::string_view name) const {
  auto &b = impl->bufferPlan(name);
  BufferRef r;
  r.data = impl->device->host(b);
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
  return {impl->device->host(b), contentBytes(b)};
}

const std::vector<ParameterRef> &Program::parameters() const { return impl->parameters; }
const plan::Plan &Program::plan() const { return impl->artifact.plan(); }
std::string_view Program::specJson() const { return text(plan().spec()); }
DeviceKind Program::device() const { return impl->device->kind(); }
std::string Program::deviceName() const { return impl->device->name(); }
int Program::threads() const { return impl->device->threads(); }
double Program::denseGflops() { return impl->device->denseGflops(); }
uint64_t Program::arenaBytes(plan::Arena arena) const { return plan().arena_bytes()->Get(uint32_t(arena)); }
uint64_t Program::measuredBytes() const { return impl->device->measuredBytes(); }
uint64_t Program::plannedBytes() const { return bytesWithoutState(plan()) + impl->device->otherBytes(); }
std::string Program::memoryReport() const { return describeMemory(plan()); }

uint64_t Program::functionFlops(std::string_view function) const {
  uint64_t sum = 0;
  for (auto &t : impl->function(function).timings) sum += t.flops;
  return sum;
}

uint64_t Program::functionBytes(std::string_view function) const {
  uint64_t sum = 0;
  for (auto &t : impl->function(function).timings) sum += t.bytes;
  return sum;
}

void Program::setProfiling(bool on) { impl->profiling = on; }

void Program::traceKernels(bool on) {
  impl->device->traceKernels(on, impl->kernelSpans, impl->kernelTraceProblem);
}
const std::vector<KernelSpan> &Program::kernelSpans() const { return impl->kernelSpans; }
const std::string &Program::kernelTraceProblem() const { return impl->kernelTraceProblem; }

void Program::clearTimings() {
  for (auto &[name, f] : impl->functions)
    for (auto &t : f.timings) t.calls = t.nanoseconds = t.lastStart = t.lastNanoseconds = 0;
}

std::vector<CommandTiming> Program::timings(std::string_view function) const {
  return impl->function(function).timings;
}

std::vector<CommandTiming> Program::timingsByLabel(std::string_view function) const {
  std::vector<CommandTiming> sums;
  std::map<std::pair<std::string_view, std::string_view>, size_t> where;
  for (auto &t : impl->function(function).timings) {
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
