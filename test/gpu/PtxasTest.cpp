// Around ptxas: reading what it says, running it, keeping its results.
#include "codegen/nvptx/Ptxas.h"
#include "codegen/nvptx/CodeModules.h"
#include "codegen/nvptx/CubinCache.h"
#include "codegen/nvptx/EmitPtx.h"
#include "runtime/support/Error.h"
#include "runtime/support/File.h"
#include "test/gpu/Support.h"
#include "test/runtime/TestArtifact.h"
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <span>
#include <thread>

namespace drawloom::test {
namespace {

TEST(PtxasReport, ReadsResourcesAndComplaints) {
  auto report = parsePtxasOutput(
      "ptxas info    : (C7519) warpgroup.arrive is injected in around line 11 by compiler to allow use of "
      "registers in GMMA in function 'a'\n"
      "ptxas warning : Too many maxnreg specified for entry b, will be ignored\n"
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function 'a' for 'sm_90a'\n"
      "ptxas info    : Function properties for a\n"
      "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
      "ptxas info    : Used 168 registers, used 10 barriers, 1024 bytes smem\n"
      "ptxas info    : Compile time = 26.233 ms\n"
      "ptxas info    : Compiling entry function 'b' for 'sm_90a'\n"
      "ptxas info    : Function properties for b\n"
      "    968 bytes stack frame, 964 bytes spill stores, 960 bytes spill loads\n"
      "ptxas info    : Used 64 registers, used 0 barriers, 968 bytes cumulative stack size\n");
  ASSERT_EQ(report.kernels.size(), 2u);
  EXPECT_EQ(report.kernels[0], (KernelResources{"a", 168, 10, 0, 0, 0, 1024}));
  EXPECT_EQ(report.kernels[1], (KernelResources{"b", 64, 0, 968, 964, 960, 0}));
  ASSERT_EQ(report.warnings.size(), 2u);
  EXPECT_EQ(report.warnings[0].code, "C7519");
  EXPECT_EQ(report.warnings[0].text.rfind("warpgroup.arrive is injected", 0), 0u);
  EXPECT_EQ(report.warnings[1].code, "");
  EXPECT_EQ(report.find("b")->registers, 64u);
  EXPECT_EQ(report.find("c"), nullptr);
}

TEST(CubinCache, KeepsEntriesAndDropsBrokenOnes) {
  TemporaryFolder folder;
  CubinCache cache(folder / "cubins");
  CubinCache::Entry entry{{std::byte(1), std::byte(2)}, "said"};
  auto key = CubinCache::keyOf("ptx", "-O3");
  EXPECT_NE(key, CubinCache::keyOf("ptx", "-O2"));
  EXPECT_NE(key, CubinCache::keyOf("other", "-O3"));
  EXPECT_FALSE(cache.find(key));
  cache.store(key, entry);
  auto found = cache.find(key);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->cubin, entry.cubin);
  EXPECT_EQ(found->output, "said");

  std::string path = folder / ("cubins/" + key);
  auto bytes = readFile(path);
  for (size_t broken : {size_t(0), size_t(8), bytes.size() - 1}) {
    auto changed = bytes;
    changed[broken] ^= std::byte(1);
    writeFileAtomically(path, std::span<const std::byte>(changed));
    EXPECT_FALSE(cache.find(key)) << "byte " << broken;
  }
  writeFileAtomically(path, std::span<const std::byte>(bytes).first(20));
  EXPECT_FALSE(cache.find(key));
}

TEST(CubinCache, IsSafeForManyWriters) {
  TemporaryFolder folder;
  CubinCache::Entry entry{std::vector<std::byte>(100000, std::byte(7)), "said"};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        CubinCache cache(folder / "cubins");
        cache.store("key", entry);
        auto found = cache.find("key");
        EXPECT_TRUE(found && found->cubin == entry.cubin);
      }
    });
  for (auto &thread : threads) thread.join();
  size_t files = 0;
  for ([[maybe_unused]] auto &file : std::filesystem::directory_iterator(folder / "cubins")) ++files;
  EXPECT_EQ(files, 1u);
}

