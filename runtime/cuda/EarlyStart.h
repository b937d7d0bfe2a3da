// What a run on a card can have before its model is compiled.
#pragma once
#include "runtime/cuda/Products.h"
#include <future>
#include <optional>
#include <thread>

namespace drawloom::cuda {

/// Opens the card and cuBLASLt, and measures the algorithms of a plan's products once the plan is known, on a
/// thread of its own while the compiler works on kernels. Measurements are found again in the tuning cache.
/// Nothing here fails: whoever needs what is missing meets the reason.
class EarlyStart {
public:
  /// `driver` and `blasLt` stand for the machine's if they are set. `cachePath`: see TuningCache.
  explicit EarlyStart(const Driver *driver = nullptr, const BlasLt *blasLt = nullptr,
                      std::string cachePath = TuningCache::defaultPath());
  ~EarlyStart() { finish(); }
  EarlyStart(const EarlyStart &) = delete;
  EarlyStart &operator=(const EarlyStart &) = delete;

  /// The plan that is being compiled, once. Functions that decode are left out, as they are when a program is
  /// loaded.
  void expect(const plan::Plan &plan);
  /// Returns when all is measured and its memory given back. The card's context lives as long as this object.
  void finish();

private:
  void work(const Driver *driver, const BlasLt *blasLt, const std::string &cachePath);
  void tell(std::vector<ProductShape> shapes);

  std::promise<std::vector<ProductShape>> expected;
  bool told = false;
  std::optional<Card> card;
  std::thread thread;
};

} // namespace drawloom::cuda
