#include "codegen/RecomputeBudget.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Names.h"
#include "passes/graph/Layers.h"
#include "passes/memory/Layout.h"
#include "runtime/support/Error.h"
#include "runtime/support/Format.h"
#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace mlir;

namespace drawloom {
namespace {

/// How many layers recompute what: the first `all` their whole block with attention's forward pass, the next
/// `block` their block without it, the next `attention` their attention branch, the others
/// elementwise values, which cost next to nothing. Early layers come first because what the recomputation of
/// a layer takes for a while is added to what the layers before it keep.
struct Counts {
  int64_t all = 0, block = 0, attention = 0;

  std::vector<std::string> modes(int64_t layers) const {
    std::vector<std::string> result(size_t(layers), "elementwise");
    auto first = result.begin();
    for (auto [count, mode] : {std::pair{all, "all"}, {block, "block"}, {attention, "attention"}})
      first = std::fill_n(first, count, mode);
    return result;
  }
};

/// What a choice comes to.
struct Measure {
  int64_t bytes = 0; ///< of all arenas but decoding's
  double flops = 0;  ///< of @gradient
};

/// A choice on the way: its estimated cost and what it saves, both compared with recomputing elementwise
/// values alone.
struct Candidate {
  Counts counts;
  double cost, saving;
};

double flopsOf(Operation &op) {
  if (auto launch = dyn_cast<LaunchOp>(op)) return double(launch.getFlops());
  auto matmul = dyn_cast<MatmulOp>(op);
  if (!matmul) return 0;
  auto a = cast<RankedTensorType>(matmul.getA().getType()),
       out = cast<RankedTensorType>(matmul.getOut().getType());
  int64_t inner = matmul.getTransposeA() ? rowCount(a) : rowLength(a);
  return 2.0 * double(out.getNumElements()) * double(inner);
}

/// Plans a model's memory again and again.
class Planner {
public:
  Planner(ModuleOp model, PipelineOptions options) : model(model), options(std::move(options)) {
    this->options.dumpDirectory.clear();
  }

  /// With all functions, which tells what does not depend on the choice. Comes first.
  FailureOr<Measure> measureAll(const std::vector<std::string> &modes) {
    auto module = plan(modes, /*lossAlone=*/false);
    if (failed(module)) return failure();
    auto arenas = (**module)->getAttrOfType<DictionaryAttr>(kArenaBytesAttr);
    for (NamedAttribute arena : arenas)
      if (arena.getName() != "activations" && arena.getName() != "state")
        persistent += cast<IntegerAttr>(arena.getValue()).getInt();
    for (auto func : (*module)->getOps<func::FuncOp>())
      if (func.getName() != kGradientFunction) others = std::max(others, activationBytes(func));
    return read(**module);
  }

  FailureOr<Measure> measure(const std::vector<std::string> &modes) {
    auto module = plan(modes, /*lossAlone=*/true);
    if (failed(module)) return failure();
    return read(**module);
  }

  unsigned plans = 0;

private:
  FailureOr<OwningOpRef<ModuleOp>> plan(const std::vector<std::string> &modes, bool lossAlone) {
    ++plans;
    OwningOpRef<ModuleOp> module = model.clone();
    if (lossAlone)
      for (auto func : llvm::make_early_inc_range(module->getOps<func::FuncOp>()))
        if (func.getName() != kLossFunction) func.erase();
    options.recompute = fmt::format("{}", fmt::join(modes, ","));
    std::string problem;
    llvm::raw_string_ostream errors(problem);
    PassManager pm(model.getContext(), ModuleOp::getOperationName());
    if (failed(buildPipeline(pm, options, "memory", errors))) return model.emitError(problem);
    if (failed(pm.run(*module))) return failure();
    return module;
  }

  static int64_t activationBytes(func::FuncOp func) {
    return func->getAttrOfType<IntegerAttr>(kActivationBytesAttr).getInt();
  }

