// The model builder: parameter counts, names, roles, attributes and the shape of the four functions.
#include "dialect/ir/Dialect.h"
#include "frontend/build/BuildModel.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>
#include <cmath>
#include <filesystem>

using namespace drawloom;
using namespace mlir;

namespace {

const char *kBase = R"toml([model]
n = 50
layers = 2
heads = 2
d = 24
[attention]
pattern = "fixed(16, c=4)"
)toml";

struct Built {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
  explicit Built(const std::vector<std::string> &sets = {}, const std::string &text = kBase) {
    module = buildModel(context, spec::Spec::parse(text, "base.toml", sets));
  }
  func::FuncOp function(StringRef name) { return module->lookupSymbol<func::FuncOp>(name); }
  template <class Op> std::vector<Op> ops(StringRef name) {
    std::vector<Op> out;
    function(name).walk([&](Op op) { out.push_back(op); });
    return out;
  }
};

std::vector<std::string> names(func::FuncOp f, bool results) {
  std::vector<std::string> out;
  unsigned count = results ? f.getNumResults() : f.getNumArguments();
  for (unsigned k = 0; k < count; ++k) {
    auto attr = results ? f.getResultAttrOfType<StringAttr>(k, "drawloom.name")
                        : f.getArgAttrOfType<StringAttr>(k, "drawloom.name");
    out.push_back(attr ? attr.getValue().str() : "");
  }
  return out;
}

Network network(const std::vector<std::string> &sets = {}) {
  return makeNetwork(spec::Spec::parse(kBase, "base.toml", sets));
}

const ParameterInfo &parameter(const Network &net, const std::string &name) {
  for (auto &p : net.parameters)
    if (p.name == name) return p;
  throw std::runtime_error("no parameter " + name);
}

template <class T> std::vector<T> tail(const std::vector<T> &v, size_t count) {
  return {v.end() - std::min(count, v.size()), v.end()};
}

Network modelNamed(const std::string &name) {
  return makeNetwork(spec::Spec::load(DRAWLOOM_SOURCE_DIR "/models/" + name + ".toml"));
}

