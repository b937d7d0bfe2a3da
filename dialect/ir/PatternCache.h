// Parsed patterns of a context, by spelling.
#pragma once
#include "llvm/ADT/StringMap.h"
#include <memory>
#include <mutex>

namespace drawloom {

/// Passes run on many functions at once, hence the lock. Entries live as long as the context.
class PatternCache {
public:
  std::mutex lock;
};

} // namespace drawloom
