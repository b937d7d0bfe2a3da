// Programs on a card, with the card's driver played by FakeCuda: what is launched, copied, captured and
// refused.
#include "runtime/cuda/EarlyStart.h"
#include "runtime/cuda/Memory.h"
#include "runtime/program/Program.h"
#include "runtime/program/Trace.h"
#include "test/cuda/CudaArtifact.h"
#include "test/cuda/FakeCuda.h"
#include <cstring>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <numeric>

namespace drawloom::test {
namespace {

/// The kernels of kPtx and kTmaPtx as C++.
std::vector<FakeKernel> kernels() {
  auto each = [](auto body) {
    return [body](const FakeLaunch &l) {
      for (uint64_t i = 0; i < l.words[2]; ++i) body(l, i);
    };
  };
  return {{"add", 3, 0, each([](auto &l, uint64_t i) {
             reinterpret_cast<int64_t *>(l.words[0])[i] += int64_t(l.words[1]);
           })},
          {"scale", 3, 0, each([](auto &l, uint64_t i) {
             reinterpret_cast<float *>(l.words[0])[i] *= float(int64_t(l.words[1])) / 2;
           })},
          {"tile", 3, 1, nullptr}};
}

class CudaProgram : public testing::Test {
protected:
  // Nothing of a test goes into the user's cache.
  void SetUp() override { ::setenv("XDG_CACHE_HOME", folder.path.c_str(), 1); }

  ProgramOptions options() const { return {.driver = &card.driver(), .blasLt = &card.blasLt()}; }
  std::unique_ptr<Program> load(Parts parts) const {
    return Program::fromBytes(assemble(parts), options(), "test.loom");
  }
  template <class F> Error errorOf(F &&f) {
    try {
      f();
    } catch (const Error &e) {
      return e;
    }
    ADD_FAILURE() << "no error";
    return Error(0, "");
  }