  Measure read(ModuleOp module) const {
    auto gradient = module.lookupSymbol<func::FuncOp>(kGradientFunction);
    Measure result{persistent + std::max(others, activationBytes(gradient)), 0};
    for (Operation &op : gradient.getBody().front()) result.flops += flopsOf(op);
    return result;
  }

  ModuleOp model;
  PipelineOptions options;
  int64_t persistent = 0; ///< bytes of the arenas that outlive a call, without decoding's
  int64_t others = 0;     ///< bytes of activations of the functions that the choice does not touch
};

/// Estimates for one layer; layers are alike but for their patterns. Without `all`, no attention is computed
/// twice.
struct ALayer {
  std::optional<Candidate> all;
  Candidate block, attention;
};

/// Choices by rising cost, each of which saves more than all cheaper ones, behind elementwise values alone.
std::vector<Candidate> frontier(int64_t layers, const ALayer &layer) {
  std::vector<Candidate> choices;
  Candidate whole = layer.all.value_or(Candidate{});
  for (int64_t w = 0; w <= (layer.all ? layers : 0); ++w)
    for (int64_t b = 0; w + b <= layers; ++b)
      for (int64_t a = 0; w + a + b <= layers; ++a) {
        auto sum = [&](double Candidate::*part) {
          return double(w) * whole.*part + double(b) * layer.block.*part + double(a) * layer.attention.*part;
        };
        choices.push_back({{w, b, a}, sum(&Candidate::cost), sum(&Candidate::saving)});
      }
  llvm::sort(choices, [](const Candidate &x, const Candidate &y) {
    return std::pair(x.cost, -x.saving) < std::pair(y.cost, -y.saving);
  });
  std::vector<Candidate> best{{{}, 0, 0}};
  for (const Candidate &c : choices)
    if (c.saving > best.back().saving) best.push_back(c);
  return best;
}

/// The cheapest choice on the frontier that fits, between one that does not (the first) and one that does
/// (the last). Bytes fall nearly linearly with the estimated savings, so guesses by interpolation need few
/// plans.
class Search {
public:
  Search(Planner &planner, const std::vector<Candidate> &choices, int64_t layers, int64_t budget)
      : planner(planner), choices(choices), layers(layers), budget(budget) {}

  FailureOr<std::pair<Counts, Measure>> run(Measure least, Measure most) {
    size_t low = 0, high = choices.size() - 1; // too large, fits
    Measure atLow = least, atHigh = most;
    for (int guesses = 0; high - low > 1; ++guesses) {
      size_t middle = guesses < kGuesses ? guess(low, high, atLow.bytes, atHigh.bytes) : (low + high) / 2;
      auto measured = planner.measure(choices[middle].counts.modes(layers));
      if (failed(measured)) return failure();
      if (measured->bytes <= budget)
        high = middle, atHigh = *measured;
      else
        low = middle, atLow = *measured;
    }
    return std::pair{choices[high].counts, atHigh};
  }

private:
  static constexpr int kGuesses = 4; ///< then by halves

  /// The first choice strictly between that should fit.
  size_t guess(size_t low, size_t high, int64_t lowBytes, int64_t highBytes) const {
    double span = choices[high].saving - choices[low].saving;
    double needed = choices[low].saving + span * double(lowBytes - budget) / double(lowBytes - highBytes);
    size_t middle = low + 1;
    while (middle + 1 < high && choices[middle].saving < needed) ++middle;
    return middle;
  }

