// Checkpoints: a folder a step, complete or not there at all.
//   OUT/step-00001234/weights.safetensors    values
//                     optimizer.safetensors  NAME.m, NAME.v, NAME.ema
//                     state.json             step, seed, spec, data position, loss history: all else that
//                     resuming needs; hashes of the other two files and of itself
// A checkpoint is written as OUT/.step-00001234.tmp-PID, its files fsynced, then renamed, then OUT fsynced. A
// reader that finds a folder named step-… finds it whole.
#pragma once
#include "runtime/checkpoint/StrictJson.h"
#include "runtime/train/TrainableProgram.h"
#include <string>
#include <vector>

namespace drawloom {

/// Format 1 has no hashes.
inline constexpr int kCheckpointFormat = 2;
inline constexpr char kWeightsFile[] = "weights.safetensors";
inline constexpr char kOptimizerFile[] = "optimizer.safetensors";
inline constexpr char kStateFile[] = "state.json";

struct CheckpointEntry {
  int64_t step = 0;
  std::string folder;
};

/// Complete checkpoints in `out`, oldest step first. An absent folder has none.
std::vector<CheckpointEntry> listCheckpoints(const std::string &out);
/// The checkpoint that `which` names: "latest" in `out`, or a folder. Throws Error(kMissingInput) when there
/// is none.
std::string findCheckpoint(const std::string &out, const std::string &which);

/// Writes a checkpoint and removes all but the `keep` newest (0 keeps all). `state` goes to state.json with
/// "format" and "step" added. Returns its folder. On failure (disk full, not writable) throws Error(kIo) that
/// says how much room is needed; older checkpoints are as before.
std::string saveCheckpoint(const std::string &out, int64_t step, TrainableProgram &program, Json state,
                           int keep);
/// Bytes that one checkpoint takes, state.json not counted.
uint64_t checkpointBytes(const std::vector<ParameterRef> &parameters);
/// Creates `out` if need be and throws Error(kIo) unless it can be written and has room for a checkpoint:
/// better before the first step than after an hour.
void prepareOutputFolder(const std::string &out, uint64_t bytesNeeded);

/// Reads state.json and checks its format and its hash. Throws Error (66, 65).
Json readState(const std::string &folder);
/// Fills values, moments and moving averages from a checkpoint, whose files must match the hashes in
/// state.json, and returns that. Throws Error (66, 65); on failure parameters may be partly filled.
Json loadCheckpoint(const std::string &folder, TrainableProgram &program);
/// Fills the values only, from a checkpoint folder (as above) or a safetensors file (which has no hash);
/// `ema`: with the moving averages.
void loadWeights(const std::string &path, TrainableProgram &program, bool ema);
/// Whether a checkpoint folder holds moving averages of the weights.
bool hasEma(const std::string &folder);

} // namespace drawloom
