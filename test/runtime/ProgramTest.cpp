#include "runtime/program/Program.h"
#include "runtime/program/Memory.h"
#include "runtime/support/File.h"
#include "test/runtime/TestArtifact.h"
#include <algorithm>
#include <csignal>
#include <gtest/gtest.h>
#include <numeric>

namespace drawloom::test {
namespace {

std::unique_ptr<Program> load(Parts &parts, int threads = 2) {
  return Program::fromBytes(assemble(parts), {threads}, "test.loom");
}
std::unique_ptr<Program> load(int threads = 2) {
  auto parts = valid();
  return load(parts, threads);
}

/// Calls `f`, which must throw Error, and gives it.
template <class F> Error errorOf(F &&f) {
  try {
    f();
  } catch (const Error &e) {
    return e;
  }
  ADD_FAILURE() << "no error";
  return Error(0, "");
}

TEST(Program, LaunchPerformsEveryWorkItemOnce) {
  for (int threads : {1, 2, 5}) {
    auto program = load(threads);
    EXPECT_EQ(program->threads(), threads);
    program->run("count");
    program->run("count");
    for (int64_t c : program->view<int64_t>("counts")) ASSERT_EQ(c, 6);
  }
}

TEST(Program, RunsProductsInOrder) {
  auto program = load();
  auto x = program->view<float>("x"), y = program->view<float>("y");
  auto w = program->parameters()[0].value;
  std::iota(x.begin(), x.end(), 1.0f);
  std::iota(w.begin(), w.end(), -7.0f);
  program->run("forward");
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 4; ++j) {
      float expected = 0;
      for (int l = 0; l < 8; ++l) expected += 2 * x[size_t(i * 8 + l)] * w[size_t(j * 8 + l)];
      EXPECT_EQ(y[size_t(i * 4 + j)], expected);
    }
}

TEST(Program, SeveralProgramsAtOnce) {
  auto first = load(), second = load();
  first->run("count");
  EXPECT_EQ(first->view<int64_t>("counts")[999], 3);
  EXPECT_EQ(second->view<int64_t>("counts")[999], 0);
}

TEST(Program, LoadsFromAFile) {
  TemporaryFolder folder;
  auto parts = valid();
  writeFileAtomically(folder / "m.loom", assemble(parts));
  auto program = Program::load(folder / "m.loom");
  EXPECT_GE(program->threads(), 1);
  EXPECT_EQ(program->specJson(), R"({"model": {"n": 5}})");
}

TEST(Program, BuffersHaveTheirShape) {
  auto program = load();
  EXPECT_TRUE(program->hasBuffer("x"));
  EXPECT_FALSE(program->hasBuffer("z"));
  auto x = program->buffer("x");
  EXPECT_EQ(x.shape, (std::vector<uint64_t>{5, 8}));
  EXPECT_EQ(x.bytes, 160u);
  EXPECT_EQ(x.dtype, plan::DType::F32);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(x.data) % 64, 0u);
}

TEST(Program, MemoryStartsAsZeros) {
  auto program = load();
  for (auto &p : program->parameters())
    for (auto span : {p.value, p.gradient, p.moment1, p.moment2, p.ema})
      EXPECT_TRUE(std::all_of(span.begin(), span.end(), [](float v) { return v == 0; }));
}

TEST(Program, ParametersCarryTheirCompanions) {
  auto parts = valid();
  parts.plan.parameters[1]->ema = 0xFFFFFFFFu;
  auto program = load(parts);
  auto &b = program->parameters()[1];
  EXPECT_EQ(b.name, "b");
  EXPECT_EQ(b.shape, (std::vector<uint64_t>{4}));
  EXPECT_EQ(b.value.size(), 4u);
  EXPECT_EQ(b.moment2.data(), program->view<float>("b.v").data());
  EXPECT_TRUE(b.ema.empty());
  EXPECT_EQ(b.init, plan::Init::Normal);
  EXPECT_EQ(b.stddev, 0.125);
}

