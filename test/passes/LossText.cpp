#include "LossText.h"

namespace drawloom::test {

static const std::string kTokens = "tensor<2x7xi32>", kRng = "tensor<2xi64>", kRowType = "tensor<2x7xf32>";

static std::string tensorType(const std::vector<int64_t> &shape) {
  std::string type = "tensor<";
  for (int64_t extent : shape) type += std::to_string(extent) + "x";
  return type + "f32>";
}
static std::string activation(int64_t channels) { return tensorType({2, 7, channels}); }

/// The extent before the last "x": channels of an activation.
static int64_t lastExtent(const std::string &type) {
  size_t end = type.rfind('x');
  size_t begin = type.find_last_of("x<", end - 1) + 1;
  return std::stoll(type.substr(begin, end - begin));
}
/// The first extent: rows of a weight.
static int64_t firstExtent(const std::string &type) { return std::stoll(type.substr(type.find('<') + 1)); }

std::string LossText::parameter(const std::string &name, const std::vector<int64_t> &shape) {
  std::string value = "%" + name, type = types[value] = tensorType(shape);
  parameters += value + ": " + type + " {drawloom.name = \"" + name + "\", drawloom.role = \"parameter\"},\n";
  return value;
}

void LossText::segment(const std::string &name) {
  inSegment = "drawloom.segment = \"" + name + "\", drawloom.label = \"" + name + "\"";
}

std::string LossText::attributes(const std::string &more) const {
  return " {" + inSegment + (inSegment.empty() || more.empty() ? "" : ", ") + more + "} : ";
}

std::string LossText::fresh(const std::string &type) {
  std::string value = "%v" + std::to_string(values++);
  types[value] = type;
  return value;
}

std::string LossText::embed(const std::string &table) {
  std::string type = activation(lastExtent(types[table])), out = fresh(type);
  body += out + " = drawloom.embed %tokens, " + table + " positions () divisors []" + attributes() + "(" +
          kTokens + ", " + types[table] + ") -> " + type + "\n";
  return out;
}

std::string LossText::layerNorm(const std::string &x, const std::string &weight) {
  std::string type = types[x], out = fresh(type), mean = fresh(kRowType), rstd = fresh(kRowType);
  body += out + ", " + mean + ", " + rstd + " = drawloom.layer_norm " + x + ", " + weight + ", " + weight +
          attributes() + "(" + type + ", " + types[weight] + ", " + types[weight] + ") -> (" + type + ", " +
          kRowType + ", " + kRowType + ")\n";
  return out;
}

std::string LossText::linear(const std::string &x, const std::string &weight, const std::string &bias) {
  std::string type = activation(firstExtent(types[weight])), out = fresh(type);
  body += out + " = drawloom.linear " + x + ", " + weight + (bias.empty() ? "" : " bias " + bias) +
          attributes() + "(" + types[x] + ", " + types[weight] + (bias.empty() ? "" : ", " + types[bias]) +
          ") -> " + type + "\n";
  return out;
}

std::string LossText::gelu(const std::string &x) {
  std::string out = fresh(types[x]);
  body += out + " = drawloom.gelu " + x + attributes() + types[x] + "\n";
  return out;
}

std::string LossText::add(const std::string &x, const std::string &y) {
  std::string out = fresh(types[x]);
  body += out + " = drawloom.add " + x + ", " + y + attributes() + types[x] + "\n";
  return out;
}

std::string LossText::dropout(const std::string &x) {
  std::string out = fresh(types[x]), site = std::to_string(sites++);
  body += out + " = drawloom.dropout " + x + ", %rng" +
          attributes("rate = 0.25 : f64, site = " + site + " : i64") + "(" + types[x] + ", " + kRng +
          ") -> " + types[x] + "\n";
  return out;
}

std::vector<std::string> LossText::split(const std::string &x, int64_t parts) {
  std::string type = activation(lastExtent(types[x]) / parts), names, partTypes;
  std::vector<std::string> out;
  for (int64_t k = 0; k < parts; ++k) {
    out.push_back(fresh(type));
    names += (k ? ", " : "") + out.back();
    partTypes += (k ? ", " : "") + type;
  }
  body += names + " = drawloom.split " + x + attributes() + "(" + types[x] + ") -> (" + partTypes + ")\n";
  return out;
}

std::string LossText::attention(const std::string &q, const std::string &k, const std::string &v,
                                const std::string &pattern) {
  std::string statistics = tensorType({2, 2, 7}), type = types[v], out = fresh(type), lse = fresh(statistics);
  body += out + ", " + lse + " = drawloom.attention " + q + ", " + k + ", " + v +
          attributes("drawloom.keep, pattern = #drawloom.pattern<\"" + pattern +
                     "\">, heads = 2 : i64, scale = 0.5 : f64") +
          "(" + types[q] + ", " + types[k] + ", " + type + ") -> (" + type + ", " + statistics + ")\n";
  return out;
}

std::string LossText::finish(const std::string &x, const std::string &weight) {
  inSegment.clear();
  std::string logits = linear(x, weight), nll = fresh(kRowType);
  body += nll + " = drawloom.cross_entropy " + logits + ", %targets : (" + types[logits] + ", " + kTokens +
          ") -> " + kRowType + "\n";
  return "func.func @loss(" + parameters + "%tokens: " + kTokens +
         " {drawloom.name = \"tokens\", drawloom.role = \"io\"},\n%targets: " + kTokens +
         " {drawloom.name = \"targets\", drawloom.role = \"io\"},\n%rng: " + kRng +
         " {drawloom.name = \"rng\", drawloom.role = \"io\"}) -> (" + kRowType +
         " {drawloom.name = \"nll\"}) {\n" + body + "return " + nll + " : " + kRowType + "\n}";
}

} // namespace drawloom::test
