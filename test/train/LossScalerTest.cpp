// The loss scale alone: when it moves, and that its state is all of it.
#include "runtime/train/LossScaler.h"
#include "test/train/FakeModel.h"

namespace drawloom::test {
namespace {

TEST(LossScalerTest, OffMeansOneForEver) {
  LossScaler s;
  for (int k = 0; k < 5000; ++k) s.good();
  EXPECT_EQ(s.scale(), 1);
  EXPECT_FALSE(s.maySkip());
  EXPECT_TRUE(s.state().is_null());
}

TEST(LossScalerTest, DoublesAfterTwoThousandGoodStepsInARow) {
  LossScaler s(true);
  EXPECT_EQ(s.scale(), 65536);
  for (int k = 0; k < 1999; ++k) s.good();
  EXPECT_EQ(s.scale(), 65536);
  s.good();
  EXPECT_EQ(s.scale(), 131072);
  for (int k = 0; k < 1999; ++k) s.good();
  s.skip();
  EXPECT_EQ(s.scale(), 65536);
  for (int k = 0; k < 1999; ++k) s.good();
  EXPECT_EQ(s.scale(), 65536) << "the count began anew";
}

TEST(LossScalerTest, HalvesDownToTheFloorAndLosesPatience) {
  LossScaler s(true);
  for (int64_t k = 0; k < LossScaler::kPatience; ++k) {
    EXPECT_TRUE(s.maySkip());
    s.skip();
  }
  EXPECT_EQ(s.scale(), 1024);
  EXPECT_FALSE(s.maySkip());
  EXPECT_EQ(s.skipped(), LossScaler::kPatience);
  s.good();
  EXPECT_TRUE(s.maySkip());
  EXPECT_EQ(s.skipped(), LossScaler::kPatience);
}

TEST(LossScalerTest, ItsStateIsAllOfIt) {
  LossScaler s(true);
  for (int k = 0; k < 1500; ++k) s.good();
  s.skip();
  for (int k = 0; k < 1990; ++k) s.good();
  LossScaler other = LossScaler::of(Json::parse(s.state().dump()), true);
  for (int k = 0; k < 10; ++k) {
    s.good();
    other.good();
    EXPECT_EQ(s.state(), other.state());
  }
  EXPECT_EQ(s.scale(), 65536) << "doubled once more after the skipped step";
}

TEST(LossScalerTest, AnotherPrecisionKeepsTheCountOfSkippedSteps) {
  LossScaler s(true);
  s.skip();
  LossScaler off = LossScaler::of(s.state(), false);
  EXPECT_EQ(off.scale(), 1);
  EXPECT_EQ(off.skipped(), 1);
  EXPECT_EQ(LossScaler::of(off.state(), true).scale(), 32768);
}

TEST(LossScalerTest, BeginsWithTheGivenScaleUnlessACheckpointHasOne) {
  EXPECT_EQ(LossScaler::of(nullptr, true, 0x1p30).scale(), 0x1p30);
  EXPECT_EQ(LossScaler::of(nullptr, false, 0x1p30).scale(), 1);
  LossScaler s(true);
  EXPECT_EQ(LossScaler::of(s.state(), true, 0x1p30).scale(), 65536);
  for (double bad : {0.0, 512.0, 3000.0, 0x1p31}) EXPECT_FALSE(LossScaler::isScale(bad)) << bad;
}

TEST(LossScalerTest, AStateThatMakesNoSenseIsRefused) {
  for (const char *text : {R"({"scale": 3.0, "good_steps": 0, "skipped_in_a_row": 0, "skipped": 0})",
                           R"({"scale": 65536.0, "good_steps": -1, "skipped_in_a_row": 0, "skipped": 0})",
                           R"({"scale": 65536.0})", R"("none")"})
    errorOf(kBadInput, [&] { LossScaler::of(Json::parse(text), true); });
}

} // namespace
} // namespace drawloom::test