  TemporaryFolder folder;
  FakeCuda card{kernels()};
};

TEST_F(CudaProgram, LaunchesBlocksOfItems) {
  auto program = load(cudaValid());
  EXPECT_EQ(program->device(), DeviceKind::Cuda);
  EXPECT_EQ(program->deviceName(), "Fake Card");
  program->run("count");
  ASSERT_EQ(card.launches.size(), 1u);
  auto &l = card.launches[0];
  EXPECT_EQ(l.kernel, "add");
  EXPECT_EQ(l.blocks, 4u); // 1000 items, 256 a block
  EXPECT_EQ(l.threads, 128u);
  EXPECT_EQ(l.sharedBytes, 0u);
  EXPECT_EQ(l.words[1], 3u);
  EXPECT_EQ(l.words[2], 1000u);
  for (int64_t c : program->view<int64_t>("counts")) ASSERT_EQ(c, 3);
}

TEST_F(CudaProgram, AnEmptyGridLaunchesNothing) {
  Parts parts = cudaValid();
  parts.plan.functions[1]->commands[0]->action.AsLaunch()->grid = 0;
  load(std::move(parts))->run("count");
  EXPECT_TRUE(card.launches.empty());
}

TEST_F(CudaProgram, ProductsAreRowMajor) {
  auto program = load(cudaValid());
  auto x = program->view<float>("x"), y = program->view<float>("y");
  auto w = program->parameters()[0].value;
  std::iota(x.begin(), x.end(), 1.0f);
  std::iota(w.begin(), w.end(), -7.0f);
  program->upload(plan::Arena::Parameters);
  program->run("forward");
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 4; ++j) {
      float expected = 0;
      for (int l = 0; l < 8; ++l) expected += 2 * x[size_t(i * 8 + l)] * w[size_t(j * 8 + l)];
      EXPECT_EQ(y[size_t(i * 4 + j)], expected);
    }
}

TEST_F(CudaProgram, TensorMapsAreEncodedForTheLaunchsPlaces) {
  auto program = load(withTensorMap());
  program->run("tiles");
  ASSERT_EQ(card.maps.size(), 1u);
  auto &m = card.maps[0];
  EXPECT_EQ(m.type, cuda::TensorMapType::F32);
  EXPECT_EQ(m.dims, (std::vector<uint64_t>{32, 20}));
  EXPECT_EQ(m.strides, (std::vector<uint64_t>{160}));
  EXPECT_EQ(m.box, (std::vector<uint32_t>{32, 8}));
  EXPECT_EQ(m.swizzle, 0);
  ASSERT_EQ(card.launches.size(), 1u);
  EXPECT_EQ(card.launches[0].words[0], m.address);
  EXPECT_EQ(card.launches[0].tensorMaps[0].opaque[0], 0u); // the first map
  EXPECT_EQ(card.launches[0].sharedBytes, 64u << 10);      // the fake checks that it was allowed
}

TEST_F(CudaProgram, TensorMapsThatTheDriverRefusesAreBadInput) {
  Parts parts = withTensorMap();
  parts.plan.kernels.back()->tensor_maps[0]->strides[0] = 164;
  auto e = errorOf([&] { load(std::move(parts))->run("tiles"); });
  EXPECT_EQ(e.exitCode, kBadInput);
}

TEST_F(CudaProgram, MemoryIsZeroedAndGivenBack) {
  auto program = load(cudaValid());
  EXPECT_EQ(card.allocations, 7u); // an arena each but State, and the products' workspace
  program->download(plan::Arena::Optimizer);
  for (auto &p : program->parameters())
    for (auto span : {p.value, p.gradient, p.moment1, p.moment2, p.ema})
      for (float v : span) ASSERT_EQ(v, 0);
  for (int64_t c : program->view<int64_t>("counts")) ASSERT_EQ(c, 0);
  program.reset();
  EXPECT_EQ(card.usedBytes, 0u); // the fake's end checks the rest
}

TEST_F(CudaProgram, ConstantsAreOnTheCardAndReadOnlyForTheHost) {
  Parts parts = cudaValid();
  auto &launch = *parts.plan.functions[1]->commands[0]->action.AsLaunch();
  launch.places[0] = plan::Place(kTable, 0, 0);
  launch.grid = 4;
  auto program = load(std::move(parts));
  program->run("count");
  auto *onCard = reinterpret_cast<int64_t *>(card.launches[0].words[0]);
  EXPECT_EQ((std::vector<int64_t>(onCard, onCard + 4)), (std::vector<int64_t>{4, 5, 6, 8}));
  auto table = program->view<int64_t>("table");
  EXPECT_EQ((std::vector<int64_t>(table.begin(), table.end())), (std::vector<int64_t>{1, 2, 3, 5}));
}

TEST_F(CudaProgram, IoMovesAroundARunAndOnlyWhatItTouches) {
  auto program = load(cudaValid());
  card.copiesToCard.clear();
  program->run("count");
  using Copies = std::vector<std::pair<uint64_t, uint64_t>>;
  EXPECT_EQ(card.copiesToCard, (Copies{{320, 8000}})); // "counts" alone
  EXPECT_EQ(card.copiesToHost, (Copies{{320, 8000}}));
  card.copiesToCard.clear();
  program->run("forward");
  EXPECT_EQ(card.copiesToCard, (Copies{{0, 272}})); // "x" and "y" are neighbours
  program->view<int64_t>("counts")[7] = 40;
  program->run("count");
  EXPECT_EQ(program->view<int64_t>("counts")[7], 43);
}

TEST_F(CudaProgram, ParametersMoveWhenTheyAreTold) {
  auto program = load(cudaValid());
  auto w = program->parameters()[0].value;
  std::fill(w.begin(), w.end(), 8.0f);
  program->run("step"); // the card's are zeros still
  program->download(plan::Arena::Parameters);
  EXPECT_EQ(w[0], 0);
  std::fill(w.begin(), w.end(), 8.0f);
  program->upload(plan::Arena::Parameters);
  program->run("step");
  EXPECT_EQ(w[31], 8);
  program->download(plan::Arena::Parameters);
  EXPECT_EQ(w[31], 12);
}

TEST_F(CudaProgram, ClearingZeroesBothSides) {
  auto program = load(cudaValid());
  auto w = program->parameters()[0].value;
  std::fill(w.begin(), w.end(), 8.0f);
  program->upload(plan::Arena::Parameters);
  program->clear(plan::Arena::Parameters);
  EXPECT_EQ(w[0], 0);
  program->download(plan::Arena::Parameters);
  EXPECT_EQ(w[0], 0);
}

TEST_F(CudaProgram, AFunctionIsCapturedOnceAndReplayed) {
  auto program = load(cudaValid());
  for (int k = 0; k < 3; ++k) program->run("count");
  EXPECT_EQ(card.calls["capture"], 1);
  EXPECT_EQ(card.calls["launch"], 1);
  EXPECT_EQ(card.calls["graphLaunch"], 3);
  EXPECT_EQ(program->view<int64_t>("counts")[999], 9);
}

TEST_F(CudaProgram, ProfilingTimesEveryCommandWithoutAGraph) {
  auto program = load(cudaValid());
  program->setProfiling(true);
  program->run("count");
  program->run("count");
  EXPECT_EQ(card.calls["graphLaunch"], 0);
  auto t = program->timings("count");
  ASSERT_EQ(t.size(), 1u);
  EXPECT_EQ(t[0].calls, 2u);
  EXPECT_EQ(t[0].action, "add");
  EXPECT_EQ(t[0].lastNanoseconds, 1000000u); // the fake's launches take a millisecond
  EXPECT_EQ(t[0].nanoseconds, 2000000u);
}

TEST_F(CudaProgram, MeasuresTheCardsOwnTime) {
  auto program = load(cudaValid());
  EXPECT_DOUBLE_EQ(program->measure("count"), 1e-3);
  EXPECT_EQ(program->view<int64_t>("counts")[0], 3);
}

TEST_F(CudaProgram, TracesTheLastProfiledRun) {
  auto program = load(cudaValid());
  program->setProfiling(true);
  program->run("count");
  auto json = nlohmann::json::parse(chromeTrace(*program, {"count", "forward"}));
  auto &events = json["traceEvents"];
  ASSERT_EQ(events.size(), 3u); // the device's name, the command, its function
  EXPECT_EQ(events[0]["args"]["name"], "Fake Card");
  EXPECT_EQ(events[1]["name"], "count");
  EXPECT_EQ(events[1]["args"]["action"], "add");
  EXPECT_EQ(events[1]["dur"], 1000.0);
  EXPECT_EQ(events[2]["name"], "count");
}

TEST_F(CudaProgram, TracesItsStart) {
  auto program = load(cudaValid());
  program->setProfiling(true);
  program->run("count");
  auto json = nlohmann::json::parse(
      chromeTrace(*program, {"count"}, {{"process", 1000, 5000, 0}, {"driver", 3000, 2000, 1}}));
  auto &events = json["traceEvents"];
  ASSERT_EQ(events.size(), 6u);
  EXPECT_EQ(events[1]["args"]["name"], "start");
  EXPECT_EQ(events[2]["ts"], 0.0);
  EXPECT_EQ(events[3]["name"], "driver");
  EXPECT_EQ(events[3]["tid"], 1);
  EXPECT_EQ(events[3]["ts"], 2.0);
  EXPECT_EQ(events[3]["dur"], 2.0);
  EXPECT_GT(events[4]["ts"], 2.0) << "the command, long after";
}

/// The trace of kernels during a run of `program`, as the library `cupti` tells of them.
nlohmann::json kernelTraceOf(Program &program, const char *cupti) {
  ::setenv("DRAWLOOM_CUPTI", cupti, 1);
  program.traceKernels(true);
  program.run("count");
  program.traceKernels(false);
  ::unsetenv("DRAWLOOM_CUPTI");
  return nlohmann::json::parse(chromeTrace(program, {}));
}

TEST_F(CudaProgram, TracesKernels) {
  auto json = kernelTraceOf(*load(cudaValid()), FAKE_CUPTI);
  auto &events = json["traceEvents"];
  ASSERT_EQ(events.size(), 4u); // names of the device and of the kernels' process, two kernels
  EXPECT_EQ(events[1]["args"]["name"], "kernels");
  EXPECT_EQ(events[2]["name"], "first");
  EXPECT_EQ(events[2]["tid"], 7);
  EXPECT_EQ(events[2]["dur"], 1.0);
  EXPECT_EQ(events[3]["args"]["registers"], 168);
  EXPECT_FALSE(json.contains("otherData"));
}

TEST_F(CudaProgram, SaysWhyATraceHasNoKernels) {
  auto json = kernelTraceOf(*load(cudaValid()), "/nowhere/libcupti.so");
  EXPECT_EQ(json["otherData"]["kernels"], "none: /nowhere/libcupti.so cannot be loaded");
}

TEST_F(CudaProgram, PrefersTheCubin) {
  Parts parts = cudaValid();
  parts.plan.target = "sm_90a";
  parts.sass = bytesOf("\177ELF...");
  load(parts);
  EXPECT_EQ(card.modules, (std::vector<std::string>{"cubin"}));
}

TEST_F(CudaProgram, TakesThePtxWhenTheDriverRefusesTheCubin) {
  card.refusesCubins = true;
  Parts parts = cudaValid();
  parts.plan.target = "sm_90a";
  parts.sass = bytesOf("\177ELF...");
  load(parts)->run("count");
  EXPECT_EQ(card.modules, (std::vector<std::string>{"cubin", "PTX"}));
}

TEST_F(CudaProgram, TakesThePtxOnACardThatTheCubinIsNotFor) {
  Parts parts = cudaValid(); // sm_80, and the card is of capability 9.0
  parts.sass = bytesOf("\177ELF...");
  load(parts);
  EXPECT_EQ(card.modules, (std::vector<std::string>{"PTX"}));
}

/// cudaValid() with its PTX in three modules, of which the last has a cubin and the kernels.
Parts ofThreeModules() {
  Parts parts = cudaValid();
  parts.plan.target = "sm_90a";
  parts.sass = bytesOf("\177ELF...");
  std::vector<std::byte> ptx = parts.code;
  for (int k = 0; k < 2; ++k) parts.code.insert(parts.code.end(), ptx.begin(), ptx.end());
  uint64_t size = ptx.size();
  parts.plan.modules = {{0, size, 0, 0}, {size, size, 0, 0}, {2 * size, size, 0, parts.sass.size()}};
  for (auto &kernel : parts.plan.kernels) kernel->code_module = 2;
  return parts;
}

TEST_F(CudaProgram, LoadsEachModuleByItself) {
  load(ofThreeModules())->run("count");
  EXPECT_EQ(card.modules, (std::vector<std::string>{"cubin", "PTX", "PTX"}));
  EXPECT_EQ(card.launches.size(), 1u);
  EXPECT_EQ(card.calls["moduleUnload"], 1);
  EXPECT_EQ(card.calls["libraryUnload"], 2);
}

TEST_F(CudaProgram, GivesModulesBackWhenAnotherIsRefused) {
  card.ptxError = "line 1; error";
  EXPECT_EQ(errorOf([&] { load(ofThreeModules()); }).exitCode, kBadInput);
  EXPECT_EQ(card.calls["moduleUnload"], 1);
  EXPECT_EQ(card.calls["libraryUnload"], 0);
}

TEST_F(CudaProgram, FindsWhatAnEarlyStartHasMeasured) {
  Parts parts = cudaValid();
  std::vector<std::byte> bytes = assemble(parts);
  {
    cuda::EarlyStart early(&card.driver(), &card.blasLt());
    early.expect(Artifact::fromBytes(bytes, "test.loom").plan());
    early.finish();
    EXPECT_EQ(card.allocations, 0u);
    EXPECT_GT(card.calls["matmul 1"], 0) << "nothing was measured";
    card.calls.erase("matmul 1"); // not the fastest: no product runs it
    Program::fromBytes(bytes, options(), "test.loom");
    EXPECT_EQ(card.calls["matmul 1"], 0) << "measured again";
  }
  EXPECT_EQ(card.calls["retain"], card.calls["release"]);
}

TEST_F(CudaProgram, AnEarlyStartEndsWithoutAPlan) {
  cuda::EarlyStart early(&card.driver(), &card.blasLt());
  early.finish();
  EXPECT_EQ(card.allocations, 0u);
  EXPECT_EQ(card.calls["retain"], 1);
}

TEST_F(CudaProgram, SaysWhatTheDriverHasAgainstThePtx) {
  card.ptxError = "ptxas application ptx input, line 7; error: Unknown symbol";
  auto e = errorOf([&] { load(cudaValid()); });
  EXPECT_EQ(e.exitCode, kBadInput);
  EXPECT_NE(std::string(e.what()).find("line 7; error: Unknown symbol"), std::string::npos) << e.what();
}

TEST_F(CudaProgram, AKernelThatTheCodeLacksIsBadInput) {
  Parts parts = cudaValid();
  parts.plan.kernels[0]->name = "other";
  auto e = errorOf([&] { load(parts); });
  EXPECT_EQ(e.exitCode, kBadInput);
  EXPECT_STREQ(e.what(), "test.loom: the code has no kernel 'other'");
}

TEST_F(CudaProgram, AnotherCardsTargetIsBadInput) {
  card.major = 8, card.name = "NVIDIA A100";
  Parts parts = cudaValid();
  parts.plan.target = "sm_90a";
  auto e = errorOf([&] { load(parts); });
  EXPECT_EQ(e.exitCode, kBadInput);
  EXPECT_STREQ(e.what(),
               "test.loom: compiled for target 'sm_90a', which 'NVIDIA A100' (compute capability 8.0) "
               "does not run");
  EXPECT_EQ(e.hint, "compile the model with --target sm_80");
}

TEST_F(CudaProgram, NewerCardsRunSm80) {
  card.major = 12;
  load(cudaValid())->run("count");
  EXPECT_EQ(card.launches.size(), 1u);
}

TEST_F(CudaProgram, TheDeviceThatIsAskedForMustBeTheArtifacts) {
  Parts parts = cudaValid();
  ProgramOptions onCpu = options();
  onCpu.device = DeviceKind::Cpu;
  auto e = errorOf([&] { Program::fromBytes(assemble(parts), onCpu, "test.loom"); });
  EXPECT_EQ(e.exitCode, kBadInput);
  EXPECT_STREQ(e.what(), "test.loom: compiled for target 'sm_80', which does not run on the device 'cpu'");
  EXPECT_EQ(e.hint, "run it with --device cuda, or compile the model with --device cpu");
  Parts cpu = valid();
  ProgramOptions onCuda = options();
  onCuda.device = DeviceKind::Cuda;
  EXPECT_EQ(errorOf([&] { Program::fromBytes(assemble(cpu), onCuda, "a"); }).exitCode, kBadInput);
}

TEST_F(CudaProgram, APlanThatDoesNotFitTheCardExits71WithThePlan) {
  Parts parts = cudaValid();
  parts.plan.arena_bytes[int(plan::Arena::Optimizer)] = uint64_t(1) << 30;
  auto e = errorOf([&] { load(parts); });
  EXPECT_EQ(e.exitCode, kOutOfMemory);
  std::string message = e.what();
  EXPECT_NE(message.find("of the memory of 'Fake Card', 256 MiB of 256 MiB are free"), std::string::npos)
      << message;
  EXPECT_NE(message.find("1.00 GiB  Optimizer"), std::string::npos) << message;
  EXPECT_NE(message.find("counts [1000] I64"), std::string::npos) << message;
}

TEST_F(CudaProgram, WhatTheCardHasLostIsMeasured) {
  auto program = load(cudaValid());
  uint64_t measured = program->measuredBytes(), planned = program->plannedBytes();
  EXPECT_GE(measured, planned);
  EXPECT_LE(measured, planned + 64 * 8) << "an empty arena takes 64 bytes";
  card.usedBytes += 500;
  EXPECT_EQ(program->measuredBytes(), measured + 500) << "others on the card count";
  card.usedBytes -= 500;
}

TEST_F(CudaProgram, CachesOfDecodingTakeMemoryWhenTheyAreFirstUsed) {
  auto program = load(withTensorMap());
  uint64_t before = card.usedBytes;
  EXPECT_EQ(card.maps.size(), 0u);
  program->run("forward");
  program->clear(plan::Arena::State);
  program->download(plan::Arena::State);
  EXPECT_EQ(card.usedBytes, before);
  program->run("tiles");
  EXPECT_EQ(card.usedBytes, before + program->arenaBytes(plan::Arena::State));
  for (float v : program->view<float>("matrix")) ASSERT_EQ(v, 0);
}

TEST_F(CudaProgram, CachesOfDecodingThatDoNotFitAreAnErrorWhenTheyAreFirstUsed) {
  Parts parts = withTensorMap();
  parts.plan.arena_bytes[int(plan::Arena::State)] = uint64_t(1) << 30;
  auto program = load(std::move(parts));
  program->run("forward");
  auto e = errorOf([&] { program->run("tiles"); });
  EXPECT_EQ(e.exitCode, kOutOfMemory);
  std::string message = e.what();
  EXPECT_NE(message.find("the caches of decoding need 1.00 GiB of the memory of 'Fake Card'"),
            std::string::npos)
      << message;
  EXPECT_NE(e.hint.find("sample.batch"), std::string::npos);
}

TEST_F(CudaProgram, MemoryThatOthersHoldCounts) {
  card.usedBytes = card.totalBytes - 1000;
  EXPECT_EQ(errorOf([&] { load(cudaValid()); }).exitCode, kOutOfMemory);
  card.usedBytes = 0;
}

TEST_F(CudaProgram, AFailureOnTheCardIsAnErrorWithAHint) {
  card.failingKernel = "add";
  auto program = load(cudaValid());
  auto e = errorOf([&] { program->run("count"); });
  EXPECT_EQ(e.exitCode, kFailed);
  EXPECT_NE(e.hint.find("DRAWLOOM_STEPWISE"), std::string::npos);
}

TEST(CudaStepwise, NamesTheCommandThatFails) {
  TemporaryFolder folder;
  ::setenv("XDG_CACHE_HOME", folder.path.c_str(), 1);
  FakeCuda card(kernels());
  card.failingKernel = "add";
  ::setenv("DRAWLOOM_STEPWISE", "1", 1);
  Parts parts = cudaValid();
  auto program =
      Program::fromBytes(assemble(parts), {.driver = &card.driver(), .blasLt = &card.blasLt()}, "a");
  ::unsetenv("DRAWLOOM_STEPWISE");
  try {
    program->run("count");
    FAIL() << "no error";
  } catch (const Error &e) {
    EXPECT_EQ(std::string(e.what()).rfind("command 0 of 'count' (count): ", 0), 0u) << e.what();
  }
}

TEST(CudaDriver, AMachineWithoutACardSaysSo) {
  std::string reason;
  if (cuda::findMachineDriver(reason)) GTEST_SKIP() << "this machine has a card";
  Parts parts = cudaValid();
  try {
    Program::fromBytes(assemble(parts), {}, "a");
    FAIL() << "no error";
  } catch (const Error &e) {
    EXPECT_EQ(e.exitCode, kFailed);
    EXPECT_NE(std::string(e.what()).find("CUDA driver"), std::string::npos) << e.what();
    EXPECT_NE(e.hint.find("--device cpu"), std::string::npos) << e.hint;
  }
}

TEST(DeviceNames, AreCpuAndCuda) {
  EXPECT_EQ(deviceNamed("cuda"), DeviceKind::Cuda);
  EXPECT_EQ(deviceNamed(nameOf(DeviceKind::Cpu)), DeviceKind::Cpu);
  try {
    deviceNamed("gpu");
    FAIL() << "no error";
  } catch (const Error &e) {
    EXPECT_EQ(e.exitCode, kUsage);
  }
}

} // namespace
} // namespace drawloom::test
