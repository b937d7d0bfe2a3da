// The data that a model's spec names.
#pragma once
#include "runtime/data/Batches.h"
#include "runtime/data/DataSet.h"
#include "runtime/train/TrainSpec.h"

namespace drawloom {

struct ModelData {
  std::unique_ptr<DataSet> set;
  Split split;

  Windows windows() const { return set->format().wholeItems() ? Windows::Fixed : Windows::Moving; }
  /// The order of training with the spec's seed. Throws Error(kBadInput) when the training part is too short.
  WindowOrder order(const TrainSpec &spec) const;
};

/// Opens data.path and cuts it by data.split. Throws Error: what openData and splitData throw, and 65 when
/// the model is made for images of another size.
ModelData openModelData(const TrainSpec &spec);

} // namespace drawloom
