#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/Weights.h"
#include "runtime/train/InitialWeights.h"
#include "test/train/FakeModel.h"
#include <csignal>
#include <sys/resource.h>

namespace drawloom::test {
namespace {

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

struct CheckpointTest : ::testing::Test {
  ScratchFolder folder;
  std::string out = folder / "run";
  FakeModel model{{}};

  CheckpointTest() {
    std::filesystem::create_directory(out);
    initializeWeights(model.parameters(), 3);
    resetOptimizer(model);
    for (auto &p : model.parameters()) std::fill(p.moment1.begin(), p.moment1.end(), 0.25f);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (auto &e : std::filesystem::directory_iterator(out)) all.push_back(e.path().filename());
    std::sort(all.begin(), all.end());
    return all;
  }
  void overwriteByte(const std::string &path, int64_t offset, char value) {
    std::string text = readTextFile(path);
    text[size_t(offset)] = value;
    writeText(path, text);
  }
};

TEST_F(CheckpointTest, RoundTripRestoresEveryTensorAndTheState) {
  auto before = model.all();
  std::string at = saveCheckpoint(out, 7, model, {{"note", "x"}}, 0);
  EXPECT_EQ(at, out + "/step-00000007");
  for (auto &p : model.parameters())
    for (auto s : {p.value, p.moment1, p.moment2, p.ema}) std::fill(s.begin(), s.end(), -1.0f);
  Json state = loadCheckpoint(at, model);
  EXPECT_EQ(model.all(), before);
  EXPECT_EQ(state["step"], 7);
  EXPECT_EQ(state["note"], "x");
}

TEST_F(CheckpointTest, NothingButWholeCheckpointsIsLeftInTheFolder) {
  saveCheckpoint(out, 1, model, {}, 0);
  saveCheckpoint(out, 2, model, {}, 0);
  EXPECT_EQ(names(), (std::vector<std::string>{"step-00000001", "step-00000002"}));
}

TEST_F(CheckpointTest, KeepsTheNewest) {
  for (int64_t step : {5, 10, 15, 20}) saveCheckpoint(out, step, model, {}, 2);
  EXPECT_EQ(names(), (std::vector<std::string>{"step-00000015", "step-00000020"}));
}

TEST_F(CheckpointTest, LatestIsTheHighestStepNotTheNewestFile) {
  saveCheckpoint(out, 100000000, model, {}, 0); // nine digits
  saveCheckpoint(out, 99999999, model, {}, 0);
  EXPECT_EQ(findCheckpoint(out, "latest"), out + "/step-100000000");
}

TEST_F(CheckpointTest, AnUnfinishedFolderIsNoCheckpoint) {
  std::filesystem::create_directory(out + "/step-00000009");
  std::filesystem::create_directory(out + "/step-what");
  EXPECT_TRUE(listCheckpoints(out).empty());
  auto text = errorOf(kMissingInput, [&] { findCheckpoint(out, "latest"); });
  EXPECT_SAYS(text, "there is no checkpoint in '" + out + "'");
}

TEST_F(CheckpointTest, ARunsFolderStandsForItsLatest) {
  saveCheckpoint(out, 3, model, {}, 0);
  EXPECT_EQ(findCheckpoint("elsewhere", out), out + "/step-00000003");
  errorOf(kMissingInput, [&] { findCheckpoint(out, out + "/step-00000004"); });
}

TEST_F(CheckpointTest, SavingAStepAgainReplacesIt) {
  saveCheckpoint(out, 3, model, {{"note", "old"}}, 0);
  saveCheckpoint(out, 3, model, {{"note", "new"}}, 0);
  EXPECT_EQ(readState(out + "/step-00000003")["note"], "new");
  EXPECT_EQ(names(), (std::vector<std::string>{"step-00000003"}));
}

TEST_F(CheckpointTest, AFullDiskLeavesOlderCheckpointsAndSaysHowMuchIsNeeded) {
  saveCheckpoint(out, 1, model, {}, 1);
  // A limit on the size of files stands for a full disk: writing fails in the middle of the second file.
  auto before = model.all();
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  rlimit small{300 * 1024, old.rlim_max}; // weights take 258 KiB, the optimizer's file three times that
  std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  std::string text = errorOf(kIo, [&] { saveCheckpoint(out, 2, model, {}, 1); });
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, SIG_DFL);
  EXPECT_SAYS(text, "cannot save the checkpoint of step 2 (it takes 2.01 MiB)");
  EXPECT_SAYS(text, "the latest is '" + out + "/step-00000001'");
  EXPECT_EQ(names(), (std::vector<std::string>{"step-00000001"}));
  loadCheckpoint(out + "/step-00000001", model);
  EXPECT_EQ(model.all(), before);
}

TEST_F(CheckpointTest, TooLittleRoomIsSeenBeforeTheFirstStep) {
  auto text = errorOf(kIo, [&] { prepareOutputFolder(out, uint64_t(1) << 60); });
  EXPECT_SAYS(text, "has only");
  EXPECT_SAYS(text, "hint:");
}

TEST_F(CheckpointTest, AnOutputFolderThatCannotBeMadeIsAnIoError) {
  writeText(folder / "file", "x");
  EXPECT_SAYS(errorOf(kIo, [&] { prepareOutputFolder(folder / "file/run", 0); }),
              "cannot create the output folder");
}

TEST_F(CheckpointTest, NoOutputFolderIsAUsageError) {
  errorOf(kUsage, [&] { prepareOutputFolder("", 0); });
}

TEST_F(CheckpointTest, WhatADeadProcessLeftIsRemoved) {
  std::filesystem::create_directory(out + "/.step-00000004.tmp-999999999");
  std::filesystem::create_directory(out + "/.other");
  prepareOutputFolder(out, 0);
  EXPECT_EQ(names(), (std::vector<std::string>{".other"}));
}

TEST_F(CheckpointTest, TruncatedWeightsAreRejected) {
  std::string at = saveCheckpoint(out, 1, model, {}, 0);
  std::filesystem::resize_file(at + "/weights.safetensors", 5000);
  EXPECT_SAYS(errorOf(kBadInput, [&] { loadCheckpoint(at, model); }), "truncated");
}

TEST_F(CheckpointTest, AMissingFileIsMissingInput) {
  std::string at = saveCheckpoint(out, 1, model, {}, 0);
  std::filesystem::remove(at + "/optimizer.safetensors");
  EXPECT_SAYS(errorOf(kMissingInput, [&] { loadCheckpoint(at, model); }), "optimizer.safetensors");
}

TEST_F(CheckpointTest, CorruptStateIsRejected) {
  std::string at = saveCheckpoint(out, 1, model, {}, 0);
  writeText(at + "/state.json", R"({"format": 1, "step": 1, "step": 2})");
  EXPECT_SAYS(errorOf(kBadInput, [&] { readState(at); }), "\"step\" occurs twice");
  writeText(at + "/state.json", R"({"format": 3, "step": 1})");
  EXPECT_SAYS(errorOf(kBadInput, [&] { readState(at); }), "checkpoint format 3, this program reads 2 and 1");
  writeText(at + "/state.json", R"({"format": 1, "step": -1})");
  EXPECT_SAYS(errorOf(kBadInput, [&] { readState(at); }), "no \"step\"");
  writeText(at + "/state.json", "{");
  EXPECT_SAYS(errorOf(kBadInput, [&] { readState(at); }), "not valid JSON");
}

TEST_F(CheckpointTest, AChangeOfTheStateIsSeen) {
  std::string at = saveCheckpoint(out, 1, model, {{"seed", 71}}, 0);
  std::string text = readTextFile(at + "/state.json");
  for (auto [from, to] : {std::pair<std::string, std::string>{"71", "72"},
                          {"\"format\": 2", "\"format\": 1"},
                          {"\"format\": 2", "\"format\": 3"},
                          {"\"hash\"", "\"hush\""}}) {
    std::string changed = text;
    ASSERT_NE(changed.find(from), std::string::npos) << from;
    writeText(at + "/state.json", changed.replace(changed.find(from), from.size(), to));
    errorOf(kBadInput, [&] { readState(at); });
  }
  writeText(at + "/state.json", text + "\n"); // says the same
  EXPECT_EQ(readState(at)["seed"], 71);
}

TEST_F(CheckpointTest, AChangedWeightIsSeenInAFolderAndWelcomeInALoneFile) {
  std::string at = saveCheckpoint(out, 1, model, {}, 0);
  for (const char *file : {"/weights.safetensors", "/optimizer.safetensors"}) {
    auto bytes = readFile(at + file), changed = bytes;
    changed[changed.size() - 2] ^= std::byte(1);
    writeFileAtomically(at + file, std::span<const std::byte>(changed));
    EXPECT_SAYS(errorOf(kBadInput, [&] { loadCheckpoint(at, model); }),
                "does not match its hash in state.json");
    bool averages = std::string_view(file) == "/optimizer.safetensors";
    EXPECT_SAYS(errorOf(kBadInput, [&] { loadWeights(at, model, averages); }), "does not match its hash");
    if (!averages) loadWeights(at + file, model, false);
    writeFileAtomically(at + file, std::span<const std::byte>(bytes));
  }
  loadCheckpoint(at, model);
}

TEST_F(CheckpointTest, ACheckpointWithoutHashesIsRead) {
  std::string at = saveCheckpoint(out, 1, model, {}, 0);
  writeText(at + "/state.json", R"({"format": 1, "step": 1})");
  EXPECT_EQ(loadCheckpoint(at, model)["step"], 1);
}

TEST_F(CheckpointTest, WeightsOfAnotherShapeAreRejected) {
  auto p = model.parameters()[0];
  std::vector<StoredTensor> wrong{tensorOf("table.weight", {256, 257}, p.value),
                                  tensorsOf(model.parameters(), Slot::Value)[1]};
  writeSafetensors(folder / "w.safetensors", wrong);
  EXPECT_SAYS(errorOf(kBadInput, [&] { loadWeights(folder / "w.safetensors", model, false); }),
              "'table.weight' has shape [256, 257], the model's has [257, 256]");
}

TEST_F(CheckpointTest, WeightsOfAnotherTypeAreRejected) {
  std::vector<int32_t> wrong(257 * 256);
  writeSafetensors(folder / "w.safetensors", {tensorOf("table.weight", {257, 256}, std::span(wrong)),
                                              tensorsOf(model.parameters(), Slot::Value)[1]});
  EXPECT_SAYS(errorOf(kBadInput, [&] { loadWeights(folder / "w.safetensors", model, false); }),
              "is I32, expected F32");
}

TEST_F(CheckpointTest, MissingAndSurplusTensorsAreRejected) {
  auto all = tensorsOf(model.parameters(), Slot::Value);
  writeSafetensors(folder / "few.safetensors", {all[0]});
  EXPECT_SAYS(errorOf(kBadInput, [&] { loadWeights(folder / "few.safetensors", model, false); }),
              "no tensor 'bias'");
  all.push_back(all[1]);
  all.back().name = "more";
  writeSafetensors(folder / "many.safetensors", all);
  EXPECT_SAYS(errorOf(kBadInput, [&] { loadWeights(folder / "many.safetensors", model, false); }),
              "has no tensor 'more'");
}

TEST_F(CheckpointTest, AveragesCanBeLoadedAsWeights) {
  for (auto &p : model.parameters()) std::fill(p.ema.begin(), p.ema.end(), 5.0f);
  std::string at = saveCheckpoint(out, 1, model, {}, 0);
  EXPECT_TRUE(hasEma(at));
  loadWeights(at, model, true);
  EXPECT_EQ(model.parameters()[0].value[0], 5.0f);
}

} // namespace
} // namespace drawloom::test
