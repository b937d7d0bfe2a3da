// Dense matrix products of a plan through cuBLASLt, each by the algorithm that was fastest here.
#pragma once
#include "runtime/cuda/Card.h"
#include "runtime/cuda/Memory.h"
#include "runtime/cuda/TuningCache.h"
#include "runtime/schema/plan_generated.h"
#include <memory>

namespace drawloom::cuda {

/// What a product's algorithm depends on, in the plan's row-major terms.
struct ProductShape {
  plan::DType a = plan::DType::F32, b = plan::DType::F32, c = plan::DType::F32;
  bool transA = false, transB = false;
  bool accumulate = false; // beta is not zero
  bool bias = false;       // a vector of n elements of c's type is added to every row
  uint64_t m = 0, n = 0, k = 0, lda = 0, ldb = 0, ldc = 0;
  uint32_t alignA = 64, alignB = 64, alignC = 64; // of the addresses, bytes, at most 64

  /// Of a plan's product with operands at these addresses, or at these places of memory that is aligned
  /// to 64.
  static ProductShape of(const plan::Gemm &gemm, DevicePointer a, DevicePointer b, DevicePointer c);
  /// "bf16 bf16 f32 nt 49152x512x2048 lda 2048 ...": names the product in the tuning cache.
  std::string text() const;
};

/// A product that is ready to run. Equal shapes share their algorithm.
struct Product {
  struct Algorithm;
  std::shared_ptr<const Algorithm> algorithm;
  DevicePointer a = 0, b = 0, c = 0;
  float alpha = 1, beta = 0;
  DevicePointer bias = 0;
};

class Products {
public:
  /// Bytes of the card's memory that algorithms may use.
  static constexpr uint64_t kWorkspaceBytes = 32 << 20;

  /// `cachePath`: see TuningCache.
  Products(const Card &card, const BlasLt &library, std::string cachePath);
  ~Products();
  Products(const Products &) = delete;
  Products &operator=(const Products &) = delete;

  /// Chooses the algorithm: the cache's, or else the fastest of those that the library proposes, measured on
  /// the operands as they lie there; either way C is written. `bias` goes with `shape.bias`. Throws
  /// Error(kBadInput) for a combination of types that the library does not multiply.
  Product prepare(const ProductShape &shape, DevicePointer a, DevicePointer b, DevicePointer c, float alpha,
                  float beta, DevicePointer bias = 0);
  Product prepare(const plan::Function &function, const plan::Gemm &gemm, const CudaMemory &memory);
  /// Enqueues the product on the card's stream.
  void run(const Product &product) const;

  /// Keeps what was measured for the next process.
  void save() { cache.save(); }
  /// Products that were measured rather than found in the cache.
  int measured() const { return measurements; }

private:
  std::shared_ptr<Product::Algorithm> describe(const ProductShape &shape) const;
  std::vector<MatmulChoice> propose(const Product::Algorithm &description, const ProductShape &shape) const;
  bool restore(Product::Algorithm &algorithm, const std::string &key) const;
  void measure(Product &product, Product::Algorithm &algorithm, std::vector<MatmulChoice> choices);
  double seconds(const Product &product) const;
  BlasStatus enqueue(const Product &product) const;

  const Card &card;
  const BlasLt &library;
  TuningCache cache;
  std::string machine; // card and library, in keys of the cache
  BlasHandle handle = nullptr;
  DeviceBuffer workspace;
  std::map<std::string, std::shared_ptr<const Product::Algorithm>> algorithms;
  int measurements = 0;
};

} // namespace drawloom::cuda
