#include "runtime/program/Executor.h"
#include "runtime/device/ThreadPool.h"
#include "runtime/support/Clock.h"
#include <algorithm>
#include <cstring>

namespace drawloom {

// Waking another thread and handing it work costs some microseconds; a launch that one thread finishes in
// this time, at these modest speeds, is not shared.
static constexpr double kSerialSeconds = 4e-6, kFlopsASecond = 2e10, kBytesASecond = 1e10;
static constexpr uint64_t kZeroGrain = 256 << 10;

/// Whether a launch is worth sharing. Without estimates it is.
static bool worthSharing(const plan::Command &c) {
  if (c.flops() == 0 && c.bytes() == 0) return true;
  return double(c.flops()) / kFlopsASecond + double(c.bytes()) / kBytesASecond > kSerialSeconds;
}

Executable::Executable(const plan::Plan &plan, const plan::Function &function, const ProgramMemory &memory,
                       const std::byte *code) {
  if (!function.commands()) return;
  for (auto *c : *function.commands()) commands.push_back(prepare(plan, function, *c, memory, code));
}

static GemmArguments gemmArguments(const plan::Gemm &g, const plan::Function &f,
                                   const ProgramMemory &memory) {
  auto matrix = [&](const plan::Place *p) { return reinterpret_cast<float *>(memory.address(*p, &f)); };
  GemmArguments a;
  a.transA = g.trans_a(), a.transB = g.trans_b();
  a.m = int64_t(g.m()), a.n = int64_t(g.n()), a.k = int64_t(g.k());
  a.alpha = g.alpha(), a.beta = g.beta();
  a.a = matrix(g.a()), a.lda = int64_t(g.lda());
  a.b = matrix(g.b()), a.ldb = int64_t(g.ldb());
  a.c = matrix(g.c()), a.ldc = int64_t(g.ldc());
  return a;
}

Executable::Command Executable::prepare(const plan::Plan &plan, const plan::Function &function,
                                        const plan::Command &command, const ProgramMemory &memory,
                                        const std::byte *code) {
  if (auto *g = command.action_as_Gemm()) {
    auto a = gemmArguments(*g, function, memory);
    Product product{a, planGemm(a.m, a.n, a.k)};
    scratch = std::max(scratch, product.plan.scratchFloats);
    return product;
  }
  if (auto *z = command.action_as_Zero()) return Zero{memory.address(*z->place(), &function), z->bytes()};
  auto *l = command.action_as_Launch();
  auto entry = reinterpret_cast<uintptr_t>(code) + plan.kernels()->Get(l->kernel())->entry();
  Launch launch{reinterpret_cast<abi::KernelFn>(entry), places.size(), scalars.size(), l->grid(),
                worthSharing(command)};
  if (l->places())
    for (auto *p : *l->places()) places.push_back(memory.address(*p, &function));
  if (l->scalars()) scalars.insert(scalars.end(), l->scalars()->begin(), l->scalars()->end());
  return launch;
}

void Executable::execute(const Command &command, ThreadPool &pool, float *scratchMemory) const {
  if (auto *l = std::get_if<Launch>(&command)) {
    pool.parallelFor(l->grid, l->parallel ? 1 : l->grid, [&](uint64_t begin, uint64_t end) {
      l->kernel(places.data() + l->places, scalars.data() + l->scalars, int64_t(begin), int64_t(end));
    });
  } else if (auto *p = std::get_if<Product>(&command)) {
    gemm(pool, p->arguments, p->plan, scratchMemory);
  } else if (auto *z = std::get_if<Zero>(&command)) {
    pool.parallelFor(z->bytes, kZeroGrain,
                     [&](uint64_t begin, uint64_t end) { std::memset(z->begin + begin, 0, end - begin); });
  }
}

void Executable::run(ThreadPool &pool, float *scratchMemory) const {
  for (const Command &c : commands) execute(c, pool, scratchMemory);
}

void Executable::runTimed(ThreadPool &pool, float *scratchMemory, std::span<CommandTiming> timings) const {
  uint64_t start = monotonicNanoseconds();
  for (size_t i = 0; i < commands.size(); ++i) {
    execute(commands[i], pool, scratchMemory);
    uint64_t end = monotonicNanoseconds();
    auto &t = timings[i];
    ++t.calls;
    t.nanoseconds += end - start;
    t.lastStart = start;
    t.lastNanoseconds = end - start;
    start = end;
  }
}

} // namespace drawloom
