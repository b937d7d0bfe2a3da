#include "dialect/pattern/Pattern.h"
#include "dialect/pattern/Parser.h"

namespace drawloom {

std::string PatternError::str() const {
  return "column " + std::to_string(column) + ": " + message + (hint.empty() ? "" : " (" + hint + ")");
}

std::optional<Pattern> Pattern::parse(std::string_view text, PatternError &error) {
  SetRef root = parsePattern(text, error);
  if (!root) return std::nullopt;
  return Pattern(std::move(root));
}

std::string Pattern::spelling() const { return print(*set); }

bool Pattern::contains(int64_t h, int64_t i, int64_t j, int64_t n) const {
  return 0 <= j && j <= i && i < n && evaluate(*set, {h, i, j, n});
}

static SetRef resolveHeads(const SetRef &s, int64_t h) {
  if (s->kind == SetKind::Heads) return resolveHeads(s->children[floorMod(h, s->children.size())], h);
  if (s->children.empty()) return s;
  std::vector<SetRef> children;
  for (const SetRef &c : s->children) children.push_back(resolveHeads(c, h));
  switch (s->kind) {
  case SetKind::And: return makeAnd(std::move(children));
  case SetKind::Or: return makeOr(std::move(children));
  default: return makeNot(std::move(children.front()));
  }
}

Pattern Pattern::forHead(int64_t h) const { return Pattern(resolveHeads(set, h)); }

} // namespace drawloom
