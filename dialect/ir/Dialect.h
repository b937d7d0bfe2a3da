// The drawloom dialect's C++ classes: attributes, ops, the differentiation interface.
#pragma once
#include "dialect/Pch.h"

#include "dialect/DrawloomDialect.h.inc"
#include "dialect/DrawloomInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/DrawloomAttrs.h.inc"

#define GET_OP_CLASSES
#include "dialect/DrawloomOps.h.inc"
