#include "frontend/spec/Keys.h"
#include "frontend/spec/Nearest.h"
#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace drawloom::spec {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double exact = 9007199254740992.0; // 2^53: whole numbers up to here survive JSON
constexpr Range any{}, atLeast0{0, inf}, whole{0, exact}, natural{1, exact}, positive{0, inf, true},
    belowOne{0, 1, false, true};

// Limits that no machine reaches, so that products of extents stay far from 2^63.
constexpr Range positions{1, double(1 << 24)}, layers{1, 10000}, channels{1, double(1 << 20)};

constexpr Key table[] = {
    {"model.name", Type::String, "", "", "the spec's file name", any, "",
     "name of the model; names the output folder"},
    {"model.preset", Type::Choice, "\"paper\"", "", "", any, "paper|distaug",
     "source of defaults and initial values: \"paper\" (arXiv 1904.10509) or \"distaug\" (the same group's "
     "later code)"},
    {"model.n", Type::Int, "", "", "", positions, "", "sequence length: positions a sequence"},
    {"model.vocab",
     Type::Int,
     "256",
     "",
     "",
     {256, 256},
     "",
     "classes that are predicted; models read and write bytes, so 256"},
    {"model.layers", Type::Int, "", "", "", layers, "", "residual blocks"},
    {"model.heads", Type::Int, "", "", "", channels, "", "attention heads; divides d and qk"},
    {"model.d", Type::Int, "", "", "", channels, "",
     "channels of the residual stream (and of all heads' values together)"},
    {"model.ff", Type::Int, "", "", "4 * model.d", channels, "", "inner width of the feed-forward branch"},
    {"model.qk", Type::Int, "", "", "model.d", channels, "",
     "channels of all heads' queries (and keys) together"},
    {"model.dropout", Type::Float, "0.0", "", "", belowOne, "",
     "rate of the dropout that ends each branch; 0: none"},
    {"model.embedding", Type::Choice, "\"matrix\"", "", "", any, "matrix|image",
     "position embeddings: row and column of a matrix embedding_width wide, or row, column and channel of an "
     "image"},
    {"model.embedding_width", Type::Int, "", "", "the pattern's stride, else the square root of n rounded up",
     positions, "", "width of the matrix of embedding = \"matrix\""},
    {"model.embedding_shape", Type::IntList, "[]", "", "", positions, "",
     "[rows, columns, channels] of embedding = \"image\"; their product is n"},

    {"attention.pattern", Type::String, "\"\"", "", "", any, "",
     "pattern of every layer, in the pattern language: \"fixed(128, c=32)\", \"heads(local(64), "
     "column(64))\", \"i - j < 64\""},
    {"attention.layers", Type::StringList, "[]", "", "", any, "",
     "one pattern a layer, repeated until model.layers is reached; instead of attention.pattern"},

    {"data.kind", Type::Choice, "\"text\"", "", "", any, "text|images|audio",
     "what the data is: \"text\" is any file, read as bytes; \"images\" are CIFAR-10's binary batches or PNG "
     "files "
     "of one size; \"audio\" is what libsndfile reads"},
    {"data.path", Type::String, "\"\"", "", "", any, "",
     "the data file, or for images and audio a folder; needed to train and to evaluate"},
    {"data.split", Type::NumberList, "[0.9, 0.05, 0.05]", "", "", atLeast0, "",
     "train, validation and test parts, in file order: fractions (adding up to at most 1) or numbers of "
     "bytes, of images, or of sound samples"},
    {"data.batch", Type::Int, "1", "", "", {1, 65536}, "", "sequences a micro-step"},
    {"data.rate",
     Type::Int,
     "12000",
     "",
     "",
     {100, 384000},
     "",
     "samples a second that sound is brought to (mixed to one channel, mu-law, 256 levels)"},

    {"train.steps", Type::Int, "0", "", "", whole, "", "optimizer steps; 0: as many as train.epochs takes"},
    {"train.epochs", Type::Float, "", "", "1, or 0 if train.steps is given", atLeast0, "",
     "passes over the training part, instead of train.steps"},
    {"train.lr", Type::Float, "0.00035", "", "", positive, "", "peak learning rate"},
    {"train.warmup", Type::Int, "5000", "", "", whole, "",
     "steps in which the learning rate rises linearly from 0"},
    {"train.schedule", Type::Choice, "\"cosine\"", "", "", any, "cosine|constant",
     "learning rate after the warm-up: half a cosine down to 0 at the last step, or constant"},
    {"train.clip", Type::Float, "1.0", "", "", atLeast0, "", "largest global gradient norm; 0: no clipping"},
    {"train.weight_decay", Type::Float, "0.01", "", "", atLeast0, "",
     "decoupled weight decay of the matrices of attention, feed-forward and output (not of embeddings, "
     "biases, norms)"},
    {"train.beta1", Type::Float, "0.9", "", "", belowOne, "", "Adam's decay of the first moment"},
    {"train.beta2", Type::Float, "0.999", "", "", belowOne, "", "Adam's decay of the second moment"},
    {"train.epsilon", Type::Float, "1e-8", "", "", positive, "", "Adam's epsilon"},
    {"train.ema", Type::Float, "0.0", "0.999", "", belowOne, "",
     "decay of the moving average of the weights that evaluation and sampling use; 0: none"},
    {"train.loss_scale",
     Type::Float,
     "65536.0",
     "",
     "",
     {1024, 1073741824},
     "",
     "run.precision = \"fp16\": what the loss is multiplied by at the first step, a power of two"},
    {"train.accumulation",
     Type::Int,
     "1",
     "",
     "",
     {1, 65536},
     "",
     "micro-steps whose gradients one optimizer step adds up"},
    {"train.seed", Type::Int, "1", "", "", whole, "", "seed of initial weights, data order and dropout"},

    {"memory.recompute", Type::Choice, "\"none\"", "", "", any, "none|elementwise|attention|block|all|auto",
     "what the backward pass computes again instead of keeping: nothing, elementwise values (GELU), "
     "the attention branch as well, the whole block (paper section 5.4) or \"all\", the block with "
     "attention's own forward pass; \"auto\": for each layer what is cheapest within memory.budget. Results "
     "do not depend on it"},
    {"memory.budget", Type::String, "\"\"", "", "", any, "",
     "all memory that a run may take, as \"2GiB\" or \"500 MB\"; goes with memory.recompute = \"auto\""},

    {"run.out", Type::String, "", "", "runs/ and model.name", any, "", "folder of checkpoints and logs"},
    {"run.device", Type::Choice, "\"cpu\"", "", "", any, "cpu|cuda", "what runs the model"},
    {"run.precision", Type::Choice, "", "", "\"fp32\" on cpu, \"bf16\" on cuda", any, "fp32|bf16|fp16",
     "of activations and their gradients; weights, sums, losses and the optimizer are fp32. fp16 scales the "
     "loss "
     "(paper section 6)"},
    {"run.threads",
     Type::Int,
     "0",
     "",
     "",
     {0, 4096},
     "",
     "threads; 0: one a core. Results do not depend on it"},
    {"run.log_every", Type::Int, "10", "", "", natural, "", "steps between logged points"},
    {"run.eval_every", Type::Int, "1000", "", "", whole, "",
     "steps between evaluations on the validation part; 0: none"},
    {"run.eval_tokens", Type::Int, "0", "", "", whole, "",
     "tokens of such an evaluation; 0: the whole validation part"},
    {"run.checkpoint_every", Type::Int, "1000", "", "", whole, "",
     "steps between checkpoints; 0: only at the end and after a signal"},
    {"run.keep_checkpoints",
     Type::Int,
     "3",
     "",
     "",
     {0, 1 << 30},
     "",
     "newest checkpoints that are kept; 0: all"},
    {"run.max_seconds", Type::Float, "0.0", "", "", atLeast0, "",
     "training stops after this many seconds, with a checkpoint; 0: never"},

    {"sample.batch", Type::Int, "1", "", "", {1, 65536}, "", "sequences that are sampled side by side"},
    {"sample.temperature", Type::Float, "1.0", "", "", atLeast0, "",
     "divides the logits; 0: always the likeliest byte"},
    {"sample.top_k",
     Type::Int,
     "0",
     "",
     "",
     {0, 256},
     "",
     "samples only from the k likeliest bytes; 0: from all"},
    {"sample.length",
     Type::Int,
     "0",
     "",
     "",
     {0, double(1 << 24)},
     "",
     "bytes to draw after the prompt; 0: until n positions are full"},
};