  Planner &planner;
  const std::vector<Candidate> &choices;
  int64_t layers, budget;
};

/// Mebibytes, rounded up: a budget that holds `bytes`.
std::string budgetFor(int64_t bytes) { return fmt::format("{}MiB", (bytes + (1 << 20) - 1) >> 20); }

[[noreturn]] void failTooSmall(int64_t budget, int64_t smallest) {
  failWithHint(
      kBadInput,
      fmt::format("write memory.budget = \"{}\", or lower data.batch or model.n", budgetFor(smallest)),
      "memory.budget of {} cannot be met: with everything recomputed that can be, this model takes {}",
      formatBytes(uint64_t(budget)), formatBytes(uint64_t(smallest)));
}

} // namespace

FailureOr<RecomputeChoice> chooseRecompute(ModuleOp model, PipelineOptions options, int64_t budget) {
  auto loss = model.lookupSymbol<func::FuncOp>(kLossFunction);
  if (!loss) return model.emitError("there is no @loss, so there is nothing to recompute");
  int64_t layers = int64_t(findLayers(loss.getBody().front()).size());
  Planner planner(model, std::move(options));
  std::vector<std::string> nothing(size_t(layers), "none");
  FailureOr<Measure> none = planner.measureAll(nothing);
  if (failed(none)) return failure();
  auto choice = [&](const std::vector<std::string> &modes, Measure m) {
    return RecomputeChoice{
        modes, budget, m.bytes, none->bytes - m.bytes, m.flops, m.flops - none->flops, planner.plans};
  };
  if (none->bytes <= budget) return choice(nothing, *none);
  if (layers == 0) failTooSmall(budget, none->bytes);
  FailureOr<Measure> least = planner.measure(Counts{}.modes(layers));
  if (failed(least)) return failure();
  if (least->bytes <= budget) return choice(Counts{}.modes(layers), *least);

  FailureOr<Measure> block = planner.measure(Counts{0, layers, 0}.modes(layers));
  FailureOr<Measure> attention = planner.measure(Counts{0, 0, layers}.modes(layers));
  if (failed(block) || failed(attention)) return failure();
  auto aLayer = [&](Measure m) {
    return Candidate{
        {}, (m.flops - least->flops) / double(layers), double(least->bytes - m.bytes) / double(layers)};
  };
  ALayer layer{std::nullopt, aLayer(*block), aLayer(*attention)};
  int64_t smallest = std::min({least->bytes, block->bytes, attention->bytes});
  Measure everything;
  if (smallest > budget) { // the last resort
    FailureOr<Measure> all = planner.measure(Counts{layers, 0, 0}.modes(layers));
    if (failed(all)) return failure();
    everything = *all, layer.all = aLayer(*all), smallest = std::min(smallest, all->bytes);
  }
  if (smallest > budget) failTooSmall(budget, smallest);
  std::vector<Candidate> choices = frontier(layers, layer);
  const Counts &last = choices.back().counts;
  const Measure &most = last.all == layers ? everything : last.block == layers ? *block : *attention;
  auto found = Search(planner, choices, layers, budget).run(*least, most);
  if (failed(found)) return failure();
  return choice(found->first.modes(layers), found->second);
}

std::string RecomputeChoice::pipelineOption() const { return fmt::format("{}", fmt::join(modes, ",")); }

std::string RecomputeChoice::describe() const {
  std::string layers;
  for (size_t first = 0; first < modes.size();) {
    size_t end = first;
    while (end < modes.size() && modes[end] == modes[first]) ++end;
    std::string range = end - first == 1 ? fmt::format("{}", first) : fmt::format("{}-{}", first, end - 1);
    layers += fmt::format("{}{} {}", layers.empty() ? "layers " : ", ", range,
                          modes[first] == "none" ? "nothing" : modes[first]);
    first = end;
  }
  return fmt::format(
      "{}: {} of a budget of {}; saves {}, adds {}FLOP ({:.1f} %) to a micro-step ({} memory plan{} "
      "tried)",
      layers, formatBytes(uint64_t(bytes)), formatBytes(uint64_t(budget)),
      formatBytes(uint64_t(std::max<int64_t>(savedBytes, 0))), formatCount(addedFlops),
      100 * addedFlops / (flops - addedFlops), plans, plans == 1 ? "" : "s");
}

} // namespace drawloom
