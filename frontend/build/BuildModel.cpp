#include "frontend/build/BuildModel.h"
#include "frontend/build/Functions.h"
#include "mlir/IR/Verifier.h"
#include "passes/Names.h"
#include "runtime/abi/Abi.h"
#include <cmath>

using namespace mlir;

namespace drawloom {
namespace {

namespace io = abi::io;

/// Builds the functions of one network. Activations are [B, n, d]; while decoding B is the number of samples
/// and n is 1.
class ModelBuilder {
public:
  ModelBuilder(MLIRContext &context, const spec::Spec &spec)
      : context(&context), spec(spec), net(makeNetwork(spec)), start(locationOf(&context, {}, spec.file())),
        module(ModuleOp::create(start)) {}

  OwningOpRef<ModuleOp> build() {
    (*module)->setAttr(kSpecAttr, StringAttr::get(context, spec.toJson().dump()));
    (*module)->setAttr(kSpecSourceAttr, StringAttr::get(context, spec.source()));
    buildLoss("loss", /*training=*/true);
    buildLoss("evaluate", /*training=*/false);
    buildDecode();
    buildUpdate();
    return std::move(module);
  }

private:
  /// What differs between a layer in training, in evaluation and in decoding.
  struct Mode {
    FunctionBuilder &f;
    int64_t batch, length;
    Value rng;                                         // training only
    Value position;                                    // decoding only
    std::vector<std::pair<std::string, Value>> caches; // decoding: the new ones
    bool training() const { return bool(rng); }
    bool decoding() const { return bool(position); }
  };

  Location keyLocation(std::string_view key) const {
    return locationOf(context, spec.entry(key).place, spec.file());
  }
  RankedTensorType activation(const Mode &m, int64_t channels) const {
    return floatTensor(context, {m.batch, m.length, channels});
  }

  std::vector<Argument> parameterArguments(llvm::StringRef suffix, llvm::StringRef role,
                                           bool withInit = false) const {
    Builder b(context);
    std::vector<Argument> out;
    for (const ParameterInfo &p : net.parameters) {
      Argument a{p.name + suffix.str(), role.str(), floatTensor(context, p.shape), {}};
      if (withInit) {
        Attribute init = p.init.kind == InitialValue::Zeros  ? Attribute(b.getStringAttr("zeros"))
                         : p.init.kind == InitialValue::Ones ? Attribute(b.getStringAttr("ones"))
                                                             : Attribute(b.getF64FloatAttr(p.init.stddev));
        a.more.push_back(b.getNamedAttr(kInitAttr, init));
        if (p.decay) a.more.push_back(b.getNamedAttr(kDecayAttr, b.getUnitAttr()));
      }
      out.push_back(std::move(a));
    }
    return out;
  }

  void buildLoss(const char *name, bool training) {
    std::vector<Argument> arguments = parameterArguments("", "parameter", training);
    Type ids = intTensor(context, {net.batch, net.n}, 32);
    arguments.push_back({io::kTokens, "io", ids, {}});
    arguments.push_back({io::kTargets, "io", ids, {}});
    if (training) arguments.push_back({io::kRng, "io", intTensor(context, {2}, 64), {}});
    FunctionBuilder f(*module, name, arguments, start);
    Mode m{f, net.batch, net.n, training ? f.argument(io::kRng) : Value(), {}, {}};
    Value logits = forward(m, f.argument(io::kTokens));
    f.at(start, "loss");
    Value nll =
        f.make<CrossEntropyOp>(floatTensor(context, {net.batch, net.n}), logits, f.argument(io::kTargets));
    f.finish({{io::kNll, nll}});
  }

