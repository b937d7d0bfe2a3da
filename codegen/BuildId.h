// What tells one build of the compiler from another.
#pragma once
#include <string>

namespace drawloom {

/// The build ids of the running program and of the LLVM and MLIR libraries that it has loaded, in
/// hexadecimal, joined by spaces; of a file without one, a hash of the file. Two programs with equal ids
/// compile alike.
std::string compilerBuildId();

} // namespace drawloom
