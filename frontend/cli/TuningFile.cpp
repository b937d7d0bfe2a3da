#include "frontend/cli/TuningFile.h"
#include "runtime/checkpoint/StrictJson.h"
#include "runtime/support/Error.h"
#include "runtime/support/File.h"
#include <filesystem>

namespace drawloom::cli {
namespace {

constexpr int kVersion = 1;
constexpr const char *kVersionKey = "drawloom_tuning", *kKernels = "kernels", *kCut = "cut";

[[noreturn]] void failFile(const std::string &path, const std::string &what) {
  failWithHint(kBadInput, "make it anew with drawloom bench ... --tune", "{}: {}", path, what);
}

/// The file's object, whose form is checked.
Json readChecked(const std::string &path) {
  std::vector<std::byte> bytes = readFile(path);
  Json json = parseStrictJson({reinterpret_cast<const char *>(bytes.data()), bytes.size()}, path);
  if (!json.is_object() || !json.contains(kVersionKey)) failFile(path, "this is no tuning file");
  if (json[kVersionKey] != kVersion)
    failFile(path, fmt::format("a tuning of version {}, but this program reads version {}",
                               json[kVersionKey].dump(), kVersion));
  if (!json.contains(kKernels) || !json[kKernels].is_object()) failFile(path, "expected an object 'kernels'");
  for (const auto &[problem, entry] : json[kKernels].items())
    if (!entry.is_object() || !entry.contains(kCut) || !entry[kCut].is_string())
      failFile(path, fmt::format("expected a text 'cut' in kernels['{}']", problem));
  return json;
}

} // namespace

Tuning readTuning(const std::string &path) {
  Json json = readChecked(path);
  Tuning tuning;
  for (const auto &[problem, entry] : json[kKernels].items())
    tuning[problem] = entry[kCut].get<std::string>();
  return tuning;
}

std::optional<Tuning> readTuningIf(const std::string &path) {
  if (path.empty()) return std::nullopt;
  return readTuning(path);
}

void writeTuning(const std::string &path, const std::string &card, const std::vector<Tuned> &tuned) {
  Json json = std::filesystem::exists(path) ? readChecked(path) : Json{{kVersionKey, kVersion}};
  Json &kernels = json[kKernels];
  if (kernels.is_null()) kernels = Json::object();
  for (const Tuned &t : tuned)
    kernels[t.problem] = {
        {kCut, t.cut}, {"card", card}, {"us", t.seconds * 1e6}, {"us_of_cost_model", t.modelSeconds * 1e6}};
  writeFileAtomically(path, json.dump(2) + "\n");
}

void addTuning(CLI::App &app, std::string &path) {
  app.add_option("--tuning", path,
                 "cuts of kernels, as drawloom bench ... --tune wrote them; default: a cost model's")
      ->option_text("FILE");
}

} // namespace drawloom::cli
