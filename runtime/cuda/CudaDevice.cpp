#include "runtime/cuda/CudaDevice.h"
#include "runtime/artifact/Verify.h"
#include "runtime/cuda/Noise.h"
#include "runtime/support/Error.h"
#include "runtime/support/Phases.h"
#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace drawloom::cuda {

static bool multiplies(const plan::Plan &plan) {
  for (uint32_t i = 0; plan.functions() && i < plan.functions()->size(); ++i)
    if (auto *commands = plan.functions()->Get(i)->commands())
      for (auto *c : *commands)
        if (c->action_type() == plan::Action::Gemm) return true;
  return false;
}

static uint64_t workspaceOf(const plan::Plan &plan) {
  return multiplies(plan) ? Products::kWorkspaceBytes : 0;
}

/// The artifact, if the card runs it.
static const Artifact &requireTarget(const Artifact &artifact, const CardFacts &facts) {
  std::string target = artifact.plan().target()->str();
  if (runsTarget(facts, target)) return artifact;
  std::string own = targetOf(facts);
  failWithHint(kBadInput,
               own.empty() ? "Drawloom compiles for cards of compute capability 8.0 and later"
                           : fmt::format("compile the model with --target {}", own),
               "{}: compiled for target '{}', which '{}' (compute capability {}.{}) does not run",
               artifact.name(), target, facts.name, facts.major, facts.minor);
}

CudaDevice::CudaDevice(const Artifact &artifact, const ProgramOptions &options)
    : artifact(artifact), card(options.driver ? *options.driver : machineDriver()),
      memory(requireTarget(artifact, card.facts), card, workspaceOf(artifact.plan())),
      module(artifact, card) {
  auto &plan = artifact.plan();
  stepwise = std::getenv("DRAWLOOM_STEPWISE") != nullptr;
  if (multiplies(plan))
    products.emplace(card, options.blasLt ? *options.blasLt : machineBlasLt(), TuningCache::defaultPath());
  executables.resize(plan.functions() ? plan.functions()->size() : 0);
  for (size_t i = 0; i < executables.size(); ++i)
    if (!usesState(plan, *plan.functions()->Get(uint32_t(i)))) prepare(i);
  if (products) products->save();
}

void CudaDevice::prepare(size_t function) {
  auto &plan = artifact.plan();
  PhaseTimer phase(fmt::format("prepare {}", plan.functions()->Get(uint32_t(function))->name()->c_str()));
  executables.at(function) =
      std::make_unique<CudaExecutable>(plan, *plan.functions()->Get(uint32_t(function)), card, memory, module,
                                       products ? &*products : nullptr);
}

CudaExecutable &CudaDevice::executable(size_t function) {
  if (!executables.at(function)) {
    card.use();
    memory.provideState();
    prepare(function);
    if (products) products->save();
  }
  return *executables[function];
}

CudaDevice::~CudaDevice() {
  try {
    card.use();             // what follows is taken apart in this context
  } catch (const Error &) { // a card that was lost
  }
}

std::string CudaDevice::name() const { return card.facts.name; }

void CudaDevice::run(size_t function) {
  auto &e = executable(function);
  card.use();
  memory.sendIo(e.ioRanges());
  stepwise ? e.runStepwise() : e.start();
  memory.fetchIo(e.ioRanges());
  try {
    card.synchronize();
  } catch (const Error &error) {
    throw Error(error.exitCode, fmt::format("{}: {}", artifact.name(), error.what()),
                "run it again with DRAWLOOM_STEPWISE=1 to learn which command fails");
  }
}

void CudaDevice::runTimed(size_t function, std::span<CommandTiming> timings) {
  auto &e = executable(function);
  card.use();
  memory.sendIo(e.ioRanges());
  e.runTimed(timings);
  memory.fetchIo(e.ioRanges());
  card.synchronize();
}

double CudaDevice::measure(size_t function) {
  auto &e = executable(function);
  card.use();
  memory.sendIo(e.ioRanges());
  Event start(card.driver), end(card.driver);
  start.record(card.stream);
  e.start();
  end.record(card.stream);
  memory.fetchIo(e.ioRanges());
  card.synchronize();
  return end.secondsSince(start);
}

void CudaDevice::upload(plan::Arena arena) {
  card.use();
  memory.upload(arena);
}
void CudaDevice::download(plan::Arena arena) {
  card.use();
  memory.download(arena);
}
void CudaDevice::clear(plan::Arena arena) {
  card.use();
  memory.clear(arena);
}

uint64_t CudaDevice::measuredBytes() const {
  card.use();
  return card.usedBytes();
}

uint64_t CudaDevice::otherBytes() const { return workspaceOf(artifact.plan()); }

/// The type that most of the plan's products multiply.
static plan::DType factorType(const plan::Plan &plan) {
  double flops[256] = {};
  for (auto *f : *plan.functions())
    for (uint32_t i = 0; f->commands() && i < f->commands()->size(); ++i)
      if (auto *c = f->commands()->Get(i); auto *g = c->action_as_Gemm())
        flops[uint8_t(g->a_type())] += double(c->flops());
  return plan::DType(std::max_element(std::begin(flops), std::end(flops)) - std::begin(flops));
}

double CudaDevice::denseGflops() {
  if (!products) return 0;
  PhaseTimer phase("peak rate");
  card.use();
  plan::DType type = factorType(artifact.plan());
  constexpr uint64_t side = 4096;
  uint64_t bytes = side * side * elementBytes(type);
  if (card.freeBytes() < 4 * bytes) return 0;
  DeviceBuffer a(card.driver, bytes), b(card.driver, bytes), c(card.driver, bytes);
  std::vector<std::byte> numbers = noise(type, side * side, 1);
  for (auto *m : {&a, &b})
    check(card.driver, card.driver.memcpyHtoDAsync(m->address(), numbers.data(), bytes, card.stream),
          "cannot copy to the card");
  ProductShape shape{.a = type,
                     .b = type,
                     .c = type,
                     .transB = true,
                     .m = side,
                     .n = side,
                     .k = side,
                     .lda = side,
                     .ldb = side,
                     .ldc = side};
  Product p = products->prepare(shape, a.address(), b.address(), c.address(), 1, 0);
  products->save();
  double best = INFINITY;
  for (int round = 0; round < 5; ++round) {
    Event start(card.driver), end(card.driver);
    start.record(card.stream);
    for (int k = 0; k < 4; ++k) products->run(p);
    end.record(card.stream);
    card.synchronize();
    best = std::min(best, end.secondsSince(start) / 4);
  }
  return 2.0 * side * side * side / best * 1e-9;
}

void CudaDevice::traceKernels(bool on, std::vector<KernelSpan> &spans, std::string &problem) {
  if (on) {
    spans.clear(), problem.clear();
    kernelTrace = KernelTrace::start(problem);
  } else if (kernelTrace) {
    card.synchronize();
    spans = kernelTrace->finish();
    kernelTrace.reset();
    if (spans.empty()) problem = "CUPTI recorded no kernel";
  }
}

} // namespace drawloom::cuda
