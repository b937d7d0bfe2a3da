// What a single key cannot say: divisibility, extents that must multiply to n, patterns that must make sense.
#include "dialect/pattern/Pattern.h"
#include "frontend/spec/Spec.h"
#include "runtime/support/Format.h"
#include <cmath>
#include <numeric>

namespace drawloom::spec {
namespace {

struct Checker {
  const Spec &spec;
  Diagnostics &diagnostics;

  /// The place to blame for a relation between keys: the first of them that the user wrote, --set before
  /// files.
  Place blame(std::initializer_list<std::string_view> keys) const {
    for (auto k : keys)
      if (spec.entry(k).origin == Origin::Set) return spec.entry(k).place;
    for (auto k : keys)
      if (spec.entry(k).origin == Origin::File) return spec.entry(k).place;
    return {spec.file(), 1, 1, {}};
  }
  void error(std::initializer_list<std::string_view> keys, const std::string &message,
             const std::string &hint = {}) {
    diagnostics.error(blame(keys), message, hint);
  }

  /// model.heads must divide a number of channels.
  void heads(std::string_view key) {
    int64_t heads = spec.integer("model.heads"), channels = spec.integer(key);
    if (channels % heads == 0) return;
    int64_t below = heads, above = heads;
    while (below > 1 && channels % below) --below;
    while (above < channels && channels % above) ++above;
    error({"model.heads", key}, fmt::format("model.heads = {} does not divide {} = {}", heads, key, channels),
          above > channels || channels % above ? fmt::format("{} divides it", below)
                                               : fmt::format("{} and {} divide it", below, above));
  }

  void embedding() {
    const auto &shape = spec.list<int64_t>("model.embedding_shape");
    int64_t n = spec.integer("model.n");
    if (spec.text("model.embedding") == "image") {
      if (shape.size() != 3)
        return error(
            {"model.embedding_shape", "model.embedding"},
            fmt::format("model.embedding_shape: expected [rows, columns, channels], found {}", toToml(shape)),
            "for example embedding_shape = [32, 32, 3]");
      // Extents are at most 2^24 each, so a double tells any product from n.
      double product = double(shape[0]) * double(shape[1]) * double(shape[2]);
      if (product != double(n))
        error({"model.embedding_shape", "model.n"},
              fmt::format("model.embedding_shape = {} has {} positions, but model.n = {}", toToml(shape),
                          product, n));
      if (spec.text("data.kind") == "images" && shape[2] != 3)
        error({"model.embedding_shape", "data.kind"},
              fmt::format("model.embedding_shape = {}: images have 3 channels (R, G, B)", toToml(shape)));
    } else if (!shape.empty()) {
      error({"model.embedding_shape"}, "model.embedding_shape is given, but model.embedding is \"matrix\"",
            "write embedding = \"image\", or give embedding_width instead");
    } else if (spec.integer("model.embedding_width") > n) {
      error({"model.embedding_width", "model.n"},
            fmt::format("model.embedding_width = {} is more than model.n = {}",
                        spec.integer("model.embedding_width"), n));
    }
  }

  void data() {
    if (spec.text("data.kind") == "images" && spec.text("model.embedding") != "image")
      error({"data.kind", "model.embedding"}, "data.kind is \"images\", but model.embedding is not \"image\"",
            "for example embedding = \"image\", embedding_shape = [32, 32, 3], n = 3072");
    const auto &split = spec.list<double>("data.split");
    if (split.size() != 3)
      return error({"data.split"},
                   fmt::format("data.split: expected [train, validation, test], found {}", toToml(split)));
    double sum = split[0] + split[1] + split[2];
    if (split[0] <= 0) return error({"data.split"}, "data.split: the training part is empty");
    const std::string &kind = spec.text("data.kind");
    const char *items = kind == "images" ? "images" : kind == "audio" ? "samples" : "bytes";
    bool fractions = split[0] <= 1 && split[1] <= 1 && split[2] <= 1;
    if (fractions && sum > 1 + 1e-9)
      error({"data.split"}, fmt::format("data.split: the fractions add up to {}, which is more than 1", sum));
    for (double part : split)
      if (!fractions && part != double(int64_t(part)))
        return error({"data.split"},
                     fmt::format("data.split: expected fractions up to 1 or whole numbers of {}, found {}",
                                 items, toToml(split)));
  }