  void buildDecode() {
    std::vector<Argument> arguments = parameterArguments("", "parameter");
    for (size_t k = 0; k < net.layers.size(); ++k) {
      arguments.push_back(
          {cacheName(k, 'k'), "cache", floatTensor(context, {net.sampleBatch, net.n, net.qk}), {}});
      arguments.push_back(
          {cacheName(k, 'v'), "cache", floatTensor(context, {net.sampleBatch, net.n, net.d}), {}});
    }
    arguments.push_back({io::kToken, "io", intTensor(context, {net.sampleBatch, 1}, 32), {}});
    arguments.push_back({io::kPosition, "io", intTensor(context, {1}, 64), {}});
    FunctionBuilder f(*module, "decode", arguments, start);
    Mode m{f, net.sampleBatch, 1, {}, f.argument(io::kPosition), {}};
    Value logits = forward(m, f.argument(io::kToken));
    std::vector<std::pair<std::string, Value>> results{{io::kLogits, logits}};
    results.insert(results.end(), m.caches.begin(), m.caches.end());
    f.finish(results);
  }

  static std::string cacheName(size_t layer, char what) { return fmt::format("cache.{}.{}", layer, what); }

  /// Tokens [B, n] to logits [B, n, V] (section 5.2).
  Value forward(Mode &m, Value tokens) {
    Value h = embed(m, tokens);
    for (size_t k = 0; k < net.layers.size(); ++k) {
      // H + a + b, where b = ff(norm(H + a)): so H + a is an activation of its own.
      h = attentionBranch(m, k, h);
      h = feedForwardBranch(m, k, h);
    }
    m.f.at(start, "norm");
    h = norm(m, "norm", h);
    m.f.at(start, "out");
    return linear(m, "out", h, net.vocab);
  }

  Value embed(Mode &m, Value tokens) {
    SmallVector<Value> tables;
    SmallVector<int64_t> divisors;
    for (size_t k = 0; k < net.positions.size(); ++k) {
      tables.push_back(m.f.argument(fmt::format("embed.pos{}", k)));
      divisors.push_back(net.positions[k].divisor);
    }
    m.f.at(keyLocation("model.embedding"), "embed");
    return m.f.make<EmbedOp>(activation(m, net.d), tokens, m.f.argument("embed.token"), tables, m.position,
                             divisors);
  }

  /// h + dropout(attention(norm(h))).
  Value attentionBranch(Mode &m, size_t k, Value h) {
    std::string layer = fmt::format("layers.{}.", k), segment = layer + "attention";
    Location loc = locationOf(context, net.layers[k].place, spec.file());
    auto at = [&](const char *what) { m.f.at(loc, layer + what, m.training() ? segment : ""); };
    at("norm1");
    Value x = norm(m, layer + "norm1", h);
    at("qkv");
    Value qkv = linear(m, layer + "qkv", x, 2 * net.qk + net.d);
    auto split =
        m.f.make<SplitOp>(TypeRange{activation(m, net.qk), activation(m, net.qk), activation(m, net.d)}, qkv);
    at("attention");
    Value a = attend(m, k, split.getResult(0), split.getResult(1), split.getResult(2));
    at("proj");
    a = linear(m, layer + "proj", a, net.d);
    at("attention.residual");
    return residual(m, h, a, 2 * int64_t(k));
  }

  Value attend(Mode &m, size_t k, Value q, Value key, Value v) {
    Builder b(context);
    auto pattern = PatternAttr::get(context, net.layers[k].pattern);
    auto heads = b.getI64IntegerAttr(net.heads);
    auto scale = b.getF64FloatAttr(1 / std::sqrt(double(net.qk) / double(net.heads)));
    if (m.decoding()) {
      Value kCache = m.f.argument(cacheName(k, 'k')), vCache = m.f.argument(cacheName(k, 'v'));
      auto op =
          m.f.make<AttentionDecodeOp>(TypeRange{activation(m, net.d), kCache.getType(), vCache.getType()}, q,
                                      key, v, kCache, vCache, m.position, pattern, heads, scale);
      m.caches.emplace_back(cacheName(k, 'k'), op.getNewKcache());
      m.caches.emplace_back(cacheName(k, 'v'), op.getNewVcache());
      return op.getOut();
    }
    Type lse = floatTensor(context, {m.batch, net.heads, m.length});
    auto op = m.f.make<AttentionOp>(TypeRange{activation(m, net.d), lse}, q, key, v, pattern, heads, scale);
    op->setAttr(kKeepAttr, b.getUnitAttr());
    return op.getOut();
  }

