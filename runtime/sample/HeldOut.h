// Images of the data set that a model completes.
#pragma once
#include "runtime/train/ModelData.h"
#include <string>
#include <vector>

namespace drawloom {

/// `count` images of a part ("valid"), spread evenly over it, as their bytes; some come again when the part
/// has fewer. Throws Error(kBadInput) when it has none.
std::vector<std::string> heldOutImages(const ModelData &data, const std::string &part, uint64_t count);

} // namespace drawloom
