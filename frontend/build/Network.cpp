#include "frontend/build/Network.h"
#include "dialect/pattern/Pattern.h"
#include <cmath>

namespace drawloom {
namespace {

/// Standard deviations of the two presets. "paper": section 5.3 read literally, N(0, 0.125/sqrt(fan_in)) with
/// that number as the standard deviation. "distaug": sqrt(0.125/fan_in), embeddings 0.01. Both divide the
/// matrices that end a branch by sqrt(2 layers), since 2 layers branches are added up.
struct InitRule {
  bool distaug;
  int64_t layers;
  double matrix(int64_t fanIn) const {
    return distaug ? std::sqrt(0.125 / double(fanIn)) : 0.125 / std::sqrt(double(fanIn));
  }
  double branchEnd(int64_t fanIn) const { return matrix(fanIn) / std::sqrt(2.0 * double(layers)); }
  double token(int64_t d) const { return distaug ? 0.01 : 0.125 / std::sqrt(double(d)); }
  double position(int64_t d, size_t tables) const {
    return distaug ? 0.01 * std::sqrt(1.0 / double(tables)) : 0.125 / std::sqrt(double(d) * double(tables));
  }
};

std::vector<PositionTable> positionTables(const spec::Spec &spec) {
  if (spec.text("model.embedding") == "image") {
    const auto &s = spec.list<int64_t>("model.embedding_shape"); // rows, columns, channels
    return {{s[0], s[1] * s[2]}, {s[1], s[2]}, {s[2], 1}};
  }
  int64_t width = spec.integer("model.embedding_width");
  return {{(spec.integer("model.n") + width - 1) / width, width}, {width, 1}};
}

std::vector<ParameterInfo> makeParameters(const Network &net, const InitRule &rule) {
  std::vector<ParameterInfo> out;
  auto normal = [](double s) { return InitialValue{InitialValue::Normal, s}; };
  auto linear = [&](const std::string &name, int64_t rows, int64_t columns, InitialValue init) {
    out.push_back({name + ".weight", {rows, columns}, init, true});
    out.push_back({name + ".bias", {rows}, {}, false});
  };
  auto norm = [&](const std::string &name) {
    out.push_back({name + ".weight", {net.d}, {InitialValue::Ones}, false});
    out.push_back({name + ".bias", {net.d}, {}, false});
  };
  // One row more than classes: the start symbol.
  out.push_back({"embed.token", {net.vocab + 1, net.d}, normal(rule.token(net.d)), false});
  for (size_t k = 0; k < net.positions.size(); ++k)
    out.push_back({fmt::format("embed.pos{}", k),
                   {net.positions[k].rows, net.d},
                   normal(rule.position(net.d, net.positions.size())),
                   false});
  for (size_t k = 0; k < net.layers.size(); ++k) {
    std::string layer = fmt::format("layers.{}.", k);
    norm(layer + "norm1");
    linear(layer + "qkv", 2 * net.qk + net.d, net.d, normal(rule.matrix(net.d)));
    linear(layer + "proj", net.d, net.d, normal(rule.branchEnd(net.d)));
    norm(layer + "norm2");
    linear(layer + "ff1", net.ff, net.d, normal(rule.matrix(net.d)));
    linear(layer + "ff2", net.d, net.ff, normal(rule.branchEnd(net.ff)));
  }
  norm("norm");
  linear("out", net.vocab, net.d, {});
  return out;
}

} // namespace

int64_t ParameterInfo::elements() const {
  int64_t product = 1;
  for (int64_t extent : shape) product *= extent;
  return product;
}

int64_t Network::parameterCount() const {
  int64_t sum = 0;
  for (const ParameterInfo &p : parameters) sum += p.elements();
  return sum;
}

Network makeNetwork(const spec::Spec &spec) {
  Network net;
  net.name = spec.text("model.name");
  net.n = spec.integer("model.n");
  net.vocab = spec.integer("model.vocab");
  net.heads = spec.integer("model.heads");
  net.d = spec.integer("model.d");
  net.ff = spec.integer("model.ff");
  net.qk = spec.integer("model.qk");
  net.batch = spec.integer("data.batch");
  net.sampleBatch = spec.integer("sample.batch");
  net.dropout = spec.number("model.dropout");
  net.ema = spec.number("train.ema") > 0;
  net.positions = positionTables(spec);
  for (int64_t k = 0; k < spec.integer("model.layers"); ++k) {
    PatternError error;
    auto pattern = Pattern::parse(spec.layerPattern(k), error);
    require(pattern.has_value(), kInternal, "pattern '{}' passed its check but does not parse: {}",
            spec.layerPattern(k), error.str());
    net.layers.push_back({pattern->spelling(), spec.layerPatternPlace(k)});
  }
  net.parameters = makeParameters(net, {spec.text("model.preset") == "distaug", int64_t(net.layers.size())});
  return net;
}

} // namespace drawloom
