#include "runtime/train/Progress.h"
#include "runtime/support/Format.h"
#include <algorithm>
#include <fmt/format.h>
#include <numbers>
#include <unistd.h>

namespace drawloom {

static constexpr double kTerminalSeconds = 0.1, kLineSeconds = 5;

Progress::Progress(const ProgressSetup &setup, FILE *stream)
    : setup(setup), stream(stream), terminal(::isatty(::fileno(stream)) == 1) {}

std::string Progress::line(int64_t done, const StepResult &result, double budgetLeft) const {
  double seconds = window.stepSeconds();
  double left = seconds * double(setup.steps - done);
  if (budgetLeft >= 0) left = std::min(left, budgetLeft);
  std::string s = fmt::format("step {}/{}  {:.3f} {}  lr {:.2e}  grad {:.3g}  {:.1f} ms  {} tokens/s", done,
                              setup.steps, window.nll() / std::numbers::ln2, setup.bits, result.lr,
                              result.gradNorm, seconds * 1e3, formatCount(setup.tokensPerStep / seconds));
  if (setup.peakGflops > 0 && setup.flopsPerStep > 0)
    s += fmt::format("  {:.0f}% of peak", 100 * setup.flopsPerStep / seconds * 1e-9 / setup.peakGflops);
  return s + fmt::format("  {} left", formatDuration(left));
}

void Progress::step(int64_t done, const StepResult &result, double stepSeconds, double budgetLeft) {
  window.add(result.nll, stepSeconds);
  bool due =
      first || done == setup.steps || sinceLine.seconds() >= (terminal ? kTerminalSeconds : kLineSeconds);
  if (setup.quiet || !due) return;
  if (terminal)
    fmt::print(stream, "\r{}\x1b[K", line(done, result, budgetLeft));
  else
    fmt::print(stream, "{}\n", line(done, result, budgetLeft));
  std::fflush(stream);
  open = terminal;
  first = false;
  // A terminal's line shows the mean of the last two seconds or so, or it could not be read.
  if (!terminal || window.seconds > 2) window = {};
  sinceLine.restart();
}

void Progress::note(const std::string &text) {
  if (setup.quiet) return;
  endLine();
  fmt::print(stream, "{}\n", text);
  std::fflush(stream);
}

void Progress::endLine() {
  if (open) fmt::print(stream, "\n");
  open = false;
}

} // namespace drawloom
