#include "runtime/train/ModelData.h"
#include "runtime/support/Error.h"

namespace drawloom {

WindowOrder ModelData::order(const TrainSpec &spec) const {
  return {spec.train.seed, split.train, uint64_t(spec.model.n),
          fmt::format("the training part of '{}'", set->path()), windows()};
}

ModelData openModelData(const TrainSpec &spec) {
  ModelData data{openData(spec.data.kind, spec.data.path, spec.data.rate), {}};
  ImageShape have = data.set->format().image, want = spec.model.image;
  if (data.set->format().wholeItems() && have != want)
    failWithHint(kBadInput, "set model.embedding_shape and model.n to the images' size, or scale the images",
                 "the images of '{}' have {} x {} pixels (rows x columns), but the model reads {} x {}",
                 spec.data.path, have.rows, have.columns, want.rows, want.columns);
  data.split = splitData(*data.set, spec.data.split);
  return data;
}

} // namespace drawloom
