#include "runtime/train/Evaluate.h"
#include "runtime/abi/Abi.h"
#include "runtime/data/Batches.h"
#include <algorithm>
#include <cmath>
#include <numbers>

namespace drawloom {

/// Keeps `count` windows, spread evenly.
static std::vector<EvalWindow> spread(const std::vector<EvalWindow> &all, uint64_t count) {
  std::vector<EvalWindow> kept;
  for (uint64_t k = 0; k < count; ++k) kept.push_back(all[size_t((__uint128_t)k * all.size() / count)]);
  return kept;
}

/// Windows that begin n bytes apart.
static std::vector<EvalWindow> fixedWindows(Range part, uint64_t n, uint64_t minContext) {
  std::vector<EvalWindow> windows;
  for (uint64_t start = part.begin; start + n <= part.end; start += n)
    windows.push_back({start, minContext, n});
  return windows;
}

/// Windows of which each counts what the one before has not.
static std::vector<EvalWindow> movingWindows(Range part, uint64_t n, uint64_t minContext) {
  uint64_t size = part.size();
  std::vector<EvalWindow> windows;
  // `counted` is where the next byte to count lies; the window that counts it begins minContext before.
  for (uint64_t counted = minContext; counted < size;) {
    uint64_t start = counted - minContext;
    if (start + n > size) start = size > n ? size - n : 0; // the last one: more context rather than padding
    uint64_t end = std::min(size, start + n);
    windows.push_back({part.begin + start, counted - start, end - start});
    counted = end;
  }
  return windows;
}

std::vector<EvalWindow> evaluationWindows(Range part, uint64_t n, uint64_t minContext, uint64_t maxBytes,
                                          Windows kind) {
  require(minContext < n, kUsage, "the least context is {} bytes, expected less than the model's {}",
          minContext, n);
  uint64_t size = part.size(), advance = n - minContext;
  require(size > minContext, kBadInput, "the part to evaluate has {} bytes, expected more than {}", size,
          minContext);
  bool fixed = kind == Windows::Fixed;
  std::vector<EvalWindow> windows =
      fixed ? fixedWindows(part, n, minContext) : movingWindows(part, n, minContext);
  uint64_t wanted = maxBytes == 0 ? windows.size() : (maxBytes + advance - 1) / advance;
  return wanted < windows.size() ? spread(windows, wanted) : windows;
}

EvalResult summarize(const std::vector<WindowLoss> &windows) {
  EvalResult r;
  double nats = 0;
  for (const WindowLoss &w : windows) {
    nats += w.nats;
    r.bytes += w.bytes;
  }
  r.windows = windows.size();
  double ratio = nats / double(r.bytes);
  r.bitsPerByte = ratio / std::numbers::ln2;
  if (windows.size() < 2) return r;
  double squares = 0;
  for (const WindowLoss &w : windows) {
    double residual = w.nats - ratio * double(w.bytes);
    squares += residual * residual;
  }
  double k = double(windows.size());
  r.standardError = std::sqrt(k / (k - 1) * squares) / double(r.bytes) / std::numbers::ln2;
  return r;
}

std::optional<EvalResult> evaluate(TrainableProgram &program, const DataSet &data,
                                   const std::vector<EvalWindow> &windows, uint64_t n, uint64_t batch,
                                   const std::function<bool()> &cancelled) {
  auto tokens = program.view<int32_t>(abi::io::kTokens, batch * n);
  auto targets = program.view<int32_t>(abi::io::kTargets, batch * n);
  auto nll = program.view<float>(abi::io::kNll, batch * n);
  std::vector<WindowLoss> losses;
  std::vector<uint8_t> bytes(n);
  for (size_t at = 0; at < windows.size(); at += batch) {
    if (cancelled && cancelled()) return std::nullopt;
    size_t rows = std::min<size_t>(batch, windows.size() - at);
    for (size_t b = 0; b < batch; ++b) {
      const EvalWindow &w = windows[at + std::min(b, rows - 1)]; // rows that are over repeat the last window
      size_t have = data.read(w.start, bytes);
      fillRow(std::span(bytes).first(have), tokens.subspan(b * n, n), targets.subspan(b * n, n));
    }
    program.run("evaluate");
    for (size_t b = 0; b < rows; ++b) {
      const EvalWindow &w = windows[at + b];
      WindowLoss loss{0, w.last - w.first};
      for (uint64_t t = w.first; t < w.last; ++t) loss.nats += double(nll[b * n + t]);
      losses.push_back(loss);
    }
  }
  return summarize(losses);
}

// Only the values are uploaded: nothing that runs meanwhile reads the averages.
EmaInPlace::EmaInPlace(TrainableProgram &program) : program(program) {
  program.download(plan::Arena::Parameters);
  program.download(plan::Arena::Optimizer);
  swap();
}

EmaInPlace::~EmaInPlace() {
  try {
    swap();
  } catch (const Error &) { // a card that was lost: whatever uses it next says so
  }
}

void EmaInPlace::swap() {
  for (const ParameterRef &p : program.parameters())
    if (!p.ema.empty()) std::swap_ranges(p.value.begin(), p.value.end(), p.ema.begin());
  program.upload(plan::Arena::Parameters);
}

} // namespace drawloom