  /// Each pattern text must parse; the error stands at its column inside the string where that can be told.
  void patterns() {
    size_t count = std::max<size_t>(1, spec.list<std::string>("attention.layers").size());
    for (size_t k = 0; k < count; ++k) {
      const std::string &text = spec.layerPattern(int64_t(k));
      Place place = spec.layerPatternPlace(int64_t(k));
      PatternError wrong;
      if (Pattern::parse(text, wrong)) continue;
      std::string line = diagnostics.line(place.file, place.line), where;
      if (place.column >= 1 && place.column <= line.size() &&
          line.compare(place.column, text.size(), text) == 0)
        place.column += wrong.column;
      else
        where = fmt::format(" (column {} of \"{}\")", wrong.column, text);
      diagnostics.error(place, fmt::format("pattern: {}{}", wrong.message, where), wrong.hint);
    }
  }

  /// Tensors that no machine holds would only overflow byte counts later on.
  void size() {
    constexpr double limit = 0x1p44; // elements
    double d = double(spec.integer("model.d")), ff = double(spec.integer("model.ff")),
           qk = double(spec.integer("model.qk"));
    double channels = std::max({ff, 2 * qk + d, double(spec.integer("model.vocab"))});
    double rows = double(std::max(spec.integer("data.batch"), spec.integer("sample.batch"))) *
                  double(spec.integer("model.n"));
    double layers = double(spec.integer("model.layers"));
    if (double parameters = layers * d * (2 * qk + 2 * d + 2 * ff); parameters > limit)
      error({"model.d", "model.ff", "model.qk", "model.layers"},
            fmt::format("the model has {:.3g} parameters, expected at most {:.3g}", parameters, limit));
    // A matrix product counts its rows in 32 bits.
    if (rows > 0x7fffffff)
      return error({"model.n", "data.batch", "sample.batch"},
                   fmt::format("a batch has {:.0f} positions, expected at most {}", rows, 0x7fffffff));
    if (rows * channels > limit)
      error({"model.n", "data.batch", "sample.batch", "model.d", "model.ff"},
            fmt::format("an activation of {:.0f} x {:.0f} has {:.3g} elements, expected at most {:.3g}", rows,
                        channels, rows * channels, limit));
  }

  void length() {
    if (spec.integer("train.steps") == 0 && spec.number("train.epochs") == 0)
      error({"train.steps", "train.epochs"}, "train.steps and train.epochs are both 0", "give one of them");
  }

  void lossScale() {
    double scale = spec.number("train.loss_scale");
    int exponent = 0;
    if (std::frexp(scale, &exponent) == 0.5) return;
    error({"train.loss_scale"}, fmt::format("train.loss_scale = {} is not a power of two", scale),
          fmt::format("for example {}", std::ldexp(1.0, exponent - 1)));
  }

  void memory() {
    bool isAuto = spec.text("memory.recompute") == "auto";
    const std::string &budget = spec.text("memory.budget");
    if (isAuto && budget.empty())
      return error({"memory.recompute"}, "memory.recompute = \"auto\" needs memory.budget",
                   "for example budget = \"8GiB\"");
    if (!isAuto && !budget.empty())
      return error({"memory.budget"}, "memory.budget is given, but memory.recompute is not \"auto\"",
                   "write recompute = \"auto\", or leave the budget out");
    if (isAuto && parseBytes(budget).value_or(0) == 0)
      error({"memory.budget"},
            fmt::format("memory.budget: expected an amount of memory, found \"{}\"", budget),
            "for example \"8GiB\", \"1.5 GiB\" or \"500MB\"");
  }

  void device() {
    const std::string &precision = spec.text("run.precision");
    if (spec.text("run.device") != "cpu" || precision == "fp32") return;
    error(
        {"run.precision", "run.device"},
        fmt::format("run.precision = \"{}\" needs run.device = \"cuda\": kernels for the CPU compute in fp32",
                    precision),
        "leave run.precision out, or run on a GPU with --device cuda");
  }

  void sample() {
    if (spec.integer("sample.length") > spec.integer("model.n"))
      error({"sample.length", "model.n"},
            fmt::format("sample.length = {} is more than model.n = {}", spec.integer("sample.length"),
                        spec.integer("model.n")));
  }
};

} // namespace

void checkShapes(const Spec &spec, Diagnostics &diagnostics) {
  Checker check{spec, diagnostics};
  check.heads("model.d");
  if (spec.integer("model.qk") != spec.integer("model.d")) check.heads("model.qk");
  check.embedding();
  check.patterns();
  check.data();
  check.size();
  check.length();
  check.lossScale();
  check.memory();
  check.device();
  check.sample();
}

} // namespace drawloom::spec
