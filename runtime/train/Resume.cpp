#include "runtime/train/Resume.h"
#include "runtime/support/Error.h"
#include "runtime/support/Hash.h"
#include <set>

namespace drawloom {

void LossRecord::log(int64_t step) {
  history.emplace_back(step, window.nll());
  if (history.size() > kHistory) history.erase(history.begin(), history.end() - kHistory);
  window = {};
}

Json describeState(const TrainSpec &spec, int64_t steps, const DataSet &set, uint64_t sequence,
                   uint64_t epoch, const LossRecord &record, const LossScaler &scaler) {
  Json state;
  state["steps"] = steps;
  state["seed"] = spec.train.seed;
  state["spec_hash"] = fmt::format("{:016x}", hash64(spec.json.dump()));
  state["data"] = {{"path", set.path()},
                   {"bytes", set.size()},
                   {"fingerprint", fmt::format("{:016x}", set.fingerprint())},
                   {"next_window", sequence},
                   {"epoch", epoch}};
  state["window"] = {
      {"nll_sum", record.window.nllSum}, {"steps", record.window.steps}, {"seconds", record.window.seconds}};
  state["history"] = Json::array();
  for (auto [step, nll] : record.history) state["history"].push_back({step, nll});
  if (Json s = scaler.state(); !s.is_null()) state["loss_scaler"] = s;
  state["spec"] = spec.json;
  return state;
}

LossRecord lossRecordOf(const Json &state) {
  try {
    LossRecord r;
    const Json &w = state.at("window");
    r.window = {w.at("nll_sum").get<double>(), w.at("seconds").get<double>(), w.at("steps").get<int64_t>()};
    for (const Json &h : state.at("history"))
      r.history.emplace_back(h.at(0).get<int64_t>(), h.at(1).get<double>());
    return r;
  } catch (const nlohmann::json::exception &e) {
    fail(kBadInput, "state.json of the checkpoint: {}", e.what());
  }
}

LossScaler lossScalerOf(const Json &state, bool on, double initial) {
  return LossScaler::of(state.contains("loss_scaler") ? state["loss_scaler"] : Json(nullptr), on, initial);
}

/// Every leaf of a section as ("section.key", value).
static std::map<std::string, Json> leavesOf(const Json &spec, const std::string &section) {
  std::map<std::string, Json> out;
  if (!spec.contains(section) || !spec[section].is_object() || spec[section].empty()) return out;
  const Json flat = spec[section].flatten(); // must outlive the loop
  for (auto &[pointer, value] : flat.items()) {
    std::string key = section + pointer;
    for (char &c : key) c = c == '/' ? '.' : c;
    out[key] = value;
  }
  return out;
}

static std::vector<std::string> differences(const Json &before, const Json &now, const std::string &section,
                                            const std::set<std::string> &ignored) {
  auto a = leavesOf(before, section), b = leavesOf(now, section);
  std::set<std::string> keys;
  for (auto &[k, v] : a) keys.insert(k);
  for (auto &[k, v] : b) keys.insert(k);
  std::vector<std::string> out;
  auto text = [](const std::map<std::string, Json> &m, const std::string &k) {
    return m.contains(k) ? m.at(k).dump() : "absent";
  };
  for (auto &k : keys)
    if (!ignored.contains(k) && text(a, k) != text(b, k))
      out.push_back(fmt::format("{}: {} -> {}", k, text(a, k), text(b, k)));
  return out;
}

std::vector<std::string> compareSpecs(const Json &state, const TrainSpec &spec,
                                      const std::string &checkpoint) {
  require(state.contains("spec") && state["spec"].is_object(), kBadInput, "{}/state.json: no \"spec\"",
          checkpoint);
  const Json &before = state["spec"];
  for (const char *section : {"model", "attention"})
    for (auto &d : differences(before, spec.json, section, {"model.name", "model.dropout"}))
      failWithHint(
          kBadInput,
          "resume with the spec that the run was started with, or start anew from its weights with --init",
          "checkpoint '{}' is of another model: {}", checkpoint, d);
  std::vector<std::string> notes;
  for (auto [section, ignored] :
       {std::pair{"model", std::set<std::string>{"model.name"}}, std::pair{"train", std::set<std::string>{}},
        std::pair{"data", std::set<std::string>{"data.path"}}})
    for (auto &d : differences(before, spec.json, section, ignored)) notes.push_back(d);
  // Of the section run these alone change what is computed.
  for (auto &d : differences(before, spec.json, "run", {}))
    if ((d.starts_with("run.precision: ") || d.starts_with("run.device: ")) &&
        d.find(": absent ->") == std::string::npos)
      notes.push_back(d);
  return notes;
}

void checkSameData(const Json &state, const DataSet &set, const std::string &checkpoint) {
  const Json data = state.value("data", Json::object());
  auto now = fmt::format("{:016x}", set.fingerprint());
  if (data.value("fingerprint", std::string()) == now) return;
  failWithHint(
      kBadInput, "give the data that the run was started with, or start anew from its weights with --init",
      "'{}' is not the data that '{}' was trained on ('{}', {} bytes; this one has {})", set.path(),
      checkpoint, data.value("path", std::string("?")), data.value("bytes", uint64_t(0)), set.size());
}

} // namespace drawloom
