// What a damaged or foreign file gives: a message with the documented exit code, never a crash.
#include "runtime/abi/Abi.h"
#include "runtime/support/Error.h"
#include "runtime/support/File.h"
#include "test/runtime/TestArtifact.h"
#include <cstring>
#include <gtest/gtest.h>
#include <random>

namespace drawloom::test {
namespace {

std::vector<std::byte> validFile() {
  auto parts = valid();
  return assemble(parts);
}

/// The error for a valid file with a changed header.
template <class Change> std::string headerError(Change change) {
  auto file = validFile();
  abi::FileHeader h;
  std::memcpy(&h, file.data(), sizeof(h));
  change(h);
  std::memcpy(file.data(), &h, sizeof(h));
  return loadError(file);
}

TEST(ArtifactFile, MissingFileExits66) {
  try {
    Artifact::open("/nonexistent/model.loom");
    FAIL();
  } catch (const Error &e) {
    EXPECT_EQ(e.exitCode, kMissingInput);
    EXPECT_STREQ(e.what(), "cannot open '/nonexistent/model.loom': No such file or directory");
  }
}

TEST(ArtifactFile, OpensFromDisk) {
  TemporaryFolder folder;
  writeFileAtomically(folder / "m.loom", validFile());
  auto artifact = Artifact::open(folder / "m.loom");
  EXPECT_EQ(artifact.plan().compiler()->str(), "test");
  EXPECT_EQ(artifact.code().size(), 21u);
  EXPECT_EQ(artifact.constants().size(), 32u);
}

TEST(ArtifactFile, EmptyFile) { EXPECT_NE(loadError({}).find("the file is empty"), std::string::npos); }

TEST(ArtifactFile, OtherKindOfFile) {
  std::string text = "# a model spec\n[model]\n";
  auto *begin = reinterpret_cast<const std::byte *>(text.data());
  EXPECT_NE(loadError({begin, begin + text.size()}).find("not a Drawloom artifact"), std::string::npos);
}

TEST(ArtifactFile, OtherFormatVersion) {
  EXPECT_NE(headerError([](auto &h) { h.abiVersion = 7; }).find("made for version 7 of the artifact format"),
            std::string::npos);
}

TEST(ArtifactFile, OtherHeaderSize) {
  EXPECT_NE(headerError([](auto &h) { h.headerBytes = 64; }).find("header says it has 64 bytes"),
            std::string::npos);
}

TEST(ArtifactFile, PlanOutsideTheFile) {
  EXPECT_NE(headerError([](auto &h) { h.planBytes = ~uint64_t(0); }).find("the plan's place"),
            std::string::npos);
  EXPECT_NE(headerError([](auto &h) { h.planOffset = ~uint64_t(63); }).find("the plan's place"),
            std::string::npos);
}

TEST(ArtifactFile, ExtraBytesAtTheEnd) {
  auto file = validFile();
  file.resize(file.size() + 3);
  EXPECT_NE(loadError(file).find("3 unexpected bytes"), std::string::npos);
}

TEST(ArtifactFile, CorruptedPlan) {
  auto file = validFile();
  file[100] ^= std::byte(1);
  EXPECT_NE(loadError(file).find("the plan does not match its hash"), std::string::npos);
}

TEST(ArtifactFile, CorruptedCode) {
  auto file = validFile();
  auto artifact = Artifact::fromBytes(file, "a");
  file[artifact.plan().code()->offset()] ^= std::byte(1);
  EXPECT_NE(loadError(file).find("segment 'code' does not match its hash"), std::string::npos);
}

TEST(ArtifactFile, TruncatedAtEveryByte) {
  auto file = validFile();
  for (size_t bytes = 0; bytes < file.size(); ++bytes) {
    int exitCode = 0;
    // Exactly as many bytes as are there, so that a sanitizer sees a read behind them.
    std::vector<std::byte> head(file.begin(), file.begin() + ptrdiff_t(bytes));
    ASSERT_NE(loadError(std::move(head), &exitCode), "") << bytes;
    ASSERT_EQ(exitCode, kBadInput);
  }
}

TEST(ArtifactFile, TruncatedPlanWithMatchingHash) {
  auto file = validFile();
  abi::FileHeader h;
  std::memcpy(&h, file.data(), sizeof(h));
  for (uint64_t bytes = 0; bytes < h.planBytes; ++bytes) {
    std::vector<std::byte> head(file.begin(), file.begin() + ptrdiff_t(h.planOffset + bytes));
    abi::FileHeader shorter = h;
    shorter.planBytes = bytes;
    shorter.fileBytes = head.size();
    std::memcpy(head.data(), &shorter, sizeof(shorter));
    rehashPlan(head);
    ASSERT_NE(loadError(std::move(head)), "") << bytes;
  }
}

/// Flips up to 4 bits of the plan, or overwrites a word of it with an extreme value.
void damage(std::vector<std::byte> &file, const abi::FileHeader &h, std::mt19937_64 &random) {
  auto anywhere = [&] { return h.planOffset + random() % h.planBytes; };
  if (random() % 2) {
    for (uint64_t i = 0, n = 1 + random() % 4; i < n; ++i) file[anywhere()] ^= std::byte(1 << random() % 8);
    return;
  }
  static constexpr uint64_t kExtremes[] = {
      0, 1, 0x7fffffff, 0x80000000, 0xffffffff, ~uint64_t(0), uint64_t(1) << 63, 64};
  uint64_t value = kExtremes[random() % std::size(kExtremes)];
  uint64_t width = uint64_t(1) << random() % 4, at = anywhere() / width * width;
  std::memcpy(file.data() + at, &value, std::min(width, h.planOffset + h.planBytes - at));
}

TEST(ArtifactFile, DamagedPlansGiveAnErrorOrAValidArtifact) {
  auto file = validFile();
  abi::FileHeader h;
  std::memcpy(&h, file.data(), sizeof(h));
  std::mt19937_64 random(1);
  int rejected = 0, rounds = 20000;
  for (int i = 0; i < rounds; ++i) {
    auto damaged = file;
    damage(damaged, h, random);
    rehashPlan(damaged);
    int exitCode = kBadInput;
    rejected += !loadError(std::move(damaged), &exitCode).empty();
    ASSERT_EQ(exitCode, kBadInput);
  }
  EXPECT_GT(rejected, rounds / 2);
  EXPECT_LT(rejected, rounds); // some damage is harmless: labels, padding
}

TEST(ArtifactFile, DamagedFilesGiveAnError) {
  auto file = validFile();
  abi::FileHeader h;
  std::memcpy(&h, file.data(), sizeof(h));
  for (uint64_t bit = 0; bit < (h.planOffset + h.planBytes) * 8; ++bit) {
    if (bit / 8 >= sizeof(h) && bit / 8 < h.planOffset) continue; // padding
    auto damaged = file;
    damaged[bit / 8] ^= std::byte(1 << bit % 8);
    ASSERT_NE(loadError(std::move(damaged)), "") << bit;
  }
}

} // namespace
} // namespace drawloom::test
