#include "runtime/abi/Abi.h"
#include "runtime/artifact/VerifyParts.h"
#include "runtime/support/Hash.h"
#include <map>
#include <queue>
#include <unordered_set>

namespace drawloom {

uint64_t elementBytes(plan::DType dtype) {
  switch (dtype) {
  case plan::DType::F64:
  case plan::DType::I64: return 8;
  case plan::DType::F32:
  case plan::DType::I32: return 4;
  case plan::DType::BF16:
  case plan::DType::F16: return 2;
  case plan::DType::U8: return 1;
  }
  return 0;
}

namespace verify {

void Context::reject(std::string_view rule, const std::string &message) const {
  throw Error(kBadInput, fmt::format("{}: invalid artifact: {} [{}]", file.name, message, rule),
              "compile the model again with 'drawloom compile'");
}

bool isForGpu(const plan::Plan &plan) {
  return std::string_view(plan.target()->c_str(), plan.target()->size()).starts_with("sm_");
}

std::string quote(const flatbuffers::String *s) {
  if (!s) return "(unnamed)";
  std::string_view text(s->c_str(), s->size());
  std::string out = "'";
  for (char ch : text.substr(0, 80)) out += ch >= ' ' && ch <= '~' ? ch : '?';
  return out + (text.size() > 80 ? "...'" : "'");
}

void requireUniqueNames(const Context &c, std::string_view kind,
                        std::vector<const flatbuffers::String *> names) {
  std::unordered_set<std::string_view> seen;
  for (auto *name : names) {
    c.require(name && name->size() > 0, "PLAN5", "a {} has no name", kind);
    c.require(seen.emplace(name->c_str(), name->size()).second, "PLAN5", "two {}s are named {}", kind,
              quote(name));
  }
}

bool findOverlap(std::vector<LiveRange> ranges, uint32_t &a, uint32_t &b) {
  std::erase_if(ranges, [](const LiveRange &r) { return r.begin >= r.end; });
  std::sort(ranges.begin(), ranges.end(), [](auto &x, auto &y) { return x.first < y.first; });
  // Walk through time. Live ranges are disjoint so far, so a new one can only meet its two neighbours.
  std::map<uint64_t, const LiveRange *> live; // by begin
  auto diesLater = [](const LiveRange *x, const LiveRange *y) { return x->last > y->last; };
  std::priority_queue<const LiveRange *, std::vector<const LiveRange *>, decltype(diesLater)> deaths(
      diesLater);
  for (const LiveRange &r : ranges) {
    for (; !deaths.empty() && deaths.top()->last < r.first; deaths.pop()) live.erase(deaths.top()->begin);
    auto next = live.lower_bound(r.begin);
    const LiveRange *hit = next != live.end() && next->second->begin < r.end ? next->second : nullptr;
    if (!hit && next != live.begin() && std::prev(next)->second->end > r.begin) hit = std::prev(next)->second;
    if (hit) {
      a = hit->index;
      b = r.index;
      return true;
    }
    live.emplace(r.begin, &r);
    deaths.push(&r);
  }
  return false;
}

/// PLAN2..4.
static void verifyScalars(const Context &c) {
  auto &p = c.plan;
  c.require(p.abi_version() == abi::kAbiVersion, "PLAN2", "the plan is of ABI version {}; expected {}",
            p.abi_version(), abi::kAbiVersion);
  c.require(hash64(std::string_view(p.spec()->c_str(), p.spec()->size())) == p.spec_hash(), "PLAN3",
            "the model spec does not match its hash");
  c.requireAligned(p.arena_bytes(), "arena_bytes");
  c.require(sizeOf(p.arena_bytes()) == kArenas, "PLAN4", "arena_bytes has {} entries; expected {}",
            sizeOf(p.arena_bytes()), kArenas);
  uint64_t sum = 0;
  for (uint64_t bytes : *p.arena_bytes()) {
    c.require(bytes < kMaxArenaBytes, "PLAN4", "an arena of {} bytes is too large", bytes);
    sum += bytes;
  }
  c.require(sum < kMaxArenaBytes, "PLAN4", "arenas of {} bytes together are too large", sum);
}

} // namespace verify

void verifyPlan(const plan::Plan &plan, const ArtifactFile &file) {
  verify::Context c{plan, file};
  verify::verifyScalars(c);
  verify::verifySegments(c);
  verify::verifyBuffers(c);
  verify::verifyKernels(c);
  verify::verifyFunctions(c);
  verify::verifyParameters(c);
}

} // namespace drawloom
