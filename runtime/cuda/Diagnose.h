// What this machine's CUDA offers, for `drawloom doctor`.
#pragma once
#include "runtime/cuda/Card.h"
#include <vector>

namespace drawloom::cuda {

struct CudaReport {
  std::string problem;   // why no card can be used; empty: one can
  int driverVersion = 0; // 13000: CUDA 13.0
  std::vector<CardFacts> cards;
  uint64_t freeBytes = 0; // of the first card's memory
  std::string blasLtPath, blasLtProblem;
  size_t blasLtVersion = 0; // 130002: 13.0.2
};
CudaReport describeCuda();

/// Compiles a kernel from PTX, runs it and a matrix product on the first card, and compares both with what
/// the processor computes. Empty when they agree, else what went wrong.
std::string selfTestCuda();

} // namespace drawloom::cuda
