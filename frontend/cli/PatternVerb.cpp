// drawloom pattern: what an attention pattern is, costs and connects.
#include "dialect/pattern/Connectivity.h"
#include "dialect/pattern/Tiles.h"
#include "dialect/pattern/Views.h"
#include "frontend/cli/PatternPicture.h"
#include "frontend/cli/Table.h"
#include "frontend/cli/Verbs.h"
#include "frontend/spec/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "runtime/support/File.h"
#include "runtime/support/Format.h"
#include <nlohmann/json.hpp>

namespace drawloom::cli {
namespace {

struct Options {
  std::vector<std::string> texts;
  int64_t n = 64, heads = 1, head = 0, tile = 64, cells = 64;
  std::string pgm;
  bool json = false, connectivity = false;
};

/// What a piece costs in tiles of Tq x Tk.
struct PieceStatistics {
  size_t heads = 0;
  int64_t slices = 0, pairs = 0, edge = 0, full = 0;
  bool predicate = false;
  /// Share of the pairs in the tiles that are touched which belong to the pattern.
  double useful(int64_t tile) const {
    return edge + full ? double(pairs) / (double(edge + full) * double(tile) * double(tile)) : 1;
  }
};

PieceStatistics statistics(const PieceView &view, int64_t tile) {
  ViewEvaluator evaluator(view);
  PieceStatistics s;
  s.heads = view.heads.size();
  s.pairs = countPairs(view);
  s.predicate = !view.predicate.empty();
  for (int64_t h : view.heads) {
    s.slices += evaluator.slices(h);
    for (int64_t slice = 0; slice < evaluator.slices(h); ++slice)
      for (int64_t q = 0; q * tile < evaluator.rows(h, slice); ++q) {
        TileRange r = keyTiles(evaluator, h, slice, q, tile, tile);
        s.full += r.fullHi - r.fullLo;
        s.edge += (r.nonemptyHi - r.nonemptyLo) - (r.fullHi - r.fullLo);
      }
  }
  return s;
}

constexpr int64_t kConnectivityLimit = 2048; // minimumSteps takes O(n^3 / 64)

struct Report {
  Pattern pattern;
  int64_t pairs;
  double density;
  std::vector<PieceStatistics> pieces;
};

Report analyse(const Options &o, const std::string &text) {
  Pattern pattern = parsePatternArgument(text);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  Report r{pattern, pattern.countPairs(o.n, o.heads), 0, {}};
  r.density = double(r.pairs) / (double(o.heads) * double(o.n) * double(o.n + 1) / 2);
  for (const PieceView &view : makeViews(pattern, o.n, o.heads, &context))
    r.pieces.push_back(statistics(view, o.tile));
  return r;
}

std::string connectivityText(const Connectivity &c, size_t patterns) {
  if (!c.steps) return fmt::format("no: query {} never sees key {}", c.query, c.key);
  return fmt::format(
      "every query sees every key before it within {} step{} ({})", *c.steps, *c.steps == 1 ? "" : "s",
      c.valid(patterns) ? fmt::format("a valid factorization: at most {}", patterns + 1)
                        : fmt::format("more than {} patterns may take; query {} needs that many for key {}",
                                      patterns, c.query, c.key));
}

nlohmann::ordered_json toJson(const Options &o, const Report &r) {
  nlohmann::ordered_json json{{"pattern", r.pattern.spelling()},
                              {"n", o.n},
                              {"heads", o.heads},
                              {"pairs", r.pairs},
                              {"density", r.density},
                              {"keys_a_query", double(r.pairs) / double(o.n) / double(o.heads)},
                              {"pieces", nlohmann::ordered_json::array()}};
  for (const PieceStatistics &p : r.pieces)
    json["pieces"].push_back({{"heads", p.heads},
                              {"slices", p.slices},
                              {"pairs", p.pairs},
                              {"full_tiles", p.full},
                              {"edge_tiles", p.edge},
                              {"useful", p.useful(o.tile)},
                              {"dense_view", !p.predicate}});
  return json;
}

void print(const Options &o, const Report &r) {
  fmt::print("{}\n", r.pattern.spelling());
  fmt::print("n {}, {} head{}: {} pairs, {:.2f} % of causal attention, {:.1f} keys a query\n", o.n, o.heads,
             o.heads == 1 ? "" : "s", r.pairs, 100 * r.density,
             double(r.pairs) / double(o.n) / double(o.heads));
  Table table({"piece", "heads", "slices", "pairs", fmt::format("full {0} x {0} tiles", o.tile), "edge tiles",
               "useful", "loops"},
              {0, 7});
  for (size_t k = 0; k < r.pieces.size(); ++k) {
    const PieceStatistics &p = r.pieces[k];
    table.add({fmt::format("{}", k), fmt::format("{}", p.heads), fmt::format("{}", p.slices),
               fmt::format("{}", p.pairs), fmt::format("{}", p.full), fmt::format("{}", p.edge),
               fmt::format("{:.1f} %", 100 * p.useful(o.tile)),
               p.predicate ? "tests each pair of an edge tile" : "dense view"});
  }
  fmt::print("{}", table.text());
}

int run(const Options &o) {
  if (o.head >= o.heads)
    failWithHint(kUsage, "heads are counted from 0", "--head {} is not one of {} heads", o.head, o.heads);
  std::vector<Pattern> patterns;
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const std::string &text : o.texts) {
    Report report = analyse(o, text);
    patterns.push_back(report.pattern);
    if (o.json) {
      json.push_back(toJson(o, report));
      continue;
    }
    print(o, report);
    if (o.heads > 1) fmt::print("head {}:\n", o.head);
    fmt::print("{}\n", asciiPicture(report.pattern, o.n, o.head, o.cells));
  }
  std::optional<Connectivity> connectivity;
  if (o.n <= kConnectivityLimit || o.connectivity) connectivity = minimumSteps(patterns, o.n, o.heads);
  if (o.json) {
    nlohmann::ordered_json all{{"patterns", json}};
    if (connectivity) {
      all["connected"] = connectivity->steps.has_value();
      if (connectivity->steps) all["steps"] = *connectivity->steps;
      all["valid"] = connectivity->valid(patterns.size());
    }
    fmt::print("{}\n", all.dump(2));
  } else {
    fmt::print("information flows: {}\n",
               connectivity
                   ? connectivityText(*connectivity, patterns.size())
                   : fmt::format("not asked beyond n = {}; --connectivity asks", kConnectivityLimit));
  }
  if (!o.pgm.empty()) {
    require(patterns.size() == 1, kUsage, "--pgm draws one pattern, found {}", patterns.size());
    require(o.n <= 16384, kUsage, "--pgm draws up to n = 16384, found {}", o.n);
    drawloom::writeFileAtomically(o.pgm, std::string_view(pgmPicture(patterns[0], o.n, o.head)));
  }
  return kSuccess;
}

} // namespace

