// Which kernels are one module: what is assembled by one process and loaded as one.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace drawloom {

/// Whether a kernel of so much PTX is a module of its own. The longest kernels decide how long assembling
/// takes: each begins as soon as its PTX is there.
bool standsAlone(size_t ptxBytes);

/// The kernels of each module, numbers ascending, from the bytes of each kernel's PTX: those that stand
/// alone, and the others together in order, as many to a module as make a process worth its start. Modules
/// are in the order of their first kernels.
std::vector<std::vector<size_t>> groupKernels(std::span<const size_t> ptxBytes);

} // namespace drawloom
