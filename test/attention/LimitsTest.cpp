// Every choice of tiles fits the shared memory of a block of the target that it is for.
#include "dialect/pattern/Views.h"
#include "passes/attention/BlockTiles.h"
#include "passes/attention/ViewFacts.h"
#include "passes/attention/gpu/BackwardPlan.h"
#include "passes/attention/gpu/ForwardPlan.h"
#include "passes/tiles/SharedMemory.h"
#include "test/attention/Reference.h"
#include <gtest/gtest.h>
#include <set>

using namespace drawloom;
using namespace drawloom::attention;
using namespace drawloom::test;

namespace {

constexpr int64_t kN = 1024, kHeads = 2, kThreads = 128;

class Limits : public testing::TestWithParam<const char *> {
protected:
  int64_t shared() const { return tiles::sharedMemoryOf(GetParam()); }
  bool isHopper() const { return std::string(GetParam()) == "sm_90a"; }

  /// For every view of some patterns and every pair of head dimensions up to 256.
  void
  forEach(llvm::function_ref<void(const PieceView &, const ViewFacts &, int64_t dQk, int64_t dV)> check) {
    for (const char *text : {"dense", "local(128)", "column(32)", "block(64)", "summary(128, c=32)"})
      for (const PieceView &view : makeViews(parsePattern(text), kN, kHeads, &context)) {
        ViewFacts facts = factsOf(view, kN, kHeads);
        for (int64_t dQk = 16; dQk <= 256; dQk += 16)
          for (int64_t dV : {int64_t(16), dQk, int64_t(256)}) {
            SCOPED_TRACE(testing::Message() << text << ", " << dQk << " and " << dV << " channels");
            check(view, facts, dQk, dV);
          }
      }
  }

  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
};

TEST_P(Limits, BlocksOfScalarTilesFit) {
  forEach([&](const PieceView &view, const ViewFacts &facts, int64_t dQk, int64_t dV) {
    for (auto kernel : {BlockKernel::Forward, BlockKernel::AllGradients, BlockKernel::QueryGradients,
                        BlockKernel::KeyGradients}) {
      BlockWork work{kernel, dQk, dV, facts.slices * kHeads, facts.rows, facts.keys, kThreads, shared()};
      EXPECT_LE(sharedBytes(chooseBlockTiles(view, work).sizes, work), shared());
    }
  });
}

/// All that a tuning is offered.
TEST_P(Limits, ForwardCutsFitAndDiffer) {
  forEach([&](const PieceView &view, const ViewFacts &facts, int64_t dQk, int64_t dV) {
    for (bool continues : {false, true}) {
      ForwardWork work{dQk,       dV,         facts.rows,       facts.keys, facts.slices * kHeads,
                       continues, isHopper(), facts.slices > 1, isHopper()};
      std::set<std::string> texts;
      for (const ForwardCut &cut : forwardCuts(view, work, /*most=*/100)) {
        EXPECT_LE(cut.blocks * sharedBytes(work, cut), shared()) << describeCut(cut);
        int64_t threads = (cut.groups + 1) * 128,
                registers = threads / 128 * std::max<int64_t>(cut.consumerRegisters, 24);
        if (cut.consumerRegisters)
          EXPECT_LE(cut.blocks * (registers - cut.consumerRegisters + 24) * 128, 64 * 1024)
              << describeCut(cut);
        EXPECT_TRUE(texts.insert(describeCut(cut)).second) << describeCut(cut);
      }
    }
  });
}

TEST_P(Limits, OwnersOfGradientsFit) {
  forEach([&](const PieceView &, const ViewFacts &facts, int64_t dQk, int64_t dV) {
    Shape shape{1, kN, kHeads, dQk, dV, 1};
    for (Owner owner : {Owner::Queries, Owner::Keys, Owner::KeysOfK, Owner::KeysOfV}) {
      if (owner == Owner::Keys && !canOwnBoth(shape)) continue;
      for (int64_t met : {64, 1024}) {
        OwnerCut cut = chooseOwnerCut(shape, owner, std::max(facts.rows, facts.keys), met, shared());
        EXPECT_LE(cut.blocks * sharedBytes(shape, owner, cut), shared());
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Targets, Limits, testing::Values("sm_90a", "sm_80"));

TEST(Limits, ASmallerCardGetsSmallerTiles) {
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  PieceView view = makeViews(parsePattern("dense"), kN, kHeads, &context).front();
  Shape shape{1, kN, kHeads, 256, 256, 1};
  auto bytes = [&](const char *target) {
    OwnerCut cut = chooseOwnerCut(shape, Owner::Queries, kN, kN, tiles::sharedMemoryOf(target));
    return cut.blocks * sharedBytes(shape, Owner::Queries, cut);
  };
  EXPECT_GT(bytes("sm_90a"), tiles::sharedMemoryOf("sm_80")) << "or the limit of sm_80 would prove nothing";
  EXPECT_LE(bytes("sm_80"), tiles::sharedMemoryOf("sm_80"));
}

} // namespace
