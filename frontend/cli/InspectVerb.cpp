// drawloom inspect: what a model consists of and what it costs.
#include "frontend/build/Cost.h"
#include "frontend/cli/Model.h"
#include "frontend/cli/Table.h"
#include "frontend/cli/Verbs.h"
#include "runtime/artifact/Artifact.h"
#include "runtime/program/Memory.h"
#include "runtime/support/Format.h"
#include <map>

namespace drawloom::cli {
namespace {

struct Options {
  ModelInput input;
  bool json = false, noPlan = false;
};

/// Layers that follow each other and have one pattern.
struct LayerGroup {
  size_t first = 0, last = 0;
  std::string pattern;
  double pairs = 0, density = 0; // of one layer
};

std::vector<LayerGroup> layerGroups(const Network &net) {
  std::vector<LayerGroup> groups;
  std::map<std::string, double> pairs;
  double causal = double(net.heads) * double(net.n) * double(net.n + 1) / 2;
  for (size_t k = 0; k < net.layers.size(); ++k) {
    const std::string &pattern = net.layers[k].pattern;
    if (!groups.empty() && groups.back().pattern == pattern) {
      groups.back().last = k;
      continue;
    }
    auto [it, fresh] = pairs.try_emplace(pattern, 0);
    if (fresh) it->second = double(pairsOfLayer(net, int64_t(k)));
    groups.push_back({k, k, pattern, it->second, it->second / causal});
  }
  return groups;
}

/// "attention", "feed-forward", ... of a parameter's name.
std::string partOf(const std::string &name) {
  if (name.starts_with("embed.pos")) return "positions";
  if (name.starts_with("embed.")) return "tokens";
  if (name.starts_with("out.")) return "output";
  if (name.find(".qkv.") != name.npos || name.find(".proj.") != name.npos) return "attention";
  if (name.find(".ff") != name.npos) return "feed-forward";
  return "norms";
}

std::vector<std::pair<std::string, int64_t>> parameterParts(const Network &net) {
  std::vector<std::pair<std::string, int64_t>> parts{{"tokens", 0},       {"positions", 0}, {"attention", 0},
                                                     {"feed-forward", 0}, {"norms", 0},     {"output", 0}};
  for (const ParameterInfo &p : net.parameters)
    for (auto &[part, count] : parts)
      if (part == partOf(p.name)) count += p.elements();
  return parts;
}

std::string arenaName(plan::Arena arena) {
  std::string name = plan::EnumNameArena(arena);
  for (char &c : name) c = char(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

struct FunctionCost {
  std::string name;
  size_t commands = 0;
  uint64_t flops = 0, bytes = 0, activations = 0;
};

std::vector<FunctionCost> functionCosts(const plan::Plan &p) {
  std::vector<FunctionCost> costs;
  for (const plan::Function *f : *p.functions()) {
    FunctionCost c{f->name()->str(), f->commands() ? f->commands()->size() : 0, 0, 0, f->activation_bytes()};
    if (f->commands())
      for (const plan::Command *command : *f->commands())
        c.flops += command->flops(), c.bytes += command->bytes();
    costs.push_back(std::move(c));
  }
  return costs;
}

nlohmann::ordered_json planJson(const plan::Plan &p) {
  nlohmann::ordered_json json;
  json["target"] = p.target()->str();
  json["cpu_features"] = nlohmann::ordered_json::array();
  if (p.cpu_features())
    for (auto *f : *p.cpu_features()) json["cpu_features"].push_back(f->str());
  json["kernels"] = p.kernels() ? p.kernels()->size() : 0;
  if (p.code()) json["code_bytes"] = p.code()->bytes();
  for (size_t k = 0; p.arena_bytes() && k < p.arena_bytes()->size(); ++k)
    json["memory"][arenaName(plan::Arena(k))] = p.arena_bytes()->Get(unsigned(k));
  json["memory"]["total"] = totalArenaBytes(p);
  json["memory"]["without_state"] = bytesWithoutState(p);
  for (const FunctionCost &c : functionCosts(p))
    json["functions"].push_back({{"name", c.name},
                                 {"commands", c.commands},
                                 {"flops", c.flops},
                                 {"bytes", c.bytes},
                                 {"activation_bytes", c.activations}});
  return json;
}

void printJson(const Network &net, const plan::Plan *plan) {
  TokenFlops flops = flopsPerToken(net);
  nlohmann::ordered_json json{{"name", net.name},
                              {"n", net.n},
                              {"d", net.d},
                              {"heads", net.heads},
                              {"parameters", net.parameterCount()}};
  for (auto &[part, count] : parameterParts(net)) json["parameters_by_part"][part] = count;
  for (const LayerGroup &g : layerGroups(net))
    json["layers"].push_back({{"first", g.first},
                              {"last", g.last},
                              {"pattern", g.pattern},
                              {"pairs", g.pairs},
                              {"density", g.density}});
  json["flops_per_token"] = {{"linear", flops.linear},
                             {"attention", flops.attention},
                             {"forward", flops.total()},
                             {"training", 3 * flops.total()}};
  if (plan) json["plan"] = planJson(*plan);
  fmt::print("{}\n", json.dump(2));
}

void printText(const Network &net, const plan::Plan *plan) {
  fmt::print("{}: {} layers, {} heads, d {}, q and k {}, inner width {}, n {}\n\n", net.name,
             net.layers.size(), net.heads, net.d, net.qk, net.ff, net.n);
  Table layers({"layers", "pattern", "pairs a layer", "of causal"}, {0, 1});
  for (const LayerGroup &g : layerGroups(net))
    layers.add({g.first == g.last ? fmt::format("{}", g.first) : fmt::format("{}-{}", g.first, g.last),
                g.pattern, formatCount(g.pairs), fmt::format("{:.2f} %", 100 * g.density)});
  fmt::print("{}\n", layers.text());

  Table parameters({"parameters", "", ""});
  double total = double(net.parameterCount());
  for (auto &[part, count] : parameterParts(net))
    parameters.add(
        {"  " + part, fmt::format("{}", count), fmt::format("{:.1f} %", 100 * double(count) / total)});
  parameters.add({"  all", fmt::format("{}", net.parameterCount()), ""});
  fmt::print("{}\n", parameters.text());

  TokenFlops flops = flopsPerToken(net);
  fmt::print("operations a token, forward: {}FLOP ({}FLOP in matrices, {}FLOP in attention); a training step "
             "takes three times as many\n",
             formatCount(flops.total()), formatCount(flops.linear), formatCount(flops.attention));
  if (!plan) return;
  Table functions({"function", "commands", "operations", "bytes moved", "activations"});
  for (const FunctionCost &c : functionCosts(*plan))
    functions.add({c.name, fmt::format("{}", c.commands), formatCount(double(c.flops)), formatBytes(c.bytes),
                   formatBytes(c.activations)});
  fmt::print("\n{}\n{}", functions.text(), describeMemory(*plan));
  std::string code = plan->code() ? formatBytes(plan->code()->bytes()) + " of code" : "not compiled";
  fmt::print("\n{} kernels, {} for {}\n", plan->kernels() ? plan->kernels()->size() : 0, code,
             plan->target()->str());
}

int run(const Options &o) {
  std::optional<Artifact> artifact;
  flatbuffers::DetachedBuffer planned;
  std::optional<spec::Spec> spec;
  if (o.input.isArtifact()) {
    artifact = Artifact::fromBytes(artifactBytes(o.input), o.input.path);
    spec = spec::Spec::fromJson(nlohmann::ordered_json::parse(artifact->plan().spec()->str(), nullptr, false),
                                o.input.path);
  } else {
    spec = o.input.spec();
    if (!o.noPlan) planned = planSpec(*spec);
  }
  Network net = makeNetwork(*spec);
  const plan::Plan *plan = artifact         ? &artifact->plan()
                           : planned.data() ? flatbuffers::GetRoot<plan::Plan>(planned.data())
                                            : nullptr;
  if (o.json)
    printJson(net, plan);
  else
    printText(net, plan);
  return kSuccess;
}

} // namespace

Run addInspect(CLI::App &app) {
  auto o = std::make_shared<Options>();
  app.description("Example:  drawloom inspect models/enwik8.toml\n"
                  "          drawloom inspect demo.loom --json\n\n"
                  "Show a model's layers and patterns, parameters, operations a token (attention by exact "
                  "query-key pairs) and memory plan.");
  addModelInput(app, o->input, true);
  app.add_flag("--no-plan", o->noPlan, "leave out functions and the memory plan");
  app.add_flag("--json", o->json, "as JSON");
  return [o] { return run(*o); };
}

} // namespace drawloom::cli
