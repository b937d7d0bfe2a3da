// The run-time sections of an artifact's spec (model, data, train, run, sample), as plain values.
#pragma once
#include "runtime/checkpoint/StrictJson.h"
#include "runtime/data/DataSet.h"
#include <array>
#include <cstdint>
#include <string>

namespace drawloom {

struct TrainSpec {
  struct Model {
    std::string name;
    int64_t n = 0, vocab = 256;
    ImageShape image; // of a model of images, else 0 x 0
  } model;
  struct Data {
    std::string kind = "text", path;
    std::array<double, 3> split{0.9, 0.05, 0.05};
    int64_t batch = 1, rate = 12000;
  } data;
  struct Train {
    int64_t steps = 0, warmup = 0, accumulation = 1;
    double epochs = 0; // > 0: instead of steps
    double lr = 0, clip = 1, weightDecay = 0, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
    double ema = 0;            // 0: off
    double lossScale = 0x1p16; // fp16: of the first step, a power of two
    std::string schedule = "cosine";
    uint64_t seed = 0;
  } train;
  struct Run {
    std::string out;
    std::string precision = "fp32"; // "fp32", "bf16" or "fp16" (which scales the loss)
    int threads = 0;
    int64_t logEvery = 10, evalEvery = 0, evalTokens = 0, checkpointEvery = 0;
    int keepCheckpoints = 0; // 0: all
    double maxSeconds = 0;   // 0: no limit
  } run;
  struct Sample {
    int64_t batch = 1, topK = 0, length = 0;
    double temperature = 1;
  } sample;
  Json json; // all of it, for the checkpoint's state

  /// Reads an artifact's spec. Throws Error(kBadInput) that names a missing, ill-typed or impossible value.
  static TrainSpec parse(const std::string &specJson);
};

} // namespace drawloom