  /// h + dropout(ff(norm(h))).
  Value feedForwardBranch(Mode &m, size_t k, Value h) {
    std::string layer = fmt::format("layers.{}.", k), segment = layer + "ff";
    Location loc = keyLocation("model.ff");
    auto at = [&](const char *what) { m.f.at(loc, layer + what, m.training() ? segment : ""); };
    at("norm2");
    Value x = norm(m, layer + "norm2", h);
    at("ff1");
    x = linear(m, layer + "ff1", x, net.ff);
    at("gelu");
    x = m.f.make<GeluOp>(x.getType(), x);
    at("ff2");
    x = linear(m, layer + "ff2", x, net.d);
    at("ff.residual");
    return residual(m, h, x, 2 * int64_t(k) + 1);
  }

  Value residual(Mode &m, Value h, Value branch, int64_t site) {
    Builder b(context);
    if (m.training() && net.dropout > 0)
      branch = m.f.make<DropoutOp>(branch.getType(), branch, m.rng, b.getF64FloatAttr(net.dropout),
                                   b.getI64IntegerAttr(site));
    return m.f.make<AddOp>(h.getType(), h, branch);
  }

  Value norm(Mode &m, const std::string &name, Value x) {
    Type rows = floatTensor(context, {m.batch, m.length});
    auto op = m.f.make<LayerNormOp>(TypeRange{x.getType(), rows, rows}, x, m.f.argument(name + ".weight"),
                                    m.f.argument(name + ".bias"), m.f.builder.getF64FloatAttr(1e-5));
    return op.getOut();
  }

  Value linear(Mode &m, const std::string &name, Value x, int64_t channels) {
    return m.f.make<LinearOp>(activation(m, channels), x, m.f.argument(name + ".weight"),
                              m.f.argument(name + ".bias"));
  }

  /// One optimizer step over all parameters.
  void buildUpdate() {
    std::vector<Argument> arguments;
    std::vector<std::pair<const char *, const char *>> kinds{
        {"", "parameter"}, {".grad", "gradient"}, {".m", "moment1"}, {".v", "moment2"}};
    if (net.ema) kinds.emplace_back(".ema", "ema");
    for (auto [suffix, role] : kinds)
      for (Argument &a : parameterArguments(suffix, role)) arguments.push_back(std::move(a));
    arguments.push_back({io::kHyper, "io", floatTensor(context, {abi::kHyperCount}), {}});
    FunctionBuilder f(*module, "update", arguments, start);
    Value hyper = f.argument(io::kHyper);
    SmallVector<Value> gradients;
    for (const ParameterInfo &p : net.parameters) gradients.push_back(f.argument(p.name + ".grad"));
    f.at(start, "grad_norm");
    Value norm = f.make<GlobalNormOp>(floatTensor(context, {1}), gradients);

    std::vector<std::pair<std::string, Value>> parameters, moments1, moments2, emas, grads;
    for (const ParameterInfo &p : net.parameters) {
      Value value = f.argument(p.name);
      Type t = value.getType();
      f.at(start, "update." + p.name);
      auto adam = f.make<AdamOp>(TypeRange{t, t, t, t}, value, f.argument(p.name + ".grad"),
                                 f.argument(p.name + ".m"), f.argument(p.name + ".v"), norm, hyper,
                                 p.decay ? f.builder.getUnitAttr() : UnitAttr());
      parameters.emplace_back(p.name, adam.getNewParam());
      moments1.emplace_back(p.name + ".m", adam.getNewM());
      moments2.emplace_back(p.name + ".v", adam.getNewV());
      grads.emplace_back(p.name + ".grad", adam.getNewGrad());
      if (net.ema)
        emas.emplace_back(p.name + ".ema",
                          f.make<EmaOp>(t, f.argument(p.name + ".ema"), adam.getNewParam(), norm, hyper));
    }
    std::vector<std::pair<std::string, Value>> results;
    for (auto *group : {&parameters, &moments1, &moments2, &emas, &grads})
      results.insert(results.end(), group->begin(), group->end());
    results.emplace_back(io::kGradNorm, norm);
    f.finish(results);
  }

