// What compiled code and the runtime agree on. Included by both sides; depends on nothing.
#pragma once
#include <cstdint>

namespace drawloom::abi {

/// Raised on any change here or in runtime/schema/plan.fbs that makes older artifacts unreadable.
inline constexpr uint32_t kAbiVersion = 3;

/// A `.loom` file: this header, the FlatBuffers plan at `planOffset`, then 4096-aligned segments.
struct FileHeader {
  char magic[8];        // kMagic
  uint32_t abiVersion;  // kAbiVersion
  uint32_t headerBytes; // sizeof(FileHeader)
  uint64_t fileBytes;   // size of the whole file: a truncated file is seen at once
  uint64_t planOffset;  // multiple of 64
  uint64_t planBytes;
  uint64_t planHash; // xxh64 of the plan bytes, seed 0
};
static_assert(sizeof(FileHeader) == 48);
inline constexpr char kMagic[8] = {'D', 'R', 'A', 'W', 'L', 'O', 'O', 'M'};

/// A compiled CPU kernel. `places` are base addresses in the order of Launch.places, `scalars` the values of
/// Launch.scalars; it performs work items [begin, end) of the launch's grid. It calls nothing outside its
/// image, needs at most kKernelStackBytes of stack, and touches no global state.
using KernelFn = void (*)(void *const *places, const int64_t *scalars, int64_t begin, int64_t end);
inline constexpr uint64_t kKernelStackBytes = 4u << 20;

inline constexpr uint64_t kBufferAlignment = 64;
inline constexpr uint64_t kSegmentAlignment = 4096;
inline constexpr uint32_t kNoBuffer =
    0xFFFFFFFFu; // a parameter's gradient, moment or moving average that is not there

/// Names of the persistent buffers in arena Io, the same in every model (B = data.batch, n = model.n).
namespace io {
inline constexpr char kTokens[] =
    "tokens"; // i32 [B, n]: inputs, already shifted right by the start symbol (256)
inline constexpr char kTargets[] = "targets"; // i32 [B, n]: the bytes to predict, 0..255
inline constexpr char kLossWeights[] =
    "loss_weights"; // f32 [B, n]: d(objective)/d(nll), usually 1/(B n accumulation), times the loss scale
inline constexpr char kNll[] = "nll"; // f32 [B, n]: negative natural-log likelihood of each target
inline constexpr char kRng[] =
    "rng"; // i64 [2]: seed, micro-step; keys dropout together with site and element
inline constexpr char kHyper[] = "hyper"; // f32 [16]: see Hyper
inline constexpr char kGradNorm[] =
    "grad_norm"; // f32 [1]: global gradient norm, before clipping, times the loss scale
inline constexpr char kToken[] = "token";       // i32 [S, 1]: decode input (S = sample batch)
inline constexpr char kPosition[] = "position"; // i64 [1]: decode position, 0..n-1
inline constexpr char kLogits[] = "logits";     // f32 [S, 1, 256]: decode output
} // namespace io

/// Indices into the buffer "hyper".
enum Hyper : int {
  kLearningRate = 0,
  kBeta1,
  kBeta2,
  kEpsilon,
  kWeightDecay,
  kBiasCorrection1, // 1 - beta1^t
  kBiasCorrection2, // 1 - beta2^t
  kClipNorm, // gradients are scaled by min(1, clip / norm), norm without the loss scale; 0 turns clipping off
  kEmaDecay,
  kGradScale, // 1 / loss scale: what gradients are multiplied by before anything else; 1 without loss scaling
  kSkipNonFinite, // 1: a step whose norm is not finite zeroes the gradients; 0: it leaves them to be looked
                  // at
  kHyperCount = 16
};

} // namespace drawloom::abi
