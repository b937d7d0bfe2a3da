// The check that all compiled attention has to pass.
#pragma once
#include "test/attention/Harness.h"
#include "test/attention/Reference.h"

namespace drawloom::test {

/// out, lse, dq, dk and dv of random inputs are within 1e-6 (in norm) of the definition in float64.
void expectExact(const Problem &p, const Options &options = {});

} // namespace drawloom::test
