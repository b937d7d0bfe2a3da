// Decoded data, kept in a file from run to run.
//
// The folder is $DRAWLOOM_CACHE, or drawloom in $XDG_CACHE_HOME or ~/.cache. A file's name is a hash of what
// it was made from: the way of decoding, and the paths, sizes and times of the source files.
#pragma once
#include "runtime/support/File.h"
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace drawloom {

/// The folder; not yet made.
std::string cacheFolder();

/// The bytes that `decode` makes of `sources`, mapped; it is called only when no earlier run has kept them.
/// `way` names all that the result depends on beside the files ("png", "mulaw-12000"). `bytes`: how many
/// there must be; 0: unknown. Throws Error(kIo) with a hint when the folder cannot be written, and what
/// `decode` throws.
MappedFile cachedDecoding(const std::string &way, const std::vector<std::string> &sources, uint64_t bytes,
                          const std::function<void(AtomicFile &)> &decode);

} // namespace drawloom
