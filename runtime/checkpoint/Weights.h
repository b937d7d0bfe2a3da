// A model's parameters, and what belongs to them, as tensors of safetensors files.
#pragma once
#include "runtime/checkpoint/Safetensors.h"
#include "runtime/program/Program.h"

namespace drawloom {

/// Which of a parameter's spans.
enum class Slot { Value, Gradient, Moment1, Moment2, Ema };

/// "" for values, ".grad", ".m", ".v", ".ema": what a tensor's name has behind the parameter's.
const char *suffixOf(Slot slot);
std::span<float> spanOf(const ParameterRef &parameter, Slot slot);

/// Tensors over the parameters' memory, in their order; parameters without that slot are left out.
std::vector<StoredTensor> tensorsOf(const std::vector<ParameterRef> &parameters, Slot slot,
                                    bool withSuffix = true);

/// Copies tensor NAME + suffixOf(slot) of every parameter from `file` into its slot `into` (parameters
/// without that slot are left out). Throws Error(kBadInput) unless each is there as F32 with the parameter's
/// shape.
void loadTensors(const SafetensorsFile &file, const std::vector<ParameterRef> &parameters, Slot slot,
                 Slot into);
/// Throws Error(kBadInput) when `file` holds a tensor that is no parameter's with one of these slots.
void rejectUnknownTensors(const SafetensorsFile &file, const std::vector<ParameterRef> &parameters,
                          const std::vector<Slot> &slots);

} // namespace drawloom
