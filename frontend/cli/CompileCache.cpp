#include "frontend/cli/CompileCache.h"
#include "codegen/Artifact.h"
#include "codegen/BuildId.h"
#include "codegen/nvptx/Ptxas.h"
#include "passes/Names.h"
#include "runtime/artifact/Artifact.h"
#include "runtime/support/Error.h"
#include <cstring>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

using namespace mlir;
using Json = nlohmann::ordered_json;

namespace drawloom {
namespace {

/// The module as text, without the attributes that an artifact carries for the runtime.
std::string contentOf(ModuleOp module) {
  Attribute spec = module->removeAttr(kSpecAttr), source = module->removeAttr(kSpecSourceAttr);
  std::string text;
  llvm::raw_string_ostream out(text);
  module.print(out, OpPrintingFlags().assumeVerified().useLocalScope());
  if (spec) module->setAttr(kSpecAttr, spec);
  if (source) module->setAttr(kSpecSourceAttr, source);
  return text;
}

/// Which ptxas assembles.
std::string assemblerId() {
  std::optional<std::string> path = findPtxas();
  return path ? identityOf(*path) : "none";
}

std::string tuningText(const CompileOptions &o) {
  if (!o.tuning) return "";
  std::string text = "tuned\n"; // also by nothing: then the report has choices
  for (const auto &[problem, cut] : *o.tuning) text += problem + "\n" + cut + "\n";
  return text;
}

std::string optionsText(const CompileOptions &o) {
  const Target &t = o.target;
  return fmt::format("{}\n{}\n{}\n{}\n{} {} {} {}\n{}\n{}\n{}\n{}\n{}", t.name, t.triple, t.cpu,
                     fmt::join(t.features, ","), t.vectorBits, t.lanes, t.ptx, t.sharedBytes, o.recompute,
                     o.recompute == "auto" ? o.memoryBudget : 0, o.precision, o.optLevel, tuningText(o));
}

Json toJson(const CompileReport &r, const std::vector<std::string> &warnings) {
  Json json{{"kernels", r.kernels}, {"code_bytes", r.codeBytes}, {"cubin_bytes", r.cubinBytes}};
  json["warnings"] = warnings;
  json["resources"] = Json::array();
  for (const KernelResources &k : r.resources)
    json["resources"].push_back(
        {k.kernel, k.registers, k.barriers, k.stackBytes, k.spillStores, k.spillLoads, k.sharedBytes});
  json["choices"] = Json::array();
  for (const KernelChoice &c : r.choices) json["choices"].push_back({c.problem, c.cuts, c.chosen});
  if (const auto &c = r.recompute)
    json["recompute"] = {{"modes", c->modes}, {"budget", c->budget},
                         {"bytes", c->bytes}, {"saved_bytes", c->savedBytes},
                         {"flops", c->flops}, {"added_flops", c->addedFlops},
                         {"plans", c->plans}};
  return json;
}

void fromJson(const Json &json, CompiledModule &into) {
  CompileReport &r = into.report;
  json.at("kernels").get_to(r.kernels);
  json.at("code_bytes").get_to(r.codeBytes);
  json.at("cubin_bytes").get_to(r.cubinBytes);
  json.at("warnings").get_to(into.warnings);
  for (const Json &k : json.at("resources"))
    r.resources.push_back({k.at(0), k.at(1), k.at(2), k.at(3), k.at(4), k.at(5), k.at(6)});
  for (const Json &c : json.at("choices")) r.choices.push_back({c.at(0), c.at(1), c.at(2)});
  if (!json.contains("recompute")) return;
  const Json &c = json["recompute"];
  r.recompute = RecomputeChoice{c.at("modes"), c.at("budget"),      c.at("bytes"), c.at("saved_bytes"),
                                c.at("flops"), c.at("added_flops"), c.at("plans")};
}

/// The artifact with the spec of `module` in it.
std::vector<std::byte> withSpecOf(ModuleOp module, std::vector<std::byte> bytes, const std::string &name) {
  Artifact artifact = Artifact::fromBytes(bytes, name);
  auto text = [&](StringRef attribute, const char *otherwise) {
    auto value = module->getAttrOfType<StringAttr>(attribute);
    return value ? value.str() : std::string(otherwise);
  };
  std::string spec = text(kSpecAttr, "{}"), source = text(kSpecSourceAttr, "");
  const plan::Plan &stored = artifact.plan();
  if (stored.spec()->str() == spec && stored.spec_source() && stored.spec_source()->str() == source)
    return bytes;
  plan::PlanT plan;
  stored.UnPackTo(&plan);
  plan.spec = std::move(spec);
  plan.spec_source = std::move(source);
  auto copy = [](std::span<const std::byte> s) { return std::vector<std::byte>(s.begin(), s.end()); };
  return assembleArtifact(plan, copy(artifact.code()), copy(artifact.sass()));
}

} // namespace

std::string CompileCache::keyOf(ModuleOp module, const CompileOptions &options, std::string_view kind) {
  return DiskCache::keyOf({kind, contentOf(module), optionsText(options), compilerBuildId(),
                           options.target.isGpu() ? assemblerId() : std::string()});
}

// An entry is the number of the report's bytes, the report as JSON, then the artifact.

std::optional<CompiledModule> CompileCache::findModule(const std::string &key, ModuleOp module) const {
  std::optional<std::vector<std::byte>> content = files.find(key);
  uint64_t reportBytes = 0;
  if (!content || content->size() < sizeof reportBytes) return std::nullopt;
  std::memcpy(&reportBytes, content->data(), sizeof reportBytes);
  if (reportBytes > content->size() - sizeof reportBytes) return std::nullopt;
  const char *report = reinterpret_cast<const char *>(content->data()) + sizeof reportBytes;
  CompiledModule compiled;
  try {
    fromJson(Json::parse(report, report + reportBytes), compiled);
    content->erase(content->begin(), content->begin() + ptrdiff_t(sizeof reportBytes + reportBytes));
    compiled.artifact = withSpecOf(module, std::move(*content), "the cached artifact");
  } catch (const std::exception &) { // written by something else: it is made again
    return std::nullopt;
  }
  return compiled;
}

void CompileCache::storeModule(const std::string &key, const CompiledModule &compiled) const {
  std::string report = toJson(compiled.report, compiled.warnings).dump();
  uint64_t reportBytes = report.size();
  auto number = std::as_bytes(std::span(&reportBytes, 1)), text = std::as_bytes(std::span(report));
  std::vector<std::byte> content(number.begin(), number.end());
  content.insert(content.end(), text.begin(), text.end());
  content.insert(content.end(), compiled.artifact.begin(), compiled.artifact.end());
  files.store(key, content);
}

std::optional<std::vector<std::byte>> CompileCache::findPlan(const std::string &key) const {
  std::optional<std::vector<std::byte>> content = files.find(key);
  if (!content) return std::nullopt;
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t *>(content->data()), content->size());
  return verifier.VerifyBuffer<plan::Plan>() ? content : std::nullopt;
}

} // namespace drawloom