constexpr std::string_view exclusive[][2] = {{"attention.pattern", "attention.layers"},
                                             {"train.steps", "train.epochs"}};

} // namespace

std::span<const Key> keys() { return table; }

const Key *findKey(std::string_view name) {
  auto it = std::ranges::find(table, name, &Key::name);
  return it == std::end(table) ? nullptr : &*it;
}

bool isSection(std::string_view name) {
  return std::ranges::any_of(table, [&](const Key &k) { return k.section() == name; });
}

std::string_view exclusivePartner(std::string_view name) {
  for (auto &pair : exclusive) {
    if (pair[0] == name) return pair[1];
    if (pair[1] == name) return pair[0];
  }
  return {};
}

std::string_view typeName(Type type) {
  switch (type) {
  case Type::Int: return "an integer";
  case Type::Float: return "a number";
  case Type::String:
  case Type::Choice: return "a string";
  case Type::IntList: return "a list of integers";
  case Type::NumberList: return "a list of numbers";
  case Type::StringList: return "a list of strings";
  }
  return "";
}

std::string rangeText(const Range &r) {
  bool low = r.min > -inf, high = r.max < inf;
  if (r.max == exact)
    return r.min == 0 ? "a whole number from 0 up" : fmt::format("a whole number from {} up", r.min);
  if (low && high && r.min == r.max) return fmt::format("{}", r.min);
  if (low && high)
    return fmt::format("in {}{}, {}{}", r.openMin ? '(' : '[', r.min, r.max, r.openMax ? ')' : ']');
  if (low) return fmt::format("{} {}", r.openMin ? "greater than" : "at least", r.min);
  if (high) return fmt::format("{} {}", r.openMax ? "less than" : "at most", r.max);
  return "";
}