TEST(CubinCache, AFolderThatCannotBeMadeIsNoError) {
  CubinCache cache("/proc/no/such/folder");
  cache.store("key", {});
  EXPECT_FALSE(cache.find("key"));
}

constexpr char kPtx[] = ".version 8.0\n.target sm_80\n.address_size 64\n"
                        ".visible .entry nothing() { ret; }\n";

TEST(Ptxas, AssemblesOnceAndThenReadsTheCache) {
  auto ptxas = findPtxas();
  if (!ptxas) GTEST_SKIP() << "no ptxas is installed";
  TemporaryFolder folder;
  Environment cache("XDG_CACHE_HOME", folder.path);
  Cubin first = drawloom::assemble(*ptxas, kPtx, "sm_80"), second = drawloom::assemble(*ptxas, kPtx, "sm_80");
  EXPECT_FALSE(first.fromCache);
  EXPECT_TRUE(second.fromCache);
  EXPECT_EQ(first.bytes, second.bytes);
  ASSERT_EQ(second.report.kernels.size(), 1u);
  EXPECT_EQ(first.report.kernels, second.report.kernels);
  ASSERT_GT(first.bytes.size(), 4u);
  EXPECT_EQ(std::memcmp(first.bytes.data(), "\177ELF", 4), 0);
}

TEST(Ptxas, WhatItRejectsIsAnErrorWithItsWords) {
  auto ptxas = findPtxas();
  if (!ptxas) GTEST_SKIP() << "no ptxas is installed";
  try {
    drawloom::assemble(*ptxas, std::string(kPtx) + "nonsense\n", "sm_80");
    FAIL() << "it took nonsense";
  } catch (const Error &e) {
    EXPECT_EQ(e.exitCode, kInternal);
    EXPECT_NE(std::string(e.what()).find("rejected the generated PTX"), std::string::npos);
    EXPECT_NE(std::string(e.what()).find("fatal"), std::string::npos) << e.what();
  }
}

TEST(Ptxas, OneThatCannotRunIsAnErrorWithAHint) {
  try {
    drawloom::assemble("/no/such/ptxas", kPtx, "sm_80");
    FAIL() << "it ran";
  } catch (const Error &e) {
    EXPECT_EQ(e.exitCode, kFailed);
    EXPECT_NE(e.hint.find("DRAWLOOM_PTXAS"), std::string::npos);
  }
}

TEST(CodeModules, LongKernelsStandAloneAndShortOnesShare) {
  EXPECT_TRUE(groupKernels({}).empty());
  constexpr size_t small = 20 << 10, large = 100 << 10;
  ASSERT_FALSE(standsAlone(small));
  ASSERT_TRUE(standsAlone(large));
  std::vector<size_t> sizes{small, large, small, small, large, small, small, small};
  std::vector<std::vector<size_t>> expected{{0, 2, 3, 5, 6}, {1}, {4}, {7}};
  EXPECT_EQ(groupKernels(sizes), expected);
}

TEST(CodeModules, AreOneModuleOfOneHeaderWhenJoined) {
  std::string header = ".version 8.0\n.target sm_80\n.address_size 64\n";
  std::string first = header + "\na", second = header + "\nb";
  EXPECT_EQ(joinPtx({first}), first);
  EXPECT_EQ(joinPtx({first, second}), header + "\na\nb");
}

TEST(Ptxas, TheEnvironmentNamesIt) {
  Environment named("DRAWLOOM_PTXAS", "/opt/ptxas");
  EXPECT_EQ(findPtxas(), "/opt/ptxas");
  Environment none("DRAWLOOM_PTXAS", "");
  EXPECT_FALSE(findPtxas());
}

} // namespace
} // namespace drawloom::test
