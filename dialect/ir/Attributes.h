// From the dialect's attributes to the pattern algebra's objects.
#pragma once
#include "dialect/ir/Dialect.h"
#include "dialect/pattern/Pattern.h"

namespace drawloom {

/// The attribute's pattern; parsed once a context, and valid as long as the context. May be called from
/// several threads.
const Pattern &patternOf(PatternAttr attr);

} // namespace drawloom
