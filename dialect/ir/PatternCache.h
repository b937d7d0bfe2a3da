// Parsed patterns of a context, by spelling.
#pragma once
#include "dialect/pattern/Pattern.h"
#include "llvm/ADT/StringMap.h"
#include <mutex>

namespace drawloom {

/// Passes run on many functions at once, hence the lock. Entries stay where they are and live as long as the
/// context.
class PatternCache {
public:
  /// The pattern that `text` spells, or null with `error` filled.
  const Pattern *find(llvm::StringRef text, PatternError &error);

private:
  std::mutex lock;
  llvm::StringMap<std::optional<Pattern>> patterns;
};

} // namespace drawloom
