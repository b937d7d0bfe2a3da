// Where libraries of CUDA's toolkit may lie.
#pragma once
#include <string>
#include <vector>

namespace drawloom::cuda {

/// Names to try with dlopen, in order: the value of the environment's `variable` alone if it is set, else
/// each of `names` as the loader searches for it (which follows LD_LIBRARY_PATH), then in CUDA's usual
/// folders, then in the packages of Python's environments (nvidia-...).
std::vector<std::string> libraryCandidates(const char *variable, const std::vector<std::string> &names);

} // namespace drawloom::cuda
