// attention-bench [pattern [batch n heads d_qk d_v]]: the rate of each launch of attention forward and backward, one core.
#include "test/attention/Harness.h"
#include "test/attention/Reference.h"
#include <cstdio>

using namespace drawloom::test;

int main(int argc, char **argv) {
  std::vector<Problem> problems;
  if (argc > 6)
    problems = {{argv[1], atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), atoi(argv[5]), atoi(argv[6])}};
  else
    for (const char *pattern : {"local(128)", "block(128)", "fixed(128, c=32)", "column(128)", "dense"})
      problems.push_back({argc > 1 ? argv[1] : pattern, 1, 4096, 4, 64, 64});
  Options options;
  if (const char *lowering = getenv("LOWERING")) options.lowering = lowering;
  if (const char *vectors = getenv("VECTORS")) options.vectors = vectors;
  if (const char *target = getenv("TARGET")) options.target = target;
  if (const char *level = getenv("OPT")) options.optLevel = atoi(level);
  for (const Problem &p : problems) {
    auto compiled = Compiled::make(attentionModule(p), options);
    if (!compiled) return 1;
    printf("%s, batch %ld, n %ld, heads %ld, d %ld/%ld\n", p.pattern.c_str(), p.batch, p.n, p.heads, p.dQk, p.dV);
    for (const auto &t : compiled->time(getenv("REPS") ? atoi(getenv("REPS")) : 5))
      printf("  %-30s grid %6ld  %9.3f ms  %7.1f GFLOP/s\n", t.label.c_str(), t.grid, t.seconds * 1e3, t.flops / t.seconds * 1e-9);
  }
}
