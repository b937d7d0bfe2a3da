// drawloom doctor: what this machine offers, and whether Drawloom works on it.
#include "codegen/Target.h"
#include "codegen/nvptx/Ptxas.h"
#include "frontend/cli/CompileCache.h"
#include "frontend/cli/SelfTest.h"
#include "frontend/cli/Verbs.h"
#include "runtime/artifact/CpuFeatures.h"
#include "runtime/cuda/Diagnose.h"
#include "runtime/device/GemmRate.h"
#include "runtime/device/Memory.h"
#include "runtime/device/ThreadPool.h"
#include "runtime/support/Format.h"
#include "runtime/train/PeakRate.h"
#include "llvm/Config/llvm-config.h"
#include <fstream>
#include <nlohmann/json.hpp>

// OpenBLAS's own names; its header would bring C complex types along.
extern "C" char *openblas_get_corename(void);
extern "C" char *openblas_get_config(void);

namespace drawloom::cli {
namespace {

std::string processor() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name"))
      if (size_t colon = line.find(": "); colon != line.npos) return line.substr(colon + 2);
  return "unknown";
}

double gemmGflops() {
  ThreadPool pool(availableCores());
  return measureGemmGflops(pool);
}

std::string nativeTarget() {
  try {
    return Target::native().name;
  } catch (const Error &e) {
    return std::string("none: ") + e.what();
  }
}

/// "13.0" of 13000, "13.0.2" of 130002.
std::string cudaVersion(size_t v) {
  return v >= 100000 ? fmt::format("{}.{}.{}", v / 10000, v / 100 % 100, v % 100)
                     : fmt::format("{}.{}", v / 1000, v % 1000 / 10);
}

nlohmann::ordered_json cudaFacts(const cuda::CudaReport &c) {
  nlohmann::ordered_json facts{{"problem", c.problem},
                               {"driver", c.driverVersion ? cudaVersion(size_t(c.driverVersion)) : ""},
                               {"cards", nlohmann::ordered_json::array()},
                               {"free_bytes", c.freeBytes},
                               {"cublaslt", c.blasLtPath},
                               {"cublaslt_version", c.blasLtVersion ? cudaVersion(c.blasLtVersion) : ""},
                               {"cublaslt_problem", c.blasLtProblem}};
  for (auto &card : c.cards)
    facts["cards"].push_back({{"name", card.name},
                              {"capability", fmt::format("{}.{}", card.major, card.minor)},
                              {"multiprocessors", card.multiprocessors},
                              {"memory_bytes", card.memoryBytes},
                              {"target", cuda::targetOf(card)}});
  return facts;
}

void printCuda(const cuda::CudaReport &c) {
  if (!c.problem.empty()) return fmt::print("CUDA         none: {}\n", c.problem);
  fmt::print("CUDA         driver for CUDA {}\n", cudaVersion(size_t(c.driverVersion)));
  for (auto &card : c.cards) {
    std::string target = cuda::targetOf(card);
    fmt::print("card         {}, {} multiprocessors, {}, compute capability {}.{} ({})\n", card.name,
               card.multiprocessors, formatBytes(card.memoryBytes), card.major, card.minor,
               target.empty() ? "too old for Drawloom" : "target " + target);
  }
  fmt::print("             {} free on the first card, which is the one that is used\n",
             formatBytes(c.freeBytes));
  if (c.blasLtProblem.empty())
    fmt::print("cuBLASLt     {} ({})\n", cudaVersion(c.blasLtVersion), c.blasLtPath);
  else
    fmt::print("cuBLASLt     none: {}\n", c.blasLtProblem);
}

void printCache(const DiskCache &cache) {
  if (cache.path().empty()) return fmt::print("cache        none: neither XDG_CACHE_HOME nor HOME is set\n");
  auto [entries, bytes] = cache.usage();
  fmt::print("cache        {} compiled model{}, {} of {} ({})\n", entries, entries == 1 ? "" : "s",
             formatBytes(bytes), formatBytes(cache.limitBytes()), cache.path());
}

/// What testing found; absent where it was not tested.
struct Tests {
  std::optional<SelfTestResult> cpu, card;
  std::optional<std::string> cardProblem; // empty: none
  bool passed() const {
    return (!cpu || cpu->passed()) && (!card || card->passed()) && (!cardProblem || cardProblem->empty());
  }
};

Tests runTests(bool cardIsThere) {
  Tests t;
  t.cpu = selfTest(DeviceKind::Cpu);
  if (!cardIsThere) return t;
  t.cardProblem = cuda::selfTestCuda();
  if (!t.cardProblem->empty()) return t;
  try {
    t.card = selfTest(DeviceKind::Cuda);
  } catch (const Error &e) { // the rest of what this machine can do is worth knowing
    t.cardProblem = e.what();
  }
  return t;
}

nlohmann::ordered_json testFacts(const SelfTestResult &t) {
  return {{"passed", t.passed()},    {"relative_error", t.relativeError},
          {"same_bits", t.sameBits}, {"first_nll", t.firstNll},
          {"last_nll", t.lastNll},   {"seconds", t.seconds}};
}

void printTest(const char *name, const SelfTestResult &t, const char *twice) {
  fmt::print("{:<12} {} in {}: losses within {:.1e} of float64; gradients of {} {}; loss {:.3f} -> {:.3f}\n",
             name, t.passed() ? "passed" : "FAILED", formatDuration(t.seconds), t.relativeError, twice,
             t.sameBits ? "have the same bits" : "DIFFER", t.firstNll, t.lastNll);
}

int run(bool quick, bool json) {
  nlohmann::ordered_json facts{
      {"drawloom", DRAWLOOM_VERSION},      {"llvm", LLVM_VERSION_STRING},
      {"processor", processor()},          {"cores", availableCores()},
      {"features", presentCpuFeatures()},  {"target", nativeTarget()},
      {"memory_bytes", availableMemory()}, {"openblas_core", openblas_get_corename()},
      {"openblas", openblas_get_config()}, {"peak_gflops", measurePeakGflops(availableCores())},
      {"gemm_gflops", gemmGflops()}};
  DiskCache cache = CompileCache().disk();
  facts["cache"] = {{"path", cache.path()},
                    {"entries", cache.usage().entries},
                    {"bytes", cache.usage().bytes},
                    {"limit_bytes", cache.limitBytes()}};
  cuda::CudaReport card = cuda::describeCuda();
  std::string ptxas = findPtxas().value_or("");
  Tests tests;
  if (!quick) tests = runTests(card.problem.empty());
  facts["cuda"] = cudaFacts(card);
  facts["cuda"]["ptxas"] = ptxas;
  if (tests.cpu) facts["self_test"] = testFacts(*tests.cpu);
  if (tests.cardProblem) facts["cuda"]["test_problem"] = *tests.cardProblem;
  if (tests.card) facts["cuda"]["self_test"] = testFacts(*tests.card);
  if (json) {
    fmt::print("{}\n", facts.dump(2));
    return tests.passed() ? kSuccess : kFailed;
  }
  fmt::print("drawloom     {} with LLVM {}\n", DRAWLOOM_VERSION, LLVM_VERSION_STRING);
  fmt::print("processor    {}\n", processor());
  fmt::print("threads      {} cores may be used\n", availableCores());
  fmt::print("memory       {} available\n", formatBytes(availableMemory()));
  fmt::print("features     {}\n", fmt::join(presentCpuFeatures(), " "));
  fmt::print("target       {}\n", nativeTarget());
  fmt::print("OpenBLAS     kernels for {} ({})\n", openblas_get_corename(), openblas_get_config());
  fmt::print("rates        {:.0f} GFLOP/s peak in registers, {:.0f} GFLOP/s in dense products\n",
             facts["peak_gflops"].get<double>(), facts["gemm_gflops"].get<double>());
  printCache(cache);
  printCuda(card);
  fmt::print("ptxas        {}\n",
             ptxas.empty() ? "none: artifacts for cards carry PTX, which the driver compiles" : ptxas);
  if (tests.cpu) printTest("self-test", *tests.cpu, "one and of several threads");
  if (tests.cardProblem && !tests.cardProblem->empty())
    fmt::print("card test    FAILED: {}\n", *tests.cardProblem);
  if (tests.card) printTest("card test", *tests.card, "two runs");
  return tests.passed() ? kSuccess : kFailed;
}

} // namespace

Run addDoctor(CLI::App &app) {
  struct Options {
    bool quick = false, json = false;
  };
  auto o = std::make_shared<Options>();
  app.description("Example:  drawloom doctor\n\n"
                  "Show what this machine offers, then compile a small model and compare it with the float64 "
                  "interpreter, on the processor and on the card if there is one (some seconds).");
  app.add_flag("--quick", o->quick, "leave out the self-test");
  app.add_flag("--json", o->json, "as JSON");
  return [o] { return run(o->quick, o->json); };
}

} // namespace drawloom::cli