TEST(Program, ViewSpansTheShapeWhereTheBufferHasMoreBytes) {
  auto parts = valid();
  parts.plan.buffers[kY]->bytes = 128; // shape [5, 4] needs 80
  EXPECT_EQ(load(parts)->view<float>("y").size(), 20u);
}

TEST(Program, ConstantsComeFromTheArtifact) {
  auto program = load();
  auto table = program->view<int64_t>("table");
  EXPECT_EQ((std::vector<int64_t>(table.begin(), table.end())), (std::vector<int64_t>{1, 2, 3, 5}));
}

TEST(ProgramDeathTest, ConstantsCannotBeWritten) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH({ load()->view<int64_t>("table")[0] = 7; }, "");
}

TEST(Program, ViewOfAnotherTypeIsAnError) {
  auto program = load();
  auto e = errorOf([&] { (void)program->view<int32_t>("x"); });
  EXPECT_EQ(e.exitCode, kBadInput);
  EXPECT_STREQ(e.what(), "test.loom: buffer 'x' has elements of type F32; expected I32");
}

TEST(Program, UnknownBufferIsAnError) {
  auto program = load();
  auto e = errorOf([&] { (void)program->buffer("logits"); });
  EXPECT_EQ(e.exitCode, kBadInput);
  EXPECT_STREQ(e.what(), "test.loom: the artifact has no buffer 'logits'");
}

TEST(Program, UnknownFunctionIsAnError) {
  auto program = load();
  EXPECT_FALSE(program->hasFunction("decode"));
  auto e = errorOf([&] { program->run("decode"); });
  EXPECT_EQ(e.exitCode, kUsage);
  EXPECT_STREQ(e.what(), "test.loom: the artifact has no function 'decode'; it has: count, forward");
}

TEST(Program, MissingCpuFeaturesAreNamed) {
  auto parts = valid();
  parts.plan.cpu_features = {"sse2", "avx77", "amx-later"};
  auto e = errorOf([&] { load(parts); });
  EXPECT_EQ(e.exitCode, kBadInput);
  EXPECT_STREQ(e.what(),
               "test.loom: compiled for a processor with avx77, amx-later, which this one does not have");
  EXPECT_NE(e.hint.find("--target"), std::string::npos);
}

TEST(Program, OtherTargetIsAnError) {
  auto parts = validGpu();
  auto e = errorOf(
      [&] { Program::fromBytes(assemble(parts), {.threads = 1, .device = DeviceKind::Cpu}, "test.loom"); });
  EXPECT_EQ(e.exitCode, kBadInput);
  EXPECT_STREQ(e.what(), "test.loom: compiled for target 'sm_90a', which does not run on the device 'cpu'");
  EXPECT_EQ(e.hint, "run it with --device cuda, or compile the model with --device cpu");
}

TEST(Program, UnknownTargetIsAnError) {
  auto parts = valid();
  parts.plan.target = "riscv64";
  auto e = errorOf([&] { load(parts); });
  EXPECT_EQ(e.exitCode, kBadInput);
  EXPECT_STREQ(e.what(), "test.loom: compiled for the unknown target 'riscv64'");
}

TEST(Program, ClearingZeroesAnArena) {
  auto program = load();
  program->run("count");
  auto w = program->parameters()[0].value;
  std::fill(w.begin(), w.end(), 2.0f);
  program->clear(plan::Arena::Io);
  for (int64_t c : program->view<int64_t>("counts")) ASSERT_EQ(c, 0);
  EXPECT_EQ(w[3], 2);
}

TEST(Program, MeasuresARun) {
  auto program = load();
  EXPECT_GT(program->measure("count"), 0);
  EXPECT_EQ(program->view<int64_t>("counts")[0], 3);
  EXPECT_EQ(program->device(), DeviceKind::Cpu);
  EXPECT_EQ(program->deviceName(), "CPU");
}

