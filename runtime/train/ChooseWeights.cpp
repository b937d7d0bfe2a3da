#include "runtime/train/ChooseWeights.h"
#include "runtime/checkpoint/Checkpoint.h"

namespace drawloom {

ChosenWeights chooseWeights(TrainableProgram &program, const std::string &out, const std::string &checkpoint,
                            const std::string &weights) {
  require(weights == "auto" || weights == "ema" || weights == "raw", kUsage,
          "no weights are called '{}': expected auto, ema or raw", weights);
  ChosenWeights chosen;
  bool file = checkpoint.ends_with(".safetensors");
  chosen.path = file ? checkpoint : findCheckpoint(out, checkpoint);
  bool averaged = !file && weights != "raw" && hasEma(chosen.path);
  require(weights != "ema" || averaged, kUsage, "'{}' holds no moving averages (train.ema was 0)",
          chosen.path);
  chosen.ema = averaged;
  loadWeights(chosen.path, program, chosen.ema);
  return chosen;
}

} // namespace drawloom