std::string choicesText(const Key &key) {
  std::string text;
  for (std::string_view rest = key.choices; !rest.empty();) {
    size_t bar = rest.find('|');
    std::string_view one = rest.substr(0, bar);
    rest = bar == rest.npos ? std::string_view{} : rest.substr(bar + 1);
    text += fmt::format("{}\"{}\"", text.empty() ? "" : rest.empty() ? " or " : ", ", one);
  }
  return text;
}

namespace {
std::string quoted(std::string_view s) {
  std::string out = "\"";
  for (char c : s) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (static_cast<unsigned char>(c) < 32)
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out + '"';
}
std::string number(double x) {
  std::string s = fmt::format("{}", x);
  return s.find_first_of(".ein") == s.npos ? s + ".0" : s;
}
} // namespace

std::string toToml(const Value &value) {
  auto list = [](const auto &items, auto &&show) {
    std::string text;
    for (auto &x : items) (text += text.empty() ? "" : ", ") += show(x);
    return "[" + text + "]";
  };
  if (auto *x = std::get_if<int64_t>(&value)) return fmt::format("{}", *x);
  if (auto *x = std::get_if<double>(&value)) return number(*x);
  if (auto *x = std::get_if<std::string>(&value)) return quoted(*x);
  if (auto *x = std::get_if<std::vector<int64_t>>(&value))
    return list(*x, [](int64_t v) { return fmt::format("{}", v); });
  if (auto *x = std::get_if<std::vector<double>>(&value))
    return list(*x, [](double v) { return fmt::format("{}", v); });
  return list(std::get<std::vector<std::string>>(value), [](const std::string &v) { return quoted(v); });
}

std::string nearestKey(std::string_view section, std::string_view leaf) {
  std::string best;
  size_t bestDistance = ~size_t(0);
  for (const Key &k : table) {
    size_t d = 2 * editDistance(leaf, k.leaf());
    // The right name in another section is worth naming, but a near name in the same section is likelier
    // meant.
    if (k.section() != section) d += d == 0 ? 1 : 3;
    if (d < bestDistance) best = k.name, bestDistance = d;
  }
  return bestDistance <= 2 * nearEnough(leaf) + 1 ? best : "";
}

std::string nearestSection(std::string_view section) {
  std::string best;
  size_t bestDistance = nearEnough(section) + 1;
  for (const Key &k : table)
    if (size_t d = editDistance(section, k.section()); d < bestDistance) best = k.section(), bestDistance = d;
  return best;
}

} // namespace drawloom::spec
