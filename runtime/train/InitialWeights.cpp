#include "runtime/train/InitialWeights.h"
#include "runtime/abi/Philox.h"
#include "runtime/data/Streams.h"
#include "runtime/device/ThreadPool.h"
#include <algorithm>
#include <cmath>
#include <numbers>

namespace drawloom {

namespace {

constexpr size_t kPieceElements = size_t(1) << 16; // even: a Philox block makes two elements

/// Elements [begin, end) of parameter `index`.
struct Piece {
  size_t index, begin, end;
};

std::vector<Piece> piecesOf(const std::vector<ParameterRef> &parameters) {
  std::vector<Piece> pieces;
  for (size_t k = 0; k < parameters.size(); ++k)
    for (size_t begin = 0, size = parameters[k].value.size(); begin < size; begin += kPieceElements)
      pieces.push_back({k, begin, std::min(begin + kPieceElements, size)});
  return pieces;
}

void fillNormal(std::span<float> value, const Piece &piece, double stddev, uint64_t seed) {
  for (size_t e = piece.begin; e < piece.end; e += 2) {
    auto w = abi::philoxBlock(seed, kInitStep, uint32_t(piece.index), uint32_t(e / 2));
    double radius = std::sqrt(-2 * std::log(1 - uniform53(w[0], w[1]))); // 1 - u lies in (0, 1]
    double angle = 2 * std::numbers::pi * uniform53(w[2], w[3]);
    value[e] = float(stddev * radius * std::cos(angle));
    if (e + 1 < piece.end) value[e + 1] = float(stddev * radius * std::sin(angle));
  }
}

void fill(const ParameterRef &p, const Piece &piece, uint64_t seed) {
  auto part = p.value.subspan(piece.begin, piece.end - piece.begin);
  switch (p.init) {
  case plan::Init::Zeros: std::fill(part.begin(), part.end(), 0.0f); break;
  case plan::Init::Ones: std::fill(part.begin(), part.end(), 1.0f); break;
  case plan::Init::Normal: fillNormal(p.value, piece, p.stddev, seed); break;
  }
}

} // namespace

void initializeWeights(const std::vector<ParameterRef> &parameters, uint64_t seed, int threads) {
  std::vector<Piece> pieces = piecesOf(parameters);
  int useful = int(std::clamp<size_t>(pieces.size(), 1, size_t(threads > 0 ? threads : availableCores())));
  ThreadPool(useful).parallelFor(pieces.size(), 1, [&](uint64_t begin, uint64_t end) {
    for (uint64_t k = begin; k < end; ++k) fill(parameters[pieces[k].index], pieces[k], seed);
  });
}

void resetOptimizer(TrainableProgram &program) {
  for (auto arena : {plan::Arena::Gradients, plan::Arena::Optimizer}) program.clear(arena);
  bool averages = false;
  for (const ParameterRef &p : program.parameters()) {
    if (p.ema.empty()) continue;
    std::copy(p.value.begin(), p.value.end(), p.ema.begin());
    averages = true;
  }
  if (averages) program.upload(plan::Arena::Optimizer);
}

} // namespace drawloom
