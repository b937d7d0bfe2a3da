// The weights that evaluation and sampling use.
#pragma once
#include "runtime/train/TrainableProgram.h"
#include <string>

namespace drawloom {

struct ChosenWeights {
  std::string path; // checkpoint folder or safetensors file
  bool ema = false; // moving averages of the weights
  const char *name() const { return ema ? "ema" : "raw"; }
};

/// Loads into the values of `program` the weights of `checkpoint` ("latest" in `out`, a folder, or a
/// .safetensors file): the moving averages with weights = "ema", the weights themselves with "raw"; "auto"
/// prefers the former. Throws Error (66 no such checkpoint, 65 corrupted or of another model, 2 no moving
/// averages there).
ChosenWeights chooseWeights(TrainableProgram &program, const std::string &out, const std::string &checkpoint,
                            const std::string &weights);

} // namespace drawloom