  MLIRContext *context;
  const spec::Spec &spec;
  Network net;
  Location start;
  OwningOpRef<ModuleOp> module;
};

} // namespace

/// Verifies, and turns diagnostics into an internal error: a checked spec always gives a valid module.
static OwningOpRef<ModuleOp> verified(OwningOpRef<ModuleOp> module) {
  std::string text;
  ScopedDiagnosticHandler handler(module->getContext(), [&](Diagnostic &d) {
    llvm::raw_string_ostream(text) << d.getLocation() << ": " << d << "\n";
    return success();
  });
  if (failed(verify(*module))) throw Error(kInternal, "the model's graph is not valid:\n" + text);
  return module;
}

OwningOpRef<ModuleOp> buildModel(MLIRContext &context, const spec::Spec &spec) {
  context.loadDialect<DrawloomDialect, func::FuncDialect>();
  return verified(ModelBuilder(context, spec).build());
}

/// One function of the attention benchmark: `make` for each set of operands.
static void buildCopies(
    ModuleOp module, const char *name, int64_t copies, ArrayRef<std::pair<const char *, Type>> operands,
    llvm::function_ref<std::vector<std::pair<const char *, Value>>(FunctionBuilder &, ArrayRef<Value>)>
        make) {
  auto numbered = [](const char *buffer, int64_t copy) { return fmt::format("{}.{}", buffer, copy); };
  std::vector<Argument> arguments;
  for (int64_t copy = 0; copy < copies; ++copy)
    for (auto [buffer, type] : operands)
      arguments.push_back({numbered(buffer, copy), kCacheRole.str(), type, {}});
  Location loc = module.getLoc();
  FunctionBuilder f(module, name, arguments, loc);
  f.at(loc, name);
  std::vector<std::pair<std::string, Value>> results;
  for (int64_t copy = 0; copy < copies; ++copy) {
    SmallVector<Value> values;
    for (auto [buffer, type] : operands) values.push_back(f.argument(numbered(buffer, copy)));
    for (auto [buffer, value] : make(f, values)) results.emplace_back(numbered(buffer, copy), value);
  }
  f.finish(results);
}

OwningOpRef<ModuleOp> buildAttention(MLIRContext &context, const AttentionCase &c) {
  context.loadDialect<DrawloomDialect, func::FuncDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  Builder b(&context);
  Type element = c.precision == "bf16"   ? Type(b.getBF16Type())
                 : c.precision == "fp16" ? Type(b.getF16Type())
                                         : Type(b.getF32Type());
  Type qk = RankedTensorType::get({c.batch, c.n, c.qk}, element),
       v = RankedTensorType::get({c.batch, c.n, c.dv}, element);
  Type lse = floatTensor(&context, {c.batch, c.heads, c.n});
  auto pattern = PatternAttr::get(&context, c.pattern);
  auto heads = b.getI64IntegerAttr(c.heads);
  auto scale = b.getF64FloatAttr(1 / std::sqrt(double(c.qk) / double(c.heads)));
  using Results = std::vector<std::pair<const char *, Value>>;
  buildCopies(*module, "attention", c.copies, {{"q", qk}, {"k", qk}, {"v", v}},
              [&](FunctionBuilder &f, ArrayRef<Value> x) {
                auto op = f.make<AttentionOp>(TypeRange{v, lse}, x[0], x[1], x[2], pattern, heads, scale);
                return Results{{"out", op.getOut()}, {"lse", op.getLse()}};
              });
  buildCopies(*module, "attention_grad", c.copies,
              {{"dout", v}, {"q", qk}, {"k", qk}, {"v", v}, {"out", v}, {"lse", lse}},
              [&](FunctionBuilder &f, ArrayRef<Value> x) {
                auto op = f.make<AttentionGradOp>(TypeRange{qk, qk, v}, x[0], x[1], x[2], x[3], x[4], x[5],
                                                  pattern, heads, scale);
                return Results{{"dq", op.getDq()}, {"dk", op.getDk()}, {"dv", op.getDv()}};
              });
  return verified(std::move(module));
}

} // namespace drawloom
