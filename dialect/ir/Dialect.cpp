#include "dialect/ir/Dialect.h"

using namespace mlir;
using namespace drawloom;

#include "dialect/DrawloomDialect.cpp.inc"
#include "dialect/DrawloomInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/DrawloomAttrs.cpp.inc"

#define GET_OP_CLASSES
#include "dialect/DrawloomOps.cpp.inc"

void DrawloomDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/DrawloomAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/DrawloomOps.cpp.inc"
      >();
}
