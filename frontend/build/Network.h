// The network that a spec describes (paper sections 5.2, 5.3): extents, patterns and parameters, without any
// IR.
#pragma once
#include "frontend/spec/Spec.h"
#include <cstdint>
#include <string>
#include <vector>

namespace drawloom {

/// How a parameter starts.
struct InitialValue {
  enum Kind { Zeros, Ones, Normal } kind = Zeros;
  double stddev = 0;
};

/// A trainable tensor. Matrices are [out, in].
struct ParameterInfo {
  std::string name; // "layers.0.qkv.weight"
  std::vector<int64_t> shape;
  InitialValue init;
  bool decay =
      false; // decoupled weight decay: matrices of attention, feed-forward and output, not embeddings
  int64_t elements() const;
};

/// Position i reads row (i / divisor) mod rows of the table.
struct PositionTable {
  int64_t rows = 0, divisor = 1;
};

struct LayerAttention {
  std::string pattern; // canonical spelling
  spec::Place place;   // of its text in the spec
};

struct Network {
  std::string name;
  int64_t n = 0, vocab = 0, heads = 0, d = 0, ff = 0, qk = 0, batch = 0, sampleBatch = 0;
  double dropout = 0;
  bool ema = false;
  std::vector<PositionTable> positions;
  std::vector<LayerAttention> layers;
  std::vector<ParameterInfo> parameters; // in the order of every function's arguments

  int64_t parameterCount() const;
};

/// Reads a checked spec.
Network makeNetwork(const spec::Spec &spec);

} // namespace drawloom
