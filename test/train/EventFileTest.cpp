#include "runtime/train/EventFile.h"
#include "runtime/support/File.h"
#include "runtime/train/Crc32c.h"
#include "test/train/FakeModel.h"
#include <cstring>

namespace drawloom::test {
namespace {

// RFC 3720, B.4.
TEST(Crc32cTest, MatchesKnownVectors) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
  EXPECT_EQ(crc32c(""), 0u);
}

TEST(EventFileTest, RecordsFrameTheirMessageWithMaskedCrcs) {
  std::string r = tensorboardRecord("123456789");
  ASSERT_EQ(r.size(), 8 + 4 + 9 + 4u);
  uint64_t length;
  uint32_t crcOfLength, crcOfMessage;
  std::memcpy(&length, r.data(), 8);
  std::memcpy(&crcOfLength, r.data() + 8, 4);
  std::memcpy(&crcOfMessage, r.data() + 21, 4);
  EXPECT_EQ(length, 9u);
  EXPECT_EQ(crcOfLength, maskedCrc32c(r.substr(0, 8)));
  // masked(c) = rotate right by 15, plus 0xa282ead8
  EXPECT_EQ(crcOfMessage, ((0xE3069283u >> 15) | (0xE3069283u << 17)) + 0xA282EAD8u);
  EXPECT_EQ(r.substr(12, 9), "123456789");
}

TEST(EventFileTest, ScalarEventsAreTheBytesThatProtobufWrites) {
  // Event(wall_time=1.0, step=300, summary=Summary(value=[Summary.Value(tag="a", simple_value=0.5)]))
  const unsigned char expected[] = {0x09, 0,    0,    0,    0,    0,    0,   0xF0, 0x3F, 0x10, 0xAC, 0x02,
                                    0x2A, 0x0A, 0x0A, 0x08, 0x0A, 0x01, 'a', 0x15, 0,    0,    0,    0x3F};
  EXPECT_EQ(scalarEvent(1.0, 300, {{"a", 0.5f}}),
            std::string(reinterpret_cast<const char *>(expected), sizeof expected));
}

TEST(EventFileTest, AFileIsASequenceOfSoundRecordsThatBeginsWithTheVersion) {
  ScratchFolder folder;
  {
    EventFile f(folder.path, 5);
    f.add(6, {{"loss", 1.0f}, {"lr", 2.0f}});
  }
  std::string path = std::filesystem::directory_iterator(folder.path)->path();
  std::string all = readTextFile(path);
  std::vector<std::string> messages;
  for (size_t at = 0; at < all.size();) {
    uint64_t length;
    std::memcpy(&length, all.data() + at, 8);
    std::string message = all.substr(at + 12, length);
    EXPECT_EQ(all.substr(at, 16 + length), tensorboardRecord(message));
    messages.push_back(message);
    at += 16 + length;
  }
  ASSERT_EQ(messages.size(), 3u); // version, restart, scalars
  EXPECT_NE(messages[0].find("brain.Event:2"), std::string::npos);
  EXPECT_NE(messages[2].find("loss"), std::string::npos);
}

TEST(EventFileTest, AFolderThatIsNotThereIsAnIoError) {
  errorOf(kIo, [] { EventFile f("/nowhere/at/all", 0); });
}

} // namespace
} // namespace drawloom::test