TEST(Parameters, ThePapersModelsHaveItsNumbersOfParameters) {
  // Biases everywhere, one more token for the start symbol, position tables as in section 5.3.
  EXPECT_EQ(modelNamed("cifar10").parameterCount(), 59'197'184) << "59.20 M";
  EXPECT_EQ(modelNamed("enwik8").parameterCount(), 94'950'144) << "94.95 M";
  EXPECT_EQ(modelNamed("imagenet64").parameterCount(), 151'645'440) << "151.64 M";
  EXPECT_EQ(modelNamed("imagenet64-300m").parameterCount(), 302'959'872) << "302.96 M";
}
TEST(Parameters, ThePapersSoundModelsHaveItsNumbersBesideThePositions) {
  auto millions = [](const std::string &name) {
    Network net = modelNamed(name);
    int64_t count = net.parameterCount();
    for (const ParameterInfo &p : net.parameters)
      if (p.name.starts_with("embed.pos")) count -= p.elements();
    return std::lround(double(count) / 1e6);
  };
  EXPECT_EQ(millions("audio-65k"), 152);
  EXPECT_EQ(millions("audio-262k"), 25);
  EXPECT_EQ(millions("audio-1m"), 3);
}
TEST(Parameters, SmallModelsHaveAboutAMillion) {
  for (auto name : {"cifar10-small", "music-small"})
    EXPECT_NEAR(double(modelNamed(name).parameterCount()), 1e6, 0.4e6) << name;
}
TEST(Parameters, EverySpecOfModelsIsValid) {
  int count = 0;
  for (auto &file : std::filesystem::directory_iterator(DRAWLOOM_SOURCE_DIR "/models")) {
    EXPECT_NO_THROW(makeNetwork(spec::Spec::load(file.path()))) << file.path();
    ++count;
  }
  EXPECT_GE(count, 13);
}
TEST(Parameters, PaperInitialValues) {
  Network net = network();
  EXPECT_DOUBLE_EQ(parameter(net, "embed.token").init.stddev, 0.125 / std::sqrt(24.0));
  EXPECT_DOUBLE_EQ(parameter(net, "embed.pos1").init.stddev, 0.125 / std::sqrt(24.0 * 2));
  EXPECT_DOUBLE_EQ(parameter(net, "layers.0.qkv.weight").init.stddev, 0.125 / std::sqrt(24.0));
  EXPECT_DOUBLE_EQ(parameter(net, "layers.0.proj.weight").init.stddev, 0.125 / std::sqrt(24.0) / 2);
  EXPECT_DOUBLE_EQ(parameter(net, "layers.1.ff2.weight").init.stddev, 0.125 / std::sqrt(96.0) / 2);
  EXPECT_EQ(parameter(net, "out.weight").init.kind, InitialValue::Zeros);
  EXPECT_EQ(parameter(net, "norm.weight").init.kind, InitialValue::Ones);
}
TEST(Parameters, DistaugInitialValues) {
  Network net = network({"model.preset=distaug"});
  EXPECT_DOUBLE_EQ(parameter(net, "embed.token").init.stddev, 0.01);
  EXPECT_DOUBLE_EQ(parameter(net, "embed.pos0").init.stddev, 0.01 / std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(parameter(net, "layers.0.ff1.weight").init.stddev, std::sqrt(0.125 / 24));
  EXPECT_DOUBLE_EQ(parameter(net, "layers.0.ff2.weight").init.stddev, std::sqrt(0.125 / 96) / 2);
}
TEST(Parameters, OnlyMatricesOutsideEmbeddingsDecay) {
  for (const ParameterInfo &p : network().parameters)
    EXPECT_EQ(p.decay, p.shape.size() == 2 && p.name.rfind("embed.", 0) != 0) << p.name;
}
TEST(Parameters, HalfSizeQueriesAndKeysMakeASmallerPackedMatrix) {
  EXPECT_EQ(parameter(network({"model.qk=12"}), "layers.0.qkv.weight").shape,
            (std::vector<int64_t>{12 + 12 + 24, 24}));
}
TEST(Parameters, MatrixEmbeddingIsAsWideAsTheStride) {
  Network net = network();
  EXPECT_EQ(parameter(net, "embed.pos0").shape, (std::vector<int64_t>{4, 24}))
      << "50 positions in rows of 16";
  EXPECT_EQ(parameter(net, "embed.pos1").shape, (std::vector<int64_t>{16, 24}));
}
TEST(Parameters, WithoutAStrideTheMatrixIsASquare) {
  EXPECT_EQ(parameter(network({"attention.pattern=dense"}), "embed.pos1").shape,
            (std::vector<int64_t>{8, 24}));
}
TEST(Parameters, ImageEmbeddingHasRowColumnChannel) {
  Network net = network({"model.embedding=image", "model.embedding_shape=[5, 2, 5]"});
  ASSERT_EQ(net.positions.size(), 3u);
  EXPECT_EQ(net.positions[0].rows, 5);
  EXPECT_EQ(net.positions[0].divisor, 10);
  EXPECT_EQ(net.positions[1].rows, 2);
  EXPECT_EQ(net.positions[1].divisor, 5);
  EXPECT_EQ(net.positions[2].divisor, 1);
}
TEST(BuildModel, HasTheFourFunctions) {
  Built b;
  for (auto name : {"loss", "evaluate", "decode", "update"}) EXPECT_TRUE(b.function(name)) << name;
}
TEST(BuildModel, CarriesTheSpec) {
  Built b;
  auto json = nlohmann::json::parse(
      b.module->getOperation()->getAttrOfType<StringAttr>("drawloom.spec").getValue().str());
  EXPECT_EQ(json["model"]["n"], 50);
  EXPECT_EQ(b.module->getOperation()->getAttrOfType<StringAttr>("drawloom.spec_source").getValue(), kBase);
}
TEST(BuildModel, LossTakesParametersTokensTargetsRng) {
  Built b;
  auto all = names(b.function("loss"), false);
  EXPECT_EQ(all.front(), "embed.token");
  EXPECT_EQ(tail(all, 3), (std::vector<std::string>{"tokens", "targets", "rng"}));
  EXPECT_EQ(all.size(), network().parameters.size() + 3);
  EXPECT_EQ(names(b.function("loss"), true), std::vector<std::string>{"nll"});
  EXPECT_EQ(b.function("loss").getArgAttrOfType<StringAttr>(0, "drawloom.role").getValue(), "parameter");
  EXPECT_TRUE(b.function("loss").getArgAttrOfType<FloatAttr>(0, "drawloom.init"));
}
TEST(BuildModel, EvaluateHasNoRngAndNoDropout) {
  Built b({"model.dropout=0.5"});
  EXPECT_EQ(tail(names(b.function("evaluate"), false), 2), (std::vector<std::string>{"tokens", "targets"}));
  EXPECT_TRUE(b.ops<DropoutOp>("evaluate").empty());
  EXPECT_TRUE(b.ops<DropoutOp>("decode").empty());
}
TEST(BuildModel, EveryBranchHasItsOwnDropoutSite) {
  Built b({"model.dropout=0.5"});
  std::vector<int64_t> sites;
  for (auto op : b.ops<DropoutOp>("loss")) sites.push_back(op.getSite());
  EXPECT_EQ(sites, (std::vector<int64_t>{0, 1, 2, 3}));
}
TEST(BuildModel, NoDropoutOpAtRateZero) { EXPECT_TRUE(Built().ops<DropoutOp>("loss").empty()); }
TEST(BuildModel, OpsNameTheirSegment) {
  Built b;
  std::vector<std::string> segments;
  b.function("loss").walk([&](Operation *op) {
    auto s = op->getAttrOfType<StringAttr>(kSegmentAttr);
    if (s && (segments.empty() || segments.back() != s.getValue())) segments.push_back(s.getValue().str());
  });
  EXPECT_EQ(segments, (std::vector<std::string>{"layers.0.attention", "layers.0.ff", "layers.1.attention",
                                                "layers.1.ff"}));
}
TEST(BuildModel, AttentionIsKeptAndLabelled) {
  auto ops = Built().ops<AttentionOp>("loss");
  ASSERT_EQ(ops.size(), 2u);
  Built b({"model.qk=12"});
  auto op = b.ops<AttentionOp>("loss")[1];
  EXPECT_TRUE(op->hasAttr(kKeepAttr));
  EXPECT_EQ(op->getAttrOfType<StringAttr>(kLabelAttr).getValue(), "layers.1.attention");
  EXPECT_DOUBLE_EQ(op.getScale().convertToDouble(), 1 / std::sqrt(6.0))
      << "one over the root of q's channels a head";
}
TEST(BuildModel, LayersTakeTheirPatterns) {
  Built b({"attention.layers=[\"local(8)\", \"j<=i\"]"});
  EXPECT_EQ(b.ops<AttentionOp>("loss")[0].getPattern().getSpelling(), "local(8)");
  EXPECT_NE(b.ops<AttentionOp>("loss")[1].getPattern().getSpelling(), "local(8)");
}
TEST(BuildModel, OpsPointIntoTheSpec) {
  Built b;
  std::string text;
  llvm::raw_string_ostream(text) << b.ops<AttentionOp>("loss")[0].getLoc();
  EXPECT_EQ(text, "loc(\"layers.0.attention\"(\"base.toml\":7:11))");
}
TEST(BuildModel, DecodeKeepsCachesInPlace) {
  Built b({"sample.batch=3", "model.qk=12"});
  EXPECT_EQ(names(b.function("decode"), true),
            (std::vector<std::string>{"logits", "cache.0.k", "cache.0.v", "cache.1.k", "cache.1.v"}));
  auto in = tail(names(b.function("decode"), false), 6);
  EXPECT_EQ(in, (std::vector<std::string>{"cache.0.k", "cache.0.v", "cache.1.k", "cache.1.v", "token",
                                          "position"}));
  auto type = cast<RankedTensorType>(
      b.function("decode").getArgument(b.function("decode").getNumArguments() - 6).getType());
  EXPECT_EQ(type.getShape(), (ArrayRef<int64_t>{3, 50, 12}));
  EXPECT_EQ(cast<RankedTensorType>(b.function("decode").getResultTypes()[0]).getShape(),
            (ArrayRef<int64_t>{3, 1, 256}));
}
TEST(BuildModel, UpdateStepsEveryParameterOnce) {
  Built b;
  size_t parameters = network().parameters.size();
  EXPECT_EQ(b.ops<AdamOp>("update").size(), parameters);
  EXPECT_EQ(b.ops<EmaOp>("update").size(), 0u);
  EXPECT_EQ(names(b.function("update"), false).size(), 4 * parameters + 1);
  EXPECT_EQ(names(b.function("update"), true).size(), 4 * parameters + 1);
  EXPECT_EQ(names(b.function("update"), true).back(), "grad_norm");
  EXPECT_EQ(names(b.function("update"), true)[3 * parameters], "embed.token.grad");
}
TEST(BuildModel, UpdateKeepsAMovingAverageIfAsked) {
  Built b({"train.ema=0.99"});
  size_t parameters = network().parameters.size();
  EXPECT_EQ(b.ops<EmaOp>("update").size(), parameters);
  EXPECT_EQ(names(b.function("update"), true)[3 * parameters], "embed.token.ema");
}
TEST(BuildModel, PrintsAndReadsBack) {
  Built b;
  std::string text;
  llvm::raw_string_ostream(text) << *b.module;
  auto again = parseSourceString<ModuleOp>(text, &b.context);
  ASSERT_TRUE(again);
  std::string second;
  llvm::raw_string_ostream(second) << *again;
  EXPECT_EQ(text, second);
}
TEST(BuildModel, ImageEmbeddingBuilds) {
  Built b({"model.embedding=image", "model.embedding_shape=[5, 2, 5]"});
  EXPECT_EQ(b.ops<EmbedOp>("loss")[0].getDivisors(), (ArrayRef<int64_t>{10, 5, 1}));
}
TEST(BuildAttention, ForwardAndBackward) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  auto module = buildAttention(context, {"local(8)", 2, 33, 2, 16, 32});
  EXPECT_EQ(names(module->lookupSymbol<func::FuncOp>("attention"), true),
            (std::vector<std::string>{"out.0", "lse.0"}));
  EXPECT_EQ(names(module->lookupSymbol<func::FuncOp>("attention_grad"), true),
            (std::vector<std::string>{"dq.0", "dk.0", "dv.0"}));
}

} // namespace