TEST(Program, UploadAndDownloadLeaveACpuAlone) {
  auto program = load();
  auto w = program->parameters()[0].value;
  std::fill(w.begin(), w.end(), 2.0f);
  program->download(plan::Arena::Parameters);
  program->upload(plan::Arena::Parameters);
  EXPECT_EQ(w[3], 2);
}

TEST(Program, APlanThatDoesNotFitExits71WithThePlan) {
  auto parts = valid();
  parts.plan.arena_bytes[int(plan::Arena::State)] = uint64_t(1) << 46;
  auto e = errorOf([&] { load(parts); });
  EXPECT_EQ(e.exitCode, kOutOfMemory);
  std::string message = e.what();
  EXPECT_NE(message.find("the plan needs 64.0 TiB of memory"), std::string::npos) << message;
  EXPECT_NE(message.find("64.0 TiB  State"), std::string::npos) << message;
  EXPECT_NE(message.find("counts [1000] I64"), std::string::npos) << message;
  EXPECT_NE(e.hint.find("memory.recompute"), std::string::npos);
}

TEST(Program, NegativeThreadsAreAnError) {
  EXPECT_EQ(errorOf([] { load(-1); }).exitCode, kUsage);
}

TEST(Program, SumsPlannedWork) {
  auto program = load();
  EXPECT_EQ(program->functionFlops("forward"), 4000u);
  EXPECT_EQ(program->functionBytes("forward"), 400u);
  EXPECT_EQ(program->arenaBytes(plan::Arena::Optimizer), 768u);
  EXPECT_EQ(program->plannedBytes(),
            256u + 256 + 768 + 8320 + 448 + 32 + 21); // slim products need no scratch
}

TEST(Program, MemoryReportNamesArenasAndLargestBuffers) {
  auto report = load()->memoryReport();
  EXPECT_EQ(report.rfind("memory plan: 9.84 KiB\n       256 B  Parameters\n", 0), 0u) << report;
  EXPECT_NE(report.find("largest buffers:\n    7.81 KiB  counts [1000] I64\n"), std::string::npos) << report;
  EXPECT_NE(report.find("forward: value 1 [5x8] F32"), std::string::npos) << report;
}

TEST(Program, ProfilingTimesEveryCommand) {
  auto program = load();
  program->run("forward");
  EXPECT_EQ(program->timings("forward")[0].calls, 0u);
  program->setProfiling(true);
  program->run("forward");
  program->run("forward");
  auto timings = program->timings("forward");
  ASSERT_EQ(timings.size(), 4u);
  EXPECT_EQ(timings[0].label, "h");
  EXPECT_EQ(timings[0].action, "gemm");
  EXPECT_EQ(timings[1].action, "zero");
  for (size_t i = 0; i < timings.size(); ++i) {
    EXPECT_EQ(timings[i].calls, 2u);
    EXPECT_GE(timings[i].nanoseconds, timings[i].lastNanoseconds);
    if (i) EXPECT_EQ(timings[i].lastStart, timings[i - 1].lastStart + timings[i - 1].lastNanoseconds);
  }
  program->run("count");
  EXPECT_EQ(program->timings("count")[0].action, "add");
  program->clearTimings();
  EXPECT_EQ(program->timings("forward")[0].calls, 0u);
}

TEST(Program, TimingsByLabelAddUp) {
  auto parts = valid();
  parts.plan.functions[0]->commands[2]->label = "h";
  auto program = load(parts);
  program->setProfiling(true);
  program->run("forward");
  auto all = program->timings("forward"), sums = program->timingsByLabel("forward");
  ASSERT_EQ(sums.size(), 3u);
  EXPECT_EQ(sums[0].label, "h");
  EXPECT_EQ(sums[0].calls, 2u);
  EXPECT_EQ(sums[0].nanoseconds, all[0].nanoseconds + all[2].nanoseconds);
  EXPECT_EQ(sums[0].flops, 2000u);
}

} // namespace
} // namespace drawloom::test
