#include "runtime/support/Clock.h"
#include "runtime/support/Error.h"
#include "runtime/support/File.h"
#include "runtime/support/Format.h"
#include "runtime/support/Hash.h"
#include "test/runtime/TestArtifact.h"
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/resource.h>

namespace drawloom {
namespace {

using test::TemporaryFolder;

size_t filesIn(const TemporaryFolder &folder) {
  return size_t(std::distance(std::filesystem::directory_iterator(folder.path), {}));
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

TEST(Error, TextCarriesTheHint) {
  EXPECT_EQ(Error(kBadInput, "wrong").text(), "wrong");
  EXPECT_EQ(Error(kBadInput, "wrong", "try this").text(), "wrong\nhint: try this");
}

TEST(Error, FailFormats) {
  auto e = errorOf([] { fail(kBadInput, "expected {}, found {}", 3, "x"); });
  EXPECT_EQ(e.exitCode, kBadInput);
  EXPECT_STREQ(e.what(), "expected 3, found x");
}

TEST(Error, FullDiskIsIoWithAHint) {
  auto e = errorOf([] { failErrno(ENOSPC, "cannot write 'f'"); });
  EXPECT_EQ(e.exitCode, kIo);
  EXPECT_STREQ(e.what(), "cannot write 'f': No space left on device");
  EXPECT_NE(e.hint.find("free some space"), std::string::npos);
}

TEST(AtomicFile, WritesAllAtOnce) {
  TemporaryFolder folder;
  writeFileAtomically(folder / "f", "old");
  {
    AtomicFile f(folder / "f");
    f.write("ne");
    f.write("w");
    EXPECT_EQ(readTextFile(folder / "f"), "old");
    EXPECT_EQ(f.bytesWritten(), 3u);
    f.commit();
  }
  EXPECT_EQ(readTextFile(folder / "f"), "new");
  EXPECT_EQ(filesIn(folder), 1u);
}

TEST(AtomicFile, WithoutCommitNothingChanges) {
  TemporaryFolder folder;
  writeFileAtomically(folder / "f", "old");
  {
    AtomicFile f(folder / "f");
    f.write("new");
  }
  EXPECT_EQ(readTextFile(folder / "f"), "old");
  EXPECT_EQ(filesIn(folder), 1u);
}

TEST(AtomicFile, WritesMoreThanItsBuffer) {
  TemporaryFolder folder;
  std::string expected;
  AtomicFile f(folder / "f");
  f.reserve(5'000'000); // more than what comes
  for (int i = 0; i < 40; ++i) {
    std::string part(size_t(i * 4001), char('a' + i % 26));
    f.write(part);
    expected += part;
  }
  f.commit();
  EXPECT_EQ(readTextFile(folder / "f"), expected);
}

TEST(AtomicFile, MissingFolderIsIo) {
  TemporaryFolder folder;
  EXPECT_EQ(errorOf([&] { writeFileAtomically(folder / "none/f", "x"); }).exitCode, kIo);
}

TEST(AtomicFile, TargetThatIsAFolderLeavesNothingBehind) {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder / "f");
  EXPECT_EQ(errorOf([&] { writeFileAtomically(folder / "f", "x"); }).exitCode, kIo);
  EXPECT_EQ(filesIn(folder), 1u);
}

TEST(AtomicFile, ExhaustedDiskKeepsTheOldFileAndLeavesNothingBehind) {
  TemporaryFolder folder;
  writeFileAtomically(folder / "f", "old");
  // A limit on file size stands for the full disk: the write fails half-way.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small{1 << 16, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  auto e = errorOf([&] { writeFileAtomically(folder / "f", std::string(1 << 21, 'x')); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(e.exitCode, kIo);
  EXPECT_EQ(readTextFile(folder / "f"), "old");
  EXPECT_EQ(filesIn(folder), 1u);
}

TEST(File, MissingFileExits66) {
  EXPECT_EQ(errorOf([] { readFile("/nonexistent"); }).exitCode, kMissingInput);
  EXPECT_EQ(errorOf([] { MappedFile("/nonexistent/f"); }).exitCode, kMissingInput);
}

TEST(File, AFolderIsNotAFile) {
  EXPECT_EQ(errorOf([] { readFile("/tmp"); }).exitCode, kBadInput);
}

TEST(MappedFile, HasTheContent) {
  TemporaryFolder folder;
  writeFileAtomically(folder / "f", "hello");
  MappedFile a(folder / "f");
  MappedFile b = std::move(a);
  EXPECT_TRUE(a.bytes().empty());
  ASSERT_EQ(b.bytes().size(), 5u);
  EXPECT_EQ(b.bytes()[4], std::byte('o'));
}

TEST(MappedFile, EmptyFileIsEmpty) {
  TemporaryFolder folder;
  writeFileAtomically(folder / "f", "");
  EXPECT_TRUE(MappedFile(folder / "f").bytes().empty());
}

TEST(Hash, IsXxh64WithSeed0) {
  EXPECT_EQ(hash64(""), 0xef46db3751d8e999u);
  EXPECT_EQ(hash64("abc"), 0x44bc2cf5ad770999u);
}

TEST(Clock, NeverGoesBack) {
  Stopwatch watch;
  uint64_t a = monotonicNanoseconds(), b = monotonicNanoseconds();
  EXPECT_LE(a, b);
  EXPECT_GE(watch.seconds(), 0);
  EXPECT_LT(watch.seconds(), 60);
}

TEST(Format, Bytes) {
  EXPECT_EQ(formatBytes(0), "0 B");
  EXPECT_EQ(formatBytes(1023), "1023 B");
  EXPECT_EQ(formatBytes(1024), "1.00 KiB");
  EXPECT_EQ(formatBytes(1536 << 10), "1.50 MiB");
  EXPECT_EQ(formatBytes(1048575), "1.00 MiB");
  EXPECT_EQ(formatBytes(~uint64_t(0)), "16.0 EiB");
}

TEST(Format, BytesAreReadInBothKindsOfUnits) {
  EXPECT_EQ(parseBytes("2GiB"), uint64_t(2) << 30);
  EXPECT_EQ(parseBytes("1.5 MiB"), uint64_t(3) << 19);
  EXPECT_EQ(parseBytes("500MB"), 500'000'000u);
  EXPECT_EQ(parseBytes("4096"), 4096u);
  EXPECT_EQ(parseBytes("16 B"), 16u);
  for (const char *bad : {"", "GiB", "2 gib", "-1", "1GiB ", "nan", "inf", "99999999TiB", "1e9", "0x10"})
    EXPECT_EQ(parseBytes(bad), std::nullopt) << bad;
}

TEST(Format, Durations) {
  EXPECT_EQ(formatDuration(0), "0 ns");
  EXPECT_EQ(formatDuration(850e-9), "850 ns");
  EXPECT_EQ(formatDuration(1.25e-3), "1.25 ms");
  EXPECT_EQ(formatDuration(12.34), "12.3 s");
  EXPECT_EQ(formatDuration(245), "4m 05s");
  EXPECT_EQ(formatDuration(7384), "2h 03m");
  EXPECT_EQ(formatDuration(273600), "3d 04h");
  EXPECT_EQ(formatDuration(-2), "-2.00 s");
  EXPECT_EQ(formatDuration(1.0 / 0.0), "unknown");
}

TEST(Format, Counts) {
  EXPECT_EQ(formatCount(0), "0");
  EXPECT_EQ(formatCount(950), "950");
  EXPECT_EQ(formatCount(12345), "12.3 k");
  EXPECT_EQ(formatCount(94.95e6), "95.0 M");
  EXPECT_EQ(formatCount(999600), "1.00 M");
}

} // namespace
} // namespace drawloom
