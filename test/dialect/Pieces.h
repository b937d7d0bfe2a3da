// Two modules' worth of text: attention and its gradient as whole ops, and as chains over a pattern's pieces.
#pragma once
#include "dialect/ir/Dialect.h"
#include <fmt/format.h>
#include <string>
#include <vector>

namespace drawloom::test {

struct AttentionShape {
  int64_t batch, n, heads, widthQk, widthV;
  double scale;

  std::string qk() const { return fmt::format("tensor<{}x{}x{}xf64>", batch, n, heads * widthQk); }
  std::string v() const { return fmt::format("tensor<{}x{}x{}xf64>", batch, n, heads * widthV); }
  std::string rows() const { return fmt::format("tensor<{}x{}x{}xf64>", batch, heads, n); }
  std::string arguments() const {
    return fmt::format("(%q: {0}, %k: {0}, %v: {1}, %d: {1}) -> ({1}, {2}, {0}, {0}, {1})", qk(), v(),
                       rows());
  }
  std::string results() const {
    return fmt::format("%o, %l, %dq, %dk, %dv : {1}, {2}, {0}, {0}, {1}", qk(), v(), rows());
  }
};

/// func @NAME(q, k, v, dout) -> (out, lse, dq, dk, dv) by attention and attention_grad.
inline std::string wholeAttention(const std::string &name, const AttentionShape &s,
                                  const std::string &pattern) {
  std::string attrs =
      fmt::format("{{pattern = #drawloom.pattern<\"{}\">, heads = {} : i64, scale = {:.17e} : f64}}", pattern,
                  s.heads, s.scale);
  return fmt::format(R"(func.func @{0}{1} {{
  %o, %l = drawloom.attention %q, %k, %v {2} : ({3}, {3}, {4}) -> ({4}, {5})
  %dq, %dk, %dv = drawloom.attention_grad %d, %q, %k, %v, %o, %l {2} : ({4}, {3}, {3}, {4}, {4}, {5}) -> ({3}, {3}, {4})
  return {6}
}}
)",
                     name, s.arguments(), attrs, s.qk(), s.v(), s.rows(), s.results());
}

/// The same by attend, attention_delta and attend_grad over `views`, of which there is at least one.
inline std::string attentionByPieces(const std::string &name, const AttentionShape &s,
                                     const std::vector<PieceView> &views, mlir::MLIRContext *context) {
  std::string body, from, fromTypes;
  auto attrs = [&](const PieceView &view) {
    std::string text;
    llvm::raw_string_ostream(text) << ViewAttr::get(context, view);
    return fmt::format("{{view = {}, heads = {} : i64, scale = {:.17e} : f64}}", text, s.heads, s.scale);
  };
  for (size_t k = 0; k < views.size(); ++k) {
    std::string suffix = k + 1 == views.size() ? "" : std::to_string(k);
    body +=
        fmt::format("  %o{0}, %l{0} = drawloom.attend %q, %k, %v{1} {2} : ({3}, {3}, {4}{5}) -> ({4}, {6})\n",
                    suffix, from, attrs(views[k]), s.qk(), s.v(), fromTypes, s.rows());
    from = fmt::format(" from %o{0}, %l{0}", suffix);
    fromTypes = fmt::format(", {}, {}", s.v(), s.rows());
  }
  body +=
      fmt::format("  %delta = drawloom.attention_delta %d, %o {{heads = {0} : i64}} : ({1}, {1}) -> {2}\n",
                  s.heads, s.v(), s.rows());
  from = fromTypes = "";
  for (size_t k = 0; k < views.size(); ++k) {
    std::string suffix = k + 1 == views.size() ? "" : std::to_string(k);
    body += fmt::format(
        "  %dq{0}, %dk{0}, %dv{0} = drawloom.attend_grad %d, %q, %k, %v, %l, %delta{1} {2} : ({4}, {3}, "
        "{3}, {4}, {6}, {6}{5}) -> ({3}, {3}, {4})\n",
        suffix, from, attrs(views[k]), s.qk(), s.v(), fromTypes, s.rows());
    from = fmt::format(" from %dq{0}, %dk{0}, %dv{0}", suffix);
    fromTypes = fmt::format(", {0}, {0}, {1}", s.qk(), s.v());
  }
  return fmt::format("func.func @{}{} {{\n{}  return {}\n}}\n", name, s.arguments(), body, s.results());
}

} // namespace drawloom::test
