#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/Weights.h"
#include "runtime/support/Format.h"
#include "runtime/support/Hash.h"
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <sys/statvfs.h>
#include <unistd.h>

namespace drawloom {
namespace fs = std::filesystem;

static constexpr const char *kFilesKey = "files", *kHashKey = "hash"; // of state.json
static constexpr std::string_view kPrefix = "step-";
static constexpr const char *kDamaged =
    "take another checkpoint of the run, or a copy; of edited weights, name the .safetensors file itself";
static constexpr std::string_view kTemporary = ".tmp-";
/// state.json and the folder's own blocks, generously.
static constexpr uint64_t kExtraRoom = 1 << 20;

static std::string folderName(int64_t step) { return fmt::format("{}{:08}", kPrefix, step); }

/// The number that all of `text` spells, or nothing.
static std::optional<int64_t> wholeNumber(std::string_view text) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < 0)
    return std::nullopt;
  return value;
}

std::vector<CheckpointEntry> listCheckpoints(const std::string &out) {
  std::vector<CheckpointEntry> found;
  std::error_code ignored;
  for (const auto &entry : fs::directory_iterator(out, ignored)) {
    std::string name = entry.path().filename();
    if (!name.starts_with(kPrefix) || !fs::exists(entry.path() / kStateFile, ignored)) continue;
    if (auto step = wholeNumber(std::string_view(name).substr(kPrefix.size())))
      found.push_back({*step, entry.path()});
  }
  std::sort(found.begin(), found.end(), [](auto &a, auto &b) { return a.step < b.step; });
  return found;
}

std::string findCheckpoint(const std::string &out, const std::string &which) {
  if (which != "latest") {
    if (fs::exists(fs::path(which) / kStateFile)) return which;
    auto inside = listCheckpoints(which); // a run's folder stands for its newest checkpoint
    if (!inside.empty()) return inside.back().folder;
    failWithHint(kMissingInput,
                 "name a folder like RUN/step-00001234, or 'latest' for the newest of the output folder",
                 "'{}' is no checkpoint: it has no {}", which, kStateFile);
  }
  auto all = listCheckpoints(out);
  if (all.empty())
    failWithHint(kMissingInput,
                 "train first, or name a checkpoint folder with --checkpoint; --out names the run's folder",
                 "there is no checkpoint in '{}'", out);
  return all.back().folder;
}

/// Removes what processes that have ended left behind.
static void removeStale(const fs::path &out) {
  std::error_code ignored;
  for (const auto &entry : fs::directory_iterator(out, ignored)) {
    std::string name = entry.path().filename();
    size_t at = name.find(kTemporary);
    if (!name.starts_with("." + std::string(kPrefix)) || at == std::string::npos) continue;
    auto pid = wholeNumber(std::string_view(name).substr(at + kTemporary.size()));
    bool alive = pid && *pid != ::getpid() && (::kill(pid_t(*pid), 0) == 0 || errno == EPERM);
    if (!alive) fs::remove_all(entry.path(), ignored);
  }
}

static void checkRoom(const std::string &out, uint64_t needed) {
  struct statvfs s{};
  if (::statvfs(out.c_str(), &s) != 0)
    failErrno(errno, fmt::format("cannot use the output folder '{}'", out));
  uint64_t free = uint64_t(s.f_bavail) * s.f_frsize;
  if (free < needed + kExtraRoom)
    failWithHint(kIo, "free some space, lower run.keep_checkpoints, or choose another folder with --out",
                 "a checkpoint takes {}, but '{}' has only {} free", formatBytes(needed + kExtraRoom), out,
                 formatBytes(free));
}

void prepareOutputFolder(const std::string &out, uint64_t bytesNeeded) {
  require(!out.empty(), kUsage, "no output folder: expected run.out in the spec, or --out FOLDER");
  std::error_code code;
  fs::create_directories(out, code);
  if (code) failErrno(code.value(), fmt::format("cannot create the output folder '{}'", out));
  if (::access(out.c_str(), W_OK | X_OK) != 0)
    failErrno(errno, fmt::format("cannot write to the output folder '{}'", out));
  removeStale(out);
  checkRoom(out, bytesNeeded);
}

