// Data sets as bytes: CIFAR-10's batches, PNG files, sound, and the cache of what was decoded.
#include "runtime/data/Audio.h"
#include "runtime/data/Cache.h"
#include "runtime/data/Images.h"
#include "runtime/data/MuLaw.h"
#include "runtime/data/Png.h"
#include "runtime/data/Statistics.h"
#include "runtime/support/File.h"
#include "test/train/FakeModel.h"
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace drawloom::test {
namespace {

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

std::vector<uint8_t> bytesOf(const DataSet &data, uint64_t start, size_t count) {
  std::vector<uint8_t> out(count);
  EXPECT_EQ(data.read(start, out), count);
  return out;
}

/// Value of image `image` at a pixel and channel, made up.
uint8_t value(uint64_t image, uint64_t pixel, uint64_t channel) {
  return uint8_t(image * 31 + pixel * 7 + channel * 101);
}

/// A batch file of CIFAR-10 with made-up images, numbered from `first`.
std::string cifarBatch(uint64_t first, uint64_t count, char label = 3) {
  std::string file;
  for (uint64_t image = first; image < first + count; ++image) {
    file += label;
    for (uint64_t c = 0; c < 3; ++c)
      for (uint64_t pixel = 0; pixel < 1024; ++pixel) file += char(value(image, pixel, c));
  }
  return file;
}

/// A folder of its own as cache.
struct DataSetTest : ::testing::Test {
  ScratchFolder folder;
  DataSetTest() { ::setenv("DRAWLOOM_CACHE", (folder / "cache").c_str(), 1); }
  ~DataSetTest() override { ::unsetenv("DRAWLOOM_CACHE"); }
  std::string make(const std::string &name) {
    std::filesystem::create_directories(folder / name);
    return folder / name;
  }
  size_t cached() {
    size_t count = 0;
    for (auto &e : std::filesystem::directory_iterator(folder / "cache"))
      count += e.path().extension() == ".bytes";
    return count;
  }
};

using CifarTest = DataSetTest;

TEST_F(CifarTest, GivesPixelAfterPixelOfAllBatchesInTheOrderOfTheirNumbers) {
  std::string f = make("c");
  writeText(f + "/data_batch_10.bin", cifarBatch(5, 1));
  writeText(f + "/data_batch_2.bin", cifarBatch(3, 2));
  writeText(f + "/data_batch_1.bin", cifarBatch(0, 3));
  writeText(f + "/test_batch.bin", cifarBatch(9, 1));
  auto data = openData("images", f, 0);
  EXPECT_EQ(data->items(), 6u);
  EXPECT_EQ(data->files(), 3u);
  EXPECT_EQ(data->format().image, (ImageShape{32, 32}));
  auto all = bytesOf(*data, 0, size_t(data->size()));
  for (uint64_t k = 0; k < all.size(); ++k) ASSERT_EQ(all[k], value(k / 3072, k % 3072 / 3, k % 3)) << k;
}

TEST_F(CifarTest, ReadsAnyRangeAlsoAcrossImagesAndFiles) {
  std::string f = make("c");
  writeText(f + "/data_batch_1.bin", cifarBatch(0, 1));
  writeText(f + "/data_batch_2.bin", cifarBatch(1, 2));
  auto data = openData("images", f, 0);
  auto all = bytesOf(*data, 0, size_t(data->size()));
  for (uint64_t start : {0, 1, 2, 3070, 3071, 3072, 6143})
    for (size_t count : {1, 2, 5, 3072})
      if (start + count <= all.size())
        EXPECT_EQ(bytesOf(*data, start, count),
                  std::vector<uint8_t>(all.begin() + long(start), all.begin() + long(start + count)));
}

TEST_F(CifarTest, ReadingEndsWithTheData) {
  writeText(folder / "one.bin", cifarBatch(0, 1));
  auto data = openData("images", folder / "one.bin", 0);
  std::vector<uint8_t> out(10);
  EXPECT_EQ(data->read(3070, out), 2u);
  EXPECT_EQ(data->read(3072, out), 0u);
}

TEST_F(CifarTest, AWrongSizeIsBadInputThatNamesTheFile) {
  std::string f = make("c");
  writeText(f + "/data_batch_1.bin", cifarBatch(0, 1));
  writeText(f + "/data_batch_2.bin", cifarBatch(1, 1).substr(1));
  auto text = errorOf(kBadInput, [&] { openData("images", f, 0); });
  EXPECT_SAYS(text, "data_batch_2.bin' has 3072 bytes, expected a multiple of 3073");
  EXPECT_SAYS(text, "hint:");
}

TEST_F(CifarTest, VerifyingFindsWrongLabels) {
  writeText(folder / "x.bin", cifarBatch(0, 2) + cifarBatch(2, 1, 10));
  auto data = openData("images", folder / "x.bin", 0);
  EXPECT_SAYS(errorOf(kBadInput, [&] { data->verify(); }), "image 2 has label 10, expected 0 to 9");
}

Image picture(uint64_t rows, uint64_t columns, uint8_t seed) {
  Image image{{rows, columns}, std::vector<uint8_t>(rows * columns * 3)};
  for (size_t k = 0; k < image.rgb.size(); ++k) image.rgb[k] = uint8_t(k * 13 + seed);
  return image;
}

using PngTest = DataSetTest;

TEST_F(PngTest, WrittenImagesAreReadAgain) {
  Image image = picture(5, 7, 3);
  writePng(folder / "a.png", image);
  EXPECT_EQ(pngShape(folder / "a.png"), (ImageShape{5, 7}));
  EXPECT_EQ(readPng(folder / "a.png").rgb, image.rgb);
}

TEST_F(PngTest, AFolderIsReadInTheOrderOfItsPathsAndDecodedOnce) {
  std::string f = make("p/deep");
  writePng(folder / "p/b.PNG", picture(4, 6, 1));
  writePng(f + "/c.png", picture(4, 6, 2));
  writePng(folder / "p/a.png", picture(4, 6, 0));
  writeText(folder / "p/notes.txt", "x");
  for (int run = 0; run < 2; ++run) {
    auto data = openData("images", folder / "p", 0);
    EXPECT_EQ(data->items(), 3u);
    for (uint8_t k = 0; k < 3; ++k) EXPECT_EQ(bytesOf(*data, uint64_t(k) * 72, 72), picture(4, 6, k).rgb);
    EXPECT_EQ(cached(), 1u);
  }
}

TEST_F(PngTest, AChangedFileIsDecodedAgain) {
  writePng(folder / "a.png", picture(4, 6, 0));
  openData("images", folder / "a.png", 0);
  writePng(folder / "a.png", picture(4, 6, 77));
  EXPECT_EQ(bytesOf(*openData("images", folder / "a.png", 0), 0, 72), picture(4, 6, 77).rgb);
  EXPECT_EQ(cached(), 2u);
}

TEST_F(PngTest, DifferentSizesAreBadInputThatNamesBothFiles) {
  std::string f = make("p");
  writePng(f + "/a.png", picture(4, 6, 0));
  writePng(f + "/b.png", picture(6, 4, 0));
  auto text = errorOf(kBadInput, [&] { openData("images", f, 0); });
  EXPECT_SAYS(text, "b.png' has 6 x 4 pixels");
  EXPECT_SAYS(text, "a.png' has 4 x 6");
  EXPECT_EQ(cached(), 0u);
}

TEST_F(PngTest, ADamagedFileIsBadInputThatNamesIt) {
  writePng(folder / "a.png", picture(40, 60, 0));
  std::string whole = readTextFile(folder / "a.png");
  writeText(folder / "cut.png", whole.substr(0, whole.size() / 2));
  EXPECT_SAYS(errorOf(kBadInput, [&] { openData("images", folder / "cut.png", 0); }), "cut.png'");
  writeText(folder / "no.png", "hello");
  EXPECT_SAYS(errorOf(kBadInput, [&] { openData("images", folder / "no.png", 0); }),
              "cannot read the image '" + (folder / "no.png"));
}

TEST_F(PngTest, AFolderWithoutImagesSaysWhatItHas) {
  std::string f = make("p");
  writeText(f + "/data_batch_1.bin.xz", "x");
  auto text = errorOf(kBadInput, [&] { openData("images", f, 0); });
  EXPECT_SAYS(text, "holds no images: it has data_batch_1.bin.xz");
  EXPECT_SAYS(text, "hint:");
}

TEST_F(PngTest, ACacheThatCannotBeWrittenIsAnIoErrorWithAHint) {
  writePng(folder / "a.png", picture(4, 6, 0));
  writeText(folder / "file", "x");
  ::setenv("DRAWLOOM_CACHE", (folder / "file/cache").c_str(), 1);
  EXPECT_SAYS(errorOf(kIo, [&] { openData("images", folder / "a.png", 0); }), "set DRAWLOOM_CACHE");
}

TEST(MuLawTest, EveryCodeStandsForASampleOfItsOwn) {
  for (int code = 0; code < 256; ++code) {
    EXPECT_EQ(encodeMuLaw(decodeMuLaw(uint8_t(code))), code);
    if (code > 0) EXPECT_GT(decodeMuLaw(uint8_t(code)), decodeMuLaw(uint8_t(code - 1)));
  }
}

TEST(MuLawTest, IsFineWhereSoundIsQuietAndClipsOutside) {
  EXPECT_EQ(encodeMuLaw(0), 128);
  EXPECT_EQ(encodeMuLaw(1), 255);
  EXPECT_EQ(encodeMuLaw(-1), 0);
  EXPECT_EQ(encodeMuLaw(7.5f), 255);
  EXPECT_EQ(encodeMuLaw(-7.5f), 0);
  for (float x : {0.001f, 0.01f, 0.1f, 0.9f}) EXPECT_NEAR(decodeMuLaw(encodeMuLaw(x)), x, 0.023 * x + 2e-4);
}

/// A WAV file of 16-bit samples.
std::string wav(int rate, int channels, const std::vector<int16_t> &samples) {
  std::string data(reinterpret_cast<const char *>(samples.data()), samples.size() * 2);
  auto u32 = [](uint64_t x) { return std::string{char(x), char(x >> 8), char(x >> 16), char(x >> 24)}; };
  auto u16 = [](int x) { return std::string{char(x), char(x >> 8)}; };
  return "RIFF" + u32(36 + data.size()) + "WAVEfmt " + u32(16) + u16(1) + u16(channels) +
         u32(uint64_t(rate)) + u32(uint64_t(rate * channels * 2)) + u16(channels * 2) + u16(16) + "data" +
         u32(data.size()) + data;
}

std::vector<int16_t> sine(double frequency, int rate, double seconds, double amplitude) {
  std::vector<int16_t> out;
  for (int k = 0; k < int(rate * seconds); ++k)
    out.push_back(
        int16_t(std::lround(amplitude * 32767 * std::sin(2 * std::numbers::pi * frequency * k / rate))));
  return out;
}

using AudioTest = DataSetTest;

TEST_F(AudioTest, CodesSurviveAWavFile) {
  std::vector<uint8_t> codes;
  for (int k = 0; k < 1000; ++k) codes.push_back(uint8_t(k * 7));
  writeWav(folder / "a.wav", codes, 12000);
  auto data = openData("audio", folder / "a.wav", 12000);
  ASSERT_EQ(data->size(), 1000u);
  EXPECT_EQ(bytesOf(*data, 0, 1000), codes);
}

TEST_F(AudioTest, ChannelsAreMixed) {
  std::vector<int16_t> stereo;
  for (int k = 0; k < 500; ++k) stereo.insert(stereo.end(), {16384, 8192}); // 0.5 and 0.25
  writeText(folder / "s.wav", wav(12000, 2, stereo));
  auto data = openData("audio", folder / "s.wav", 12000);
  ASSERT_EQ(data->size(), 500u);
  EXPECT_EQ(bytesOf(*data, 100, 1)[0], encodeMuLaw(0.375f));
}

TEST_F(AudioTest, RatesAreChangedWithoutChangingTheSound) {
  for (int rate : {8000, 24000, 44100}) {
    std::string file = folder / fmt::format("{}.wav", rate);
    writeText(file, wav(rate, 1, sine(440, rate, 1, 0.5)));
    auto data = openData("audio", file, 12000);
    EXPECT_NEAR(double(data->size()), 12000, 2) << rate;
    auto codes = bytesOf(*data, 0, size_t(data->size()));
    double error = 0;
    for (size_t k = 1000; k < 11000; ++k) {
      double expected = 0.5 * std::sin(2 * std::numbers::pi * 440 * double(k) / 12000);
      error = std::max(error, std::abs(double(decodeMuLaw(codes[k])) - expected));
    }
    EXPECT_LT(error, 0.03) << rate; // two steps of mu-law at this height
  }
}

TEST_F(AudioTest, WhatLiesAboveHalfTheRateIsFilteredOut) {
  writeText(folder / "high.wav", wav(44100, 1, sine(9000, 44100, 1, 0.5)));
  auto data = openData("audio", folder / "high.wav", 12000);
  auto h = together(measure(*data, {1000, 11000}));
  EXPECT_LT(loudness(h).peak, -40);
}

TEST_F(AudioTest, AFolderIsOneSoundAndDecodedOnceARate) {
  std::string f = make("m");
  writeWav(f + "/b.wav", std::vector<uint8_t>(50, 200), 12000);
  writeWav(f + "/a.wav", std::vector<uint8_t>(30, 60), 12000);
  writeText(f + "/readme.txt", "x");
  for (int run = 0; run < 2; ++run) {
    auto data = openData("audio", f, 12000);
    EXPECT_EQ(data->size(), 80u);
    EXPECT_EQ(data->files(), 2u);
    EXPECT_EQ(bytesOf(*data, 29, 2), (std::vector<uint8_t>{60, 200}));
    EXPECT_EQ(cached(), 1u);
  }
  openData("audio", f, 6000);
  EXPECT_EQ(cached(), 2u);
}

TEST_F(AudioTest, WhatIsNoSoundIsBadInputThatNamesIt) {
  writeText(folder / "x.ogg", someText(500));
  auto text = errorOf(kBadInput, [&] { openData("audio", folder / "x.ogg", 12000); });
  EXPECT_SAYS(text, "cannot read the sound file '" + (folder / "x.ogg"));
  EXPECT_EQ(cached(), 0u);
}

TEST_F(AudioTest, ARateFarFromTheModelsIsRefusedBeforeMemoryIsTakenForIt) {
  writeText(folder / "slow.wav", wav(1, 1, {1, 2, 3}));
  auto text = errorOf(kBadInput, [&] { openData("audio", folder / "slow.wav", 12000); });
  EXPECT_SAYS(text, "by a factor of 1.2e+04: at most 256 and at least its inverse");
}

TEST_F(AudioTest, AFileWithoutSamplesIsBadInput) {
  writeText(folder / "x.wav", wav(12000, 1, {}));
  EXPECT_SAYS(errorOf(kBadInput, [&] { openData("audio", folder / "x.wav", 12000); }),
              "x.wav' holds no samples");
}

TEST_F(AudioTest, AFolderWithoutSoundSaysWhatItHas) {
  std::string f = make("m");
  EXPECT_SAYS(errorOf(kBadInput, [&] { openData("audio", f, 12000); }),
              "holds no sound files: it has nothing");
}

using KindTest = DataSetTest;

TEST_F(KindTest, IsGuessedByTheNamesOfTheFiles) {
  std::string p = make("p"), c = make("c"), m = make("m");
  writeText(p + "/a.png", "");
  writeText(c + "/data_batch_1.bin", "");
  writeText(m + "/a.ogg", "");
  writeText(folder / "t.txt", "");
  EXPECT_EQ(guessKind(p), "images");
  EXPECT_EQ(guessKind(c), "images");
  EXPECT_EQ(guessKind(m), "audio");
  EXPECT_EQ(guessKind(folder / "t.txt"), "text");
}

TEST_F(KindTest, NothingThereIsMissingInputOfEveryKind) {
  for (const char *kind : {"text", "images", "audio"})
    EXPECT_SAYS(errorOf(kMissingInput, [&] { openData(kind, folder / "none", 12000); }),
                "none' does not exist");
}

TEST_F(KindTest, AFolderIsNoText) {
  errorOf(kBadInput, [&] { openData("text", folder.path, 0); });
}

TEST(StatisticsTest, ComeFromTheCounts) {
  Histogram h;
  h.counts[10] = 3;
  h.counts[20] = 1;
  EXPECT_DOUBLE_EQ(h.mean(), 12.5);
  EXPECT_NEAR(h.deviation(), std::sqrt(18.75), 1e-12);
  EXPECT_NEAR(h.entropy(), 0.75 * std::log2(4 / 3.0) + 0.25 * 2, 1e-12);
  EXPECT_DOUBLE_EQ(h.share(20, 255), 0.25);
}

TEST(StatisticsTest, ChannelsOfImagesAreCountedApart) {
  std::vector<uint8_t> bytes{1, 2, 3, 4, 5, 6};
  FlatData image("x", {.kind = "images", .itemBytes = 6, .image = {1, 2}}, bytes);
  auto channels = measure(image, {0, 6});
  ASSERT_EQ(channels.size(), 3u);
  EXPECT_DOUBLE_EQ(channels[0].mean(), 2.5);
  EXPECT_DOUBLE_EQ(channels[2].mean(), 4.5);
  EXPECT_EQ(together(channels).total(), 6u);
}

} // namespace
} // namespace drawloom::test
