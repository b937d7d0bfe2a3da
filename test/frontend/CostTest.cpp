// Costs of a network, counted from its patterns.
#include "frontend/build/Cost.h"
#include <gtest/gtest.h>

using namespace drawloom;

namespace {

const char *kBase = "[model]\nn = 50\nlayers = 2\nheads = 2\nd = 24\n[attention]\npattern = \"dense\"\n";

TEST(Cost, FlopsCountExactPairs) {
  Network net = makeNetwork(spec::Spec::parse(kBase, "base.toml"));
  EXPECT_EQ(pairsOfLayer(net, 0), 2 * 50 * 51 / 2);
  TokenFlops f = flopsPerToken(net);
  EXPECT_DOUBLE_EQ(f.attention, 2 /*layers*/ * 2.0 * 2550 * (12 + 12) / 50);
  EXPECT_DOUBLE_EQ(f.linear, 2 * 2.0 * 24 * (72 + 24 + 192) + 2.0 * 24 * 256);
}

} // namespace
