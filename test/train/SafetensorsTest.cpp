#include "runtime/checkpoint/Safetensors.h"
#include "test/train/FakeModel.h"
#include <cstring>

namespace drawloom::test {
namespace {

struct Safetensors : ::testing::Test {
  ScratchFolder folder;
  std::string path = folder / "t.safetensors";

  /// A file with any header and data.
  void writeRaw(const std::string &header, size_t dataBytes, int64_t claimed = -1) {
    uint64_t length = claimed < 0 ? header.size() : uint64_t(claimed);
    std::string out(reinterpret_cast<const char *>(&length), 8);
    writeText(path, out + header + std::string(dataBytes, '\1'));
  }
  std::string rejected(int code = kBadInput) {
    return errorOf(code, [&] { SafetensorsFile f(path); });
  }
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(Safetensors, RoundTripKeepsNamesShapesBytesAndMetadata) {
  std::vector<float> a{1, 2, 3, 4, 5, 6};
  std::vector<int32_t> b{7};
  std::vector<float> none;
  writeSafetensors(path,
                   {tensorOf("a", {2, 3}, std::span(a)), tensorOf("b\"ü", {}, std::span(b)),
                    tensorOf("none", {0, 4}, std::span(none))},
                   {{"format", "pt"}});
  SafetensorsFile f(path);
  ASSERT_EQ(f.tensors().size(), 3u);
  EXPECT_EQ(f.find("a")->shape, (std::vector<uint64_t>{2, 3}));
  EXPECT_EQ(f.find("a")->dtype, "F32");
  EXPECT_EQ(std::memcmp(f.find("a")->data.data(), a.data(), 24), 0);
  EXPECT_EQ(f.find("b\"ü")->dtype, "I32");
  EXPECT_TRUE(f.find("none")->data.empty());
  EXPECT_EQ(f.metadata().at("format"), "pt");
  EXPECT_EQ(f.find("c"), nullptr);
}

TEST_F(Safetensors, DataBeginsAtAMultipleOfEight) {
  std::vector<float> a{1};
  for (std::string name : {"a", "ab", "abc", "abcdefgh"}) {
    writeSafetensors(path, {tensorOf(name, {1}, std::span(a))});
    EXPECT_EQ((std::filesystem::file_size(path) - 4) % 8, 0u);
  }
}

TEST_F(Safetensors, SizeIsKnownBeforeWriting) {
  std::vector<float> a(17);
  std::vector<StoredTensor> tensors{tensorOf("a", {17}, std::span(a))};
  writeSafetensors(path, tensors);
  EXPECT_EQ(std::filesystem::file_size(path), safetensorsBytes(tensors));
}

TEST_F(Safetensors, MissingFileIsMissingInput) { rejected(kMissingInput); }

TEST_F(Safetensors, RejectsAFileShorterThanItsLengthField) {
  writeText(path, "abc");
  EXPECT_SAYS(rejected(), "at least 8 bytes");
}

TEST_F(Safetensors, RejectsAnAbsurdHeaderLength) {
  writeRaw("{}", 0, int64_t(1) << 60);
  EXPECT_SAYS(rejected(), "not a safetensors file");
}

TEST_F(Safetensors, RejectsATruncatedHeader) {
  writeRaw("{}", 0, 1000);
  EXPECT_SAYS(rejected(), "truncated");
}

TEST_F(Safetensors, RejectsTruncatedData) {
  writeRaw(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", 12);
  EXPECT_SAYS(rejected(), "truncated");
}

TEST_F(Safetensors, RejectsInvalidJson) {
  writeRaw(R"({"a":)", 4);
  EXPECT_SAYS(rejected(), "not valid JSON");
}

TEST_F(Safetensors, RejectsAKeyThatOccursTwice) {
  writeRaw(
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
      8);
  EXPECT_SAYS(rejected(), "\"a\" occurs twice");
}

TEST_F(Safetensors, RejectsAnUnknownDtype) {
  writeRaw(R"({"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}})", 4);
  EXPECT_SAYS(rejected(), "unknown dtype 'F31'");
}

TEST_F(Safetensors, RejectsAShapeThatDoesNotFitItsBytes) {
  writeRaw(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4);
  EXPECT_SAYS(rejected(), "call for 8 bytes, data_offsets for 4");
}

TEST_F(Safetensors, RejectsAShapeThatOverflows) {
  writeRaw(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}})", 4);
  EXPECT_SAYS(rejected(), "overflows");
}

TEST_F(Safetensors, RejectsANegativeExtent) {
  writeRaw(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4);
  EXPECT_SAYS(rejected(), "whole numbers");
}

TEST_F(Safetensors, RejectsOverlappingTensors) {
  writeRaw(
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
      12);
  EXPECT_SAYS(rejected(), "overlaps");
}

TEST_F(Safetensors, RejectsAHoleBetweenTensors) {
  writeRaw(
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
      12);
  EXPECT_SAYS(rejected(), "unused bytes");
}

TEST_F(Safetensors, RejectsDataThatBelongsToNoTensor) {
  writeRaw(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 8);
  EXPECT_SAYS(rejected(), "belong to no tensor");
}

TEST_F(Safetensors, RejectsAHeaderThatIsNoObject) {
  writeRaw("[1]", 0);
  EXPECT_SAYS(rejected(), "JSON object");
}

TEST_F(Safetensors, EverySingleByteChangeOfTheHeaderIsReadOrRejectedCleanly) {
  std::string good = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  for (size_t k = 0; k < good.size(); ++k)
    for (char c : {'\0', '"', '9', '}', '[', '\xff'}) {
      std::string bad = good;
      bad[k] = c;
      writeRaw(bad, 8);
      try {
        SafetensorsFile f(path);
      } catch (const Error &e) {
        EXPECT_EQ(e.exitCode, kBadInput);
      }
    }
}

} // namespace
} // namespace drawloom::test
