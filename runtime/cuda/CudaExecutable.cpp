#include "runtime/cuda/CudaExecutable.h"
#include "runtime/support/Clock.h"
#include "runtime/support/Error.h"
#include "runtime/support/Nvtx.h"
#include "runtime/support/Phases.h"

namespace drawloom::cuda {

CudaExecutable::CudaExecutable(const plan::Plan &plan, const plan::Function &function, const Card &card,
                               const CudaMemory &memory, const Module &module, Products *products)
    : function(function), card(card), products(products), io(ioRangesOf(plan, function)) {
  for (uint32_t i = 0; function.commands() && i < function.commands()->size(); ++i)
    commands.push_back(prepare(plan, *function.commands()->Get(i), memory, module));
}

CudaExecutable::~CudaExecutable() {
  if (graph) card.driver.graphExecDestroy(graph);
}

CudaExecutable::Command CudaExecutable::prepare(const plan::Plan &plan, const plan::Command &command,
                                                const CudaMemory &memory, const Module &module) const {
  if (auto *g = command.action_as_Gemm()) return products->prepare(function, *g, memory);
  if (auto *z = command.action_as_Zero()) return Zero{memory.address(*z->place(), &function), z->bytes()};
  auto &launch = *command.action_as_Launch();
  FunctionHandle kernel = module.kernel(*plan.kernels()->Get(launch.kernel()));
  return Launch(card, plan, function, launch, kernel, memory);
}

void CudaExecutable::enqueue(const Command &command) const {
  if (auto *l = std::get_if<Launch>(&command))
    l->run(card);
  else if (auto *p = std::get_if<Product>(&command))
    products->run(*p);
  else if (auto *z = std::get_if<Zero>(&command); z->bytes)
    check(card.driver, card.driver.memsetD8Async(z->begin, 0, z->bytes, card.stream), "cannot clear memory");
}

void CudaExecutable::capture() {
  auto &d = card.driver;
  PhaseTimer phase(fmt::format("graph of {}", function.name()->c_str()));
  check(d, d.streamBeginCapture(card.stream, kCaptureThreadLocal), "cannot capture a CUDA graph");
  GraphHandle captured = nullptr;
  try {
    for (const Command &c : commands) enqueue(c);
  } catch (...) {
    d.streamEndCapture(card.stream, &captured);
    if (captured) d.graphDestroy(captured);
    throw;
  }
  check(d, d.streamEndCapture(card.stream, &captured), "cannot capture a CUDA graph");
  Result r = d.graphInstantiate(&graph, captured, 0);
  d.graphDestroy(captured);
  check(d, r, "cannot make a CUDA graph executable");
}

void CudaExecutable::start() {
  if (commands.empty()) return;
  if (!graph) capture();
  check(card.driver, card.driver.graphLaunch(graph, card.stream), "cannot start a CUDA graph");
}

void CudaExecutable::runTimed(std::span<CommandTiming> timings) {
  while (events.size() <= commands.size()) events.emplace_back(card.driver);
  uint64_t start = monotonicNanoseconds();
  events[0].record(card.stream);
  for (size_t i = 0; i < commands.size(); ++i) {
    NvtxRange range{std::string(timings[i].label)};
    enqueue(commands[i]);
    events[i + 1].record(card.stream);
  }
  card.synchronize();
  for (size_t i = 0; i < commands.size(); ++i) {
    auto &t = timings[i];
    t.lastNanoseconds = uint64_t(events[i + 1].secondsSince(events[i]) * 1e9);
    t.lastStart = start + uint64_t(events[i].secondsSince(events[0]) * 1e9);
    t.nanoseconds += t.lastNanoseconds;
    ++t.calls;
  }
}

void CudaExecutable::runStepwise() {
  for (size_t i = 0; i < commands.size(); ++i) {
    try {
      enqueue(commands[i]);
      card.synchronize();
    } catch (const Error &e) {
      auto *label = function.commands()->Get(uint32_t(i))->label();
      throw Error(e.exitCode,
                  fmt::format("command {} of '{}' ({}): {}", i, function.name()->c_str(),
                              label ? label->c_str() : "unnamed", e.what()),
                  e.hint);
    }
  }
}

} // namespace drawloom::cuda