Run addPattern(CLI::App &app) {
  auto o = std::make_shared<Options>();
  app.description("Example:  drawloom pattern show 'fixed(128, c=32)' --n 12288 --heads 8\n\nLook at an "
                  "attention pattern.");
  app.require_subcommand(1);
  CLI::App *show = app.add_subcommand("show", "a picture, counts, loops, connectivity");
  show->description(
      "Example:  drawloom pattern show 'fixed(16, c=4)' --n 64 --heads 4 --head 1\n"
      "          drawloom pattern show 'column(96)' 'local(96)' --n 1024\n"
      "          drawloom pattern show 'j <= i and (i - j < 8 or (i - j) mod 16 == 0)'\n\n"
      "Draw a pattern, count its query-key pairs, show the pieces that its loops go through, and tell "
      "whether information\n"
      "can flow from every position to every later one. Several patterns are those of successive layers.");
  show->add_option(
          "PATTERN", o->texts,
          "in the pattern language: named forms local(l), column(l), block(l), summary(l, c), strided(l),\n"
          "fixed(l, c), dense, heads(p, q, ...), or a condition on i, j, h, n")
      ->required()
      ->option_text(" ");
  show->add_option("--n", o->n, "positions")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 24))
      ->option_text("POSITIONS [64]");
  show->add_option("--heads", o->heads, "attention heads")
      ->check(CLI::Range(1, 1 << 20))
      ->option_text("COUNT [1]");
  show->add_option("--head", o->head, "head to draw, from 0")
      ->check(CLI::NonNegativeNumber)
      ->option_text("HEAD [0]");
  show->add_option("--tile", o->tile, "side of the tiles that are counted")
      ->check(CLI::Range(1, 1 << 16))
      ->option_text("POSITIONS [64]");
  show->add_option("--width", o->cells, "characters of the picture")
      ->check(CLI::Range(1, 4096))
      ->option_text("CHARACTERS [64]");
  show->add_option("--pgm", o->pgm, "also write an image, one pixel a pair")->option_text("FILE.pgm");
  show->add_flag("--connectivity", o->connectivity,
                 fmt::format("tell whether information flows even beyond n = {} (takes n^3 / 64 steps)",
                             kConnectivityLimit));
  show->add_flag("--json", o->json, "as JSON, without pictures");
  return [o] { return run(*o); };
}

} // namespace drawloom::cli
