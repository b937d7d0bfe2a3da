// Registers the dialect's attributes and ops.
#include "dialect/ir/Dialect.h"
#include "dialect/ir/PatternCache.h"

using namespace mlir;
using namespace drawloom;

#include "dialect/DrawloomDialect.cpp.inc"
#include "dialect/DrawloomInterfaces.cpp.inc"

#define GET_OP_CLASSES
#include "dialect/DrawloomOps.cpp.inc"

void DrawloomDialect::initialize() {
  patterns = std::make_shared<PatternCache>();
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "dialect/DrawloomOps.cpp.inc"
      >();
}