static std::vector<StoredTensor> optimizerTensors(const std::vector<ParameterRef> &parameters) {
  std::vector<StoredTensor> all;
  for (Slot slot : {Slot::Moment1, Slot::Moment2, Slot::Ema})
    for (StoredTensor &t : tensorsOf(parameters, slot)) all.push_back(std::move(t));
  return all;
}

uint64_t checkpointBytes(const std::vector<ParameterRef> &parameters) {
  return safetensorsBytes(tensorsOf(parameters, Slot::Value)) +
         safetensorsBytes(optimizerTensors(parameters));
}

/// Gives `temporary` the name `target`. What had it before keeps a hidden name until the new folder is in
/// place.
static void moveIntoPlace(const fs::path &temporary, const fs::path &target) {
  if (::rename(temporary.c_str(), target.c_str()) == 0) return;
  bool occupied = errno == EEXIST || errno == ENOTEMPTY;
  // Exchange is atomic: at no time is there no checkpoint of that step.
  if (!occupied || ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) != 0)
    failErrno(errno, fmt::format("cannot rename '{}' to '{}'", temporary.string(), target.string()));
  fs::remove_all(temporary);
}

/// The hash of a state without its own hash.
static std::string hashOf(Json state) {
  state.erase(kHashKey);
  Hasher128 hasher;
  hasher.add(state.dump());
  return hasher.result().text();
}

static void writeInto(const fs::path &folder, TrainableProgram &program, Json state) {
  std::error_code code;
  fs::create_directory(folder, code);
  if (code) failErrno(code.value(), fmt::format("cannot create '{}'", folder.string()));
  program.download(plan::Arena::Parameters);
  program.download(plan::Arena::Optimizer);
  state[kFilesKey] = {
      {kWeightsFile, writeSafetensors(folder / kWeightsFile, tensorsOf(program.parameters(), Slot::Value),
                                      {{"format", "pt"}})
                         .text()},
      {kOptimizerFile,
       writeSafetensors(folder / kOptimizerFile, optimizerTensors(program.parameters())).text()}};
  state[kHashKey] = hashOf(state);
  writeFileAtomically(folder / kStateFile, state.dump(1) + "\n");
}

static void removeOlder(const std::string &out, int keep) {
  auto all = listCheckpoints(out);
  std::error_code ignored; // a checkpoint that cannot be removed is no reason to stop training
  for (size_t k = 0; keep > 0 && k + size_t(keep) < all.size(); ++k) {
    // Hidden first: a folder called step-… is whole even while it is being removed.
    fs::path hidden = fs::path(out) / fmt::format(".{}{}{}", folderName(all[k].step), kTemporary, ::getpid());
    fs::rename(all[k].folder, hidden, ignored);
    fs::remove_all(hidden, ignored);
  }
}

std::string saveCheckpoint(const std::string &out, int64_t step, TrainableProgram &program, Json state,
                           int keep) {
  fs::path target = fs::path(out) / folderName(step);
  fs::path temporary = fs::path(out) / fmt::format(".{}{}{}", folderName(step), kTemporary, ::getpid());
  uint64_t needed = checkpointBytes(program.parameters());
  state["format"] = kCheckpointFormat;
  state["step"] = step;
  try {
    checkRoom(out, needed);
    writeInto(temporary, program, state);
    moveIntoPlace(temporary, target);
    syncFolder(out);
  } catch (const Error &e) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    auto older = listCheckpoints(out);
    std::string kept = older.empty() ? "there is no older checkpoint"
                                     : fmt::format("the latest is '{}'", older.back().folder);
    throw Error(kIo,
                fmt::format("cannot save the checkpoint of step {} (it takes {}): {}; {}", step,
                            formatBytes(needed + kExtraRoom), e.what(), kept),
                e.hint);
  }
  removeOlder(out, keep);
  return target;
}

