// drawloom doctor: what this machine offers, and whether Drawloom works on it.
#include "codegen/Target.h"
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

int run(bool quick, bool json) {
  nlohmann::ordered_json facts{
      {"drawloom", DRAWLOOM_VERSION},      {"llvm", LLVM_VERSION_STRING},
      {"processor", processor()},          {"cores", availableCores()},
      {"features", presentCpuFeatures()},  {"target", nativeTarget()},
      {"memory_bytes", availableMemory()}, {"openblas_core", openblas_get_corename()},
      {"openblas", openblas_get_config()}, {"peak_gflops", measurePeakGflops(availableCores())},
      {"gemm_gflops", gemmGflops()}};
  cuda::CudaReport cudaReport = cuda::describeCuda();
  facts["cuda"] = cudaFacts(cudaReport);
  std::optional<std::string> cardProblem;
  if (!quick && cudaReport.problem.empty()) {
    cardProblem = cuda::selfTestCuda();
    facts["cuda"]["self_test"] = {{"passed", cardProblem->empty()}, {"problem", *cardProblem}};
  }
  std::optional<SelfTestResult> test;
  if (!quick) test = selfTest();
  if (test)
    facts["self_test"] = {{"passed", test->passed()},    {"relative_error", test->relativeError},
                          {"same_bits", test->sameBits}, {"first_nll", test->firstNll},
                          {"last_nll", test->lastNll},   {"seconds", test->seconds}};
  if (json) {
    fmt::print("{}\n", facts.dump(2));
  } else {
    fmt::print("drawloom     {} with LLVM {}\n", DRAWLOOM_VERSION, LLVM_VERSION_STRING);
    fmt::print("processor    {}\n", processor());
    fmt::print("threads      {} cores may be used\n", availableCores());
    fmt::print("memory       {} available\n", formatBytes(availableMemory()));
    fmt::print("features     {}\n", fmt::join(presentCpuFeatures(), " "));
    fmt::print("target       {}\n", nativeTarget());
    fmt::print("OpenBLAS     kernels for {} ({})\n", openblas_get_corename(), openblas_get_config());
    fmt::print("rates        {:.0f} GFLOP/s peak in registers, {:.0f} GFLOP/s in dense products\n",
               facts["peak_gflops"].get<double>(), facts["gemm_gflops"].get<double>());
    printCuda(cudaReport);
    if (cardProblem)
      fmt::print("card test    {}\n",
                 cardProblem->empty() ? "passed: a kernel and a product" : "FAILED: " + *cardProblem);
    if (test)
      fmt::print("self-test    {} in {}: losses within {:.1e} of float64; gradients of one and of several "
                 "threads {}; loss {:.3f} -> {:.3f}\n",
                 test->passed() ? "passed" : "FAILED", formatDuration(test->seconds), test->relativeError,
                 test->sameBits ? "have the same bits" : "DIFFER", test->firstNll, test->lastNll);
  }
  bool failed = (test && !test->passed()) || (cardProblem && !cardProblem->empty());
  return failed ? kFailed : kSuccess;
}

} // namespace

Run addDoctor(CLI::App &app) {
  struct Options {
    bool quick = false, json = false;
  };
  auto o = std::make_shared<Options>();
  app.description("Example:  drawloom doctor\n\n"
                  "Show what this machine offers, then compile a small model and compare it with the float64 "
                  "interpreter (some seconds).");
  app.add_flag("--quick", o->quick, "leave out the self-test");
  app.add_flag("--json", o->json, "as JSON");
  return [o] { return run(o->quick, o->json); };
}

} // namespace drawloom::cli
