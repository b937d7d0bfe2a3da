// Training, evaluation and sampling of models of images and of sound, on the small analytic model.
#include "runtime/data/Audio.h"
#include "runtime/data/Png.h"
#include "runtime/support/File.h"
#include "runtime/train/Commands.h"
#include "runtime/train/ModelData.h"
#include "runtime/train/RunLog.h"
#include "test/train/FakeModel.h"
#include <cstdlib>
#include <set>
#include <sstream>

namespace drawloom::test {
namespace {

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

constexpr uint64_t kRows = 4, kColumns = 2, kBytes = 24;

/// Twenty made-up PNG files, 16 of them for training.
struct ImageModelTest : ::testing::Test {
  ScratchFolder folder;
  FakeSettings settings;
  TrainOptions options;
  std::vector<std::string> images;

  ImageModelTest() {
    ::setenv("DRAWLOOM_CACHE", (folder / "cache").c_str(), 1);
    settings.n = int64_t(kBytes);
    settings.kind = "images";
    settings.extraModel = R"(, "embedding": "image", "embedding_shape": [4, 2, 3])";
    settings.data = folder / "images";
    settings.split = "[16, 3, 1]";
    settings.sampleBatch = 3;
    std::filesystem::create_directory(settings.data);
    for (int k = 0; k < 20; ++k) {
      Image image{{kRows, kColumns}, {}};
      for (uint64_t b = 0; b < kBytes; ++b) image.rgb.push_back(uint8_t(k * 5 + int(b) % 3));
      images.emplace_back(image.rgb.begin(), image.rgb.end());
      writePng(fmt::format("{}/{:02}.png", settings.data, k), image);
    }
    options.out = folder / "run";
    options.quiet = true;
  }
  ~ImageModelTest() override { ::unsetenv("DRAWLOOM_CACHE"); }
  /// A run to sample from.
  void train(FakeModel &m) { EXPECT_EQ(trainCommand(m, options), 0); }
  SampleOptions sampling(const std::string &sheet, int count) {
    SampleOptions o;
    o.out = options.out;
    o.count = count;
    if (!sheet.empty()) o.sheet = folder / sheet;
    return o;
  }
  static std::string errorText(int code, TrainableProgram &m, const SampleOptions &o) {
    return errorOf(code, [&] { sampleCommand(m, o); });
  }
};

TEST_F(ImageModelTest, EveryRowOfABatchIsOneWholeImageAndAnEpochSeesEachOnce) {
  settings.train = R"("steps": 8, "lr": 0.01)";
  FakeModel m(settings);
  std::multiset<std::string> seen;
  m.before = [&](std::string_view f) {
    if (f != "gradient") return;
    auto targets = m.view<int32_t>("targets", 2 * kBytes);
    for (size_t row = 0; row < 2; ++row)
      seen.emplace(targets.begin() + long(row * kBytes), targets.begin() + long((row + 1) * kBytes));
  };
  train(m);
  EXPECT_EQ(seen, (std::multiset<std::string>(images.begin(), images.begin() + 16)));
}

TEST_F(ImageModelTest, EpochsCountImages) {
  settings.train = R"("epochs": 3, "lr": 0.01)";
  FakeModel m(settings);
  int updates = 0;
  m.after = [&](std::string_view f) { updates += f == "update"; };
  train(m);
  EXPECT_EQ(updates, 24);
}

TEST_F(ImageModelTest, StopAndResumeGivesTheSameBits) {
  FakeModel whole(settings);
  train(whole);
  for (int64_t stop : {1, 7, 11}) {
    auto o = options;
    o.out = folder / fmt::format("stop{}", stop);
    o.stopAfter = stop;
    FakeModel first(settings), second(settings);
    trainCommand(first, o);
    o.stopAfter.reset();
    o.resume = "latest";
    trainCommand(second, o);
    EXPECT_EQ(second.all(), whole.all());
  }
}

TEST_F(ImageModelTest, ChangedImagesAreRejectedWhenResuming) {
  FakeModel m(settings);
  train(m);
  std::filesystem::remove(settings.data + "/19.png");
  settings.split = "[16, 3, 0]";
  FakeModel again(settings);
  options.resume = "latest";
  EXPECT_SAYS(errorOf(kBadInput, [&] { trainCommand(again, options); }), "is not the data that");
}

TEST_F(ImageModelTest, LossesAreBitsPerDimension) {
  settings.run = R"("log_every": 2, "eval_every": 12)";
  FakeModel m(settings);
  train(m);
  std::string log = readTextFile(options.out + "/" + kLogFile);
  EXPECT_SAYS(log, "\"bits_per_dim\"");
  EXPECT_EQ(log.find("bits_per_byte"), std::string::npos);
  EvalOptions e;
  e.out = options.out;
  e.json = true;
  testing::internal::CaptureStdout();
  evalCommand(m, e);
  Json report = Json::parse(testing::internal::GetCapturedStdout());
  EXPECT_EQ(report["bytes"], 3 * kBytes);
  EXPECT_EQ(report["windows"], 3);
  EXPECT_GT(double(report["bits_per_dim"]), 0);
}

TEST_F(ImageModelTest, ImagesOfAnotherSizeAreRejected) {
  settings.extraModel = R"(, "embedding_shape": [2, 4, 3])";
  FakeModel m(settings);
  EXPECT_SAYS(errorOf(kBadInput, [&] { trainCommand(m, options); }),
              "have 4 x 2 pixels (rows x columns), but the model reads 2 x 4");
}

TEST_F(ImageModelTest, ASplitCountsImages) {
  settings.split = "[19, 2, 0]";
  FakeModel m(settings);
  EXPECT_SAYS(errorOf(kBadInput, [&] { trainCommand(m, options); }), "= 21 images, but the data has 20");
}

TEST_F(ImageModelTest, SamplesMakeASheet) {
  FakeModel m(settings);
  train(m);
  EXPECT_EQ(sampleCommand(m, sampling("sheet.png", 7)), 0); // in batches of three
  // 7 cells of 4 x 2 pixels: sqrt(7 * 4 / 2) = 3.7, so 4 columns and 2 lines, with gaps of a pixel.
  EXPECT_EQ(pngShape(folder / "sheet.png"), (ImageShape{2 * 5 + 1, 4 * 3 + 1}));
}

TEST_F(ImageModelTest, SamplesAreTheSameOnASheetAndInFiles) {
  FakeModel m(settings);
  train(m);
  auto o = sampling("sheet.png", 2);
  o.outFile = folder / "one.png";
  sampleCommand(m, o);
  Image sheet = readPng(folder / "sheet.png"), first = readPng(folder / "one-1.png");
  EXPECT_EQ(first.shape, (ImageShape{kRows, kColumns}));
  EXPECT_TRUE(std::filesystem::exists(folder / "one-2.png"));
  for (uint64_t r = 0; r < kRows; ++r)
    for (uint64_t b = 0; b < kColumns * 3; ++b)
      EXPECT_EQ(sheet.rgb[((r + 1) * sheet.shape.columns + 1) * 3 + b], first.rgb[r * kColumns * 3 + b]);
}

TEST_F(ImageModelTest, CompletionsBeginWithTheRowsOfHeldOutImages) {
  FakeModel m(settings);
  train(m);
  auto o = sampling("", 3);
  o.complete = 2;
  o.outFile = folder / "c.png";
  sampleCommand(m, o);
  for (int k = 0; k < 3; ++k) {
    Image image = readPng(folder / fmt::format("c-{}.png", k + 1));
    std::string got(image.rgb.begin(), image.rgb.begin() + 12);
    EXPECT_EQ(got, images[size_t(16 + k)].substr(0, 12));
  }
}

TEST_F(ImageModelTest, ASheetOfCompletionsShowsGivenCompletedAndOriginal) {
  FakeModel m(settings);
  train(m);
  auto o = sampling("c.png", 1);
  o.complete = 1;
  sampleCommand(m, o);
  Image sheet = readPng(folder / "c.png");
  ASSERT_EQ(sheet.shape, (ImageShape{6, 3 * 3 + 1}));
  auto pixel = [&](uint64_t row, uint64_t column) {
    return sheet.rgb[(row * sheet.shape.columns + column) * 3];
  };
  uint8_t original = uint8_t(images[16][0]);
  for (uint64_t cell = 0; cell < 3; ++cell) EXPECT_EQ(pixel(1, 1 + 3 * cell), original);
  EXPECT_NE(pixel(4, 1), original); // not given
  EXPECT_EQ(pixel(4, 7), original);
}

TEST_F(ImageModelTest, SamplesWithoutAFileAreAUsageError) {
  FakeModel m(settings);
  EXPECT_SAYS(errorText(kUsage, m, sampling("", 1)), "hint: --sheet FILE.png");
}

TEST_F(ImageModelTest, OptionsOfOtherKindsAreUsageErrors) {
  FakeModel m(settings);
  auto prompt = sampling("s.png", 1), length = prompt, complete = prompt;
  prompt.prompt = "x";
  length.length = 5;
  complete.complete = 4;
  EXPECT_SAYS(errorText(kUsage, m, prompt), "--prompt is for models of text");
  EXPECT_SAYS(errorText(kUsage, m, length), "--length");
  EXPECT_SAYS(errorText(kUsage, m, complete), "--complete 4: expected 1 to 3 rows (of 4)");
  FakeModel text({});
  EXPECT_SAYS(errorText(kUsage, text, sampling("s.png", 1)),
              "--sheet is for models of images; this one is of text");
}

TEST_F(ImageModelTest, AFileThatCannotBeWrittenIsFoundBeforeDrawing) {
  FakeModel m(settings);
  errorText(kIo, m, sampling("none/s.png", 1));
  EXPECT_EQ(m.cleared, 0);
}

TEST(SoundModelTest, TrainsOnSoundAndWritesWav) {
  ScratchFolder folder;
  ::setenv("DRAWLOOM_CACHE", (folder / "cache").c_str(), 1);
  std::vector<uint8_t> codes;
  for (int k = 0; k < 2000; ++k) codes.push_back(uint8_t(100 + k % 50));
  writeWav(folder / "a.wav", codes, 12000);
  FakeModel m({.n = 64, .data = folder / "a.wav", .kind = "audio"});
  TrainOptions o;
  o.out = folder / "run";
  o.quiet = true;
  EXPECT_EQ(trainCommand(m, o), 0);
  SampleOptions s;
  s.out = o.out;
  s.outFile = folder / "out.wav";
  EXPECT_EQ(sampleCommand(m, s), 0);
  EXPECT_EQ(openData("audio", s.outFile, 12000)->size(), 64u);
  s.outFile.clear();
  EXPECT_SAYS(errorOf(kUsage, [&] { sampleCommand(m, s); }), "hint: --out-file FILE.wav");
  ::unsetenv("DRAWLOOM_CACHE");
}

TEST(TextFileTest, TextSamplesGoToFiles) {
  ScratchFolder folder;
  writeText(folder / "text", someText(2000));
  FakeModel m({.n = 32, .data = folder / "text"});
  TrainOptions o;
  o.out = folder / "run";
  o.quiet = true;
  trainCommand(m, o);
  SampleOptions s;
  s.out = o.out;
  s.count = 2;
  s.prompt = "loom";
  s.outFile = folder / "t.txt";
  EXPECT_EQ(sampleCommand(m, s), 0);
  for (const char *name : {"t-1.txt", "t-2.txt"}) {
    std::string text = readTextFile(folder / name);
    EXPECT_EQ(text.size(), 32u);
    EXPECT_EQ(text.substr(0, 4), "loom");
  }
}

TEST(DataCommandTest, ShowsWhatALargeFolderHolds) {
  ScratchFolder folder;
  writeText(folder / "text", "aaaa\nbbbb\n");
  DataOptions o;
  o.input = folder / "text";
  o.json = true;
  testing::internal::CaptureStdout();
  EXPECT_EQ(dataCommand(o), 0);
  Json j = Json::parse(testing::internal::GetCapturedStdout());
  EXPECT_EQ(j["kind"], "text");
  EXPECT_EQ(j["bytes"], 10);
  EXPECT_NEAR(double(j["parts"]["all"]["entropy"]), 0.8 * std::log2(2.5) + 0.2 * std::log2(5.0), 1e-12);
}

TEST(DataCommandTest, OptionsOfFilesAndModelsDoNotMix) {
  DataOptions o;
  o.input = "x";
  o.data = "y";
  EXPECT_SAYS(errorOf(kUsage, [&] { dataCommand(o); }), "--data is for models");
  FakeModel m({});
  DataOptions k;
  k.kind = "images";
  EXPECT_SAYS(errorOf(kUsage, [&] { dataCommand(m.specJson(), k); }), "--kind and --rate are for data files");
}

} // namespace
} // namespace drawloom::test