Json readState(const std::string &folder) {
  std::string path = fs::path(folder) / kStateFile;
  Json state = parseStrictJson(readTextFile(path), path);
  require(state.is_object() && state.contains("format") && state["format"].is_number_integer(), kBadInput,
          "{}: not the state of a checkpoint: no \"format\"", path);
  bool hashed = state.contains(kHashKey); // also tells a damaged format 2 from format 1
  require(state["format"] == kCheckpointFormat || (state["format"] == 1 && !hashed), kBadInput,
          "{}: checkpoint format {}, this program reads {} and 1", path, state["format"].dump(),
          kCheckpointFormat);
  if (state["format"] == kCheckpointFormat && (!hashed || state[kHashKey] != hashOf(state)))
    failWithHint(kBadInput, kDamaged, "{}: corrupted: it does not match its hash", path);
  require(state.contains("step") && state["step"].is_number_unsigned(), kBadInput, "{}: no \"step\"", path);
  return state;
}

/// Throws Error(kBadInput) unless a file of a checkpoint is the one that its state was written with.
static void checkHash(const Json &state, const SafetensorsFile &file, const char *name) {
  if (state["format"] == 1) return;
  bool known = state.contains(kFilesKey) && state[kFilesKey].contains(name);
  if (!known || state[kFilesKey][name] != file.hash().text())
    failWithHint(kBadInput, kDamaged, "{}: corrupted: it does not match its hash in {}", file.path(),
                 kStateFile);
}

Json loadCheckpoint(const std::string &folder, TrainableProgram &program) {
  Json state = readState(folder);
  const auto &parameters = program.parameters();
  SafetensorsFile weights(fs::path(folder) / kWeightsFile), optimizer(fs::path(folder) / kOptimizerFile);
  rejectUnknownTensors(weights, parameters, {Slot::Value});
  rejectUnknownTensors(optimizer, parameters, {Slot::Moment1, Slot::Moment2, Slot::Ema});
  loadTensors(weights, parameters, Slot::Value, Slot::Value);
  for (Slot slot : {Slot::Moment1, Slot::Moment2, Slot::Ema}) loadTensors(optimizer, parameters, slot, slot);
  checkHash(state, weights, kWeightsFile);
  checkHash(state, optimizer, kOptimizerFile);
  program.upload(plan::Arena::Parameters);
  program.upload(plan::Arena::Optimizer);
  return state;
}

bool hasEma(const std::string &folder) {
  fs::path path = fs::path(folder) / kOptimizerFile;
  if (!fs::exists(path)) return false;
  SafetensorsFile optimizer(path);
  std::string_view suffix = suffixOf(Slot::Ema);
  return std::any_of(optimizer.tensors().begin(), optimizer.tensors().end(),
                     [&](const StoredTensor &t) { return t.name.ends_with(suffix); });
}

void loadWeights(const std::string &path, TrainableProgram &program, bool ema) {
  bool folder = fs::is_directory(path);
  fs::path file = folder ? fs::path(path) / (ema ? kOptimizerFile : kWeightsFile) : fs::path(path);
  SafetensorsFile weights(file);
  require(folder || !ema, kUsage, "{}: a lone weights file has no moving averages", path);
  rejectUnknownTensors(weights, program.parameters(),
                       ema ? std::vector{Slot::Moment1, Slot::Moment2, Slot::Ema} : std::vector{Slot::Value});
  loadTensors(weights, program.parameters(), ema ? Slot::Ema : Slot::Value, Slot::Value);
  if (folder) checkHash(readState(path), weights, ema ? kOptimizerFile : kWeightsFile);
  program.upload(plan::Arena::Parameters);
}

} // namespace drawloom
