#include "runtime/cuda/Products.h"
#include "runtime/support/Error.h"
#include "runtime/support/Phases.h"
#include <algorithm>
#include <cctype>
#include <cmath>

namespace drawloom::cuda {

static constexpr int kProposals = 8;
// Another algorithm than the library's first choice must be clearly faster: noise shall not change bits.
static constexpr double kClearlyFaster = 0.98;
// A round lasts about so long: small products are repeated until the clock's grain does not matter.
static constexpr double kRoundSeconds = 4e-4;
static constexpr int kFewestRepeats = 3, kMostRepeats = 50, kRounds = 3;

static std::string lower(plan::DType t) {
  std::string s = plan::EnumNameDType(t);
  std::transform(s.begin(), s.end(), s.begin(), [](char c) { return char(std::tolower(c)); });
  return s;
}

std::string ProductShape::text() const {
  return fmt::format("{} {} {} {}{} {}x{}x{} ld {} {} {} align {} {} {}{}{}", lower(a), lower(b), lower(c),
                     transA ? 't' : 'n', transB ? 't' : 'n', m, n, k, lda, ldb, ldc, alignA, alignB, alignC,
                     accumulate ? " add" : "", bias ? " bias" : "");
}

/// Descriptors of the library and what it was found to do best with them.
struct Product::Algorithm {
  explicit Algorithm(const BlasLt &library) : library(library) {}
  ~Algorithm() {
    if (product) library.matmulDescDestroy(product);
    for (auto layout : {a, b, c})
      if (layout) library.matrixLayoutDestroy(layout);
  }
  Algorithm(const Algorithm &) = delete;
  Algorithm &operator=(const Algorithm &) = delete;

  const BlasLt &library;
  MatmulDescHandle product = nullptr;
  MatrixLayoutHandle a = nullptr, b = nullptr, c = nullptr; // of the plan's A, B and C
  MatmulAlgorithm chosen{};
};

static void checkBlas(BlasStatus status, const char *what) {
  if (status != kBlasSuccess) fail(kFailed, "{}: cuBLASLt's status {}", what, status);
}

static BlasType typeOf(plan::DType t) {
  switch (t) {
  case plan::DType::F32: return BlasType::F32;
  case plan::DType::F16: return BlasType::F16;
  case plan::DType::BF16: return BlasType::BF16;
  default: fail(kBadInput, "a matrix product of elements of type {}", plan::EnumNameDType(t));
  }
}

Products::Products(const Card &card, const BlasLt &library, std::string cachePath)
    : card(card), library(library), cache(std::move(cachePath)),
      machine(fmt::format("{}, {} multiprocessors, cuBLASLt {}: ", card.facts.name,
                          card.facts.multiprocessors, library.getVersion())) {
  PhaseTimer phase("cublaslt handle");
  checkBlas(library.create(&handle), "cannot use cuBLASLt");
  workspace = DeviceBuffer(card.driver, kWorkspaceBytes);
}

Products::~Products() {
  algorithms.clear();
  library.destroy(handle);
}

// The library counts by columns: a row-major C = op(A) op(B) is, column-major, C' = op(B)' op(A)'. So its
// first operand is our B, its second our A, with transposition flags as they are, and extents n, m, k. Its
// bias has an element for each of its rows, which are our columns.
std::shared_ptr<Product::Algorithm> Products::describe(const ProductShape &s) const {
  auto d = std::make_shared<Product::Algorithm>(library);
  checkBlas(library.matmulDescCreate(&d->product, kComputeF32, BlasType::F32), "cannot describe a product");
  auto set = [&](MatmulDescAttribute what, int value) {
    checkBlas(library.matmulDescSetAttribute(d->product, what, &value, sizeof value),
              "cannot describe a product");
  };
  set(MatmulDescAttribute::TransA, s.transB);
  set(MatmulDescAttribute::TransB, s.transA);
  if (s.bias) set(MatmulDescAttribute::Epilogue, kEpilogueBias);
  auto layout = [&](MatrixLayoutHandle &out, plan::DType type, uint64_t rows, uint64_t columns, uint64_t ld) {
    checkBlas(library.matrixLayoutCreate(&out, typeOf(type), columns, rows, int64_t(ld)),
              "cannot describe a matrix");
  };
  s.transA ? layout(d->a, s.a, s.k, s.m, s.lda) : layout(d->a, s.a, s.m, s.k, s.lda);
  s.transB ? layout(d->b, s.b, s.n, s.k, s.ldb) : layout(d->b, s.b, s.k, s.n, s.ldb);
  layout(d->c, s.c, s.m, s.n, s.ldc);
  return d;
}

std::vector<MatmulChoice> Products::propose(const Product::Algorithm &d, const ProductShape &s) const {
  MatmulPreferenceHandle preference = nullptr;
  checkBlas(library.matmulPreferenceCreate(&preference), "cannot choose an algorithm");
  auto set = [&](MatmulPreferenceAttribute what, auto value) {
    library.matmulPreferenceSetAttribute(preference, what, &value, sizeof value);
  };
  set(MatmulPreferenceAttribute::WorkspaceBytes, kWorkspaceBytes);
  set(MatmulPreferenceAttribute::AlignmentA, s.alignB);
  set(MatmulPreferenceAttribute::AlignmentB, s.alignA);
  set(MatmulPreferenceAttribute::AlignmentC, s.alignC);
  set(MatmulPreferenceAttribute::AlignmentD, s.alignC);
  std::vector<MatmulChoice> choices(kProposals);
  int found = 0;
  BlasStatus status = library.matmulAlgoGetHeuristic(handle, d.product, d.b, d.a, d.c, d.c, preference,
                                                     kProposals, choices.data(), &found);
  library.matmulPreferenceDestroy(preference);
  choices.resize(status == kBlasSuccess ? size_t(found) : 0);
  std::erase_if(choices,
                [](auto &c) { return c.state != kBlasSuccess || c.workspaceBytes > kWorkspaceBytes; });
  if (choices.empty())
    failWithHint(kBadInput, "use the same type for both factors, and that or f32 for the result",
                 "cuBLASLt has no algorithm for the product {} (status {})", s.text(), status);
  return choices;
}

/// Takes the cache's algorithm if the library still accepts it.
bool Products::restore(Product::Algorithm &d, const std::string &key) const {
  auto known = cache.find(key);
  if (!known) return false;
  MatmulChoice result{};
  if (library.matmulAlgoCheck(handle, d.product, d.b, d.a, d.c, d.c, &*known, &result) != kBlasSuccess ||
      result.workspaceBytes > kWorkspaceBytes)
    return false;
  d.chosen = *known;
  return true;
}

BlasStatus Products::enqueue(const Product &p) const {
  auto &d = *p.algorithm;
  auto pointer = [](DevicePointer address) { return reinterpret_cast<void *>(address); };
  if (p.bias) { // equal products share the description, but each has its own bias
    const void *bias = pointer(p.bias);
    BlasStatus status =
        library.matmulDescSetAttribute(d.product, MatmulDescAttribute::BiasPointer, &bias, sizeof bias);
    if (status != kBlasSuccess) return status;
  }
  return library.matmul(handle, d.product, &p.alpha, pointer(p.b), d.b, pointer(p.a), d.a, &p.beta,
                        pointer(p.c), d.c, pointer(p.c), d.c, &d.chosen, pointer(workspace.address()),
                        kWorkspaceBytes, card.stream);
}

/// Of one product, the best of some rounds; infinite if the library refuses.
double Products::seconds(const Product &p) const {
  Event start(card.driver), end(card.driver);
  auto round = [&](int repeats) {
    start.record(card.stream);
    for (int k = 0; k < repeats; ++k) (void)enqueue(p);
    end.record(card.stream);
    card.synchronize();
    return end.secondsSince(start) / repeats;
  };
  if (enqueue(p) != kBlasSuccess) return INFINITY; // and warms up
  double best = round(1);
  int repeats = int(std::clamp(kRoundSeconds / best, double(kFewestRepeats), double(kMostRepeats)));
  for (int k = 0; k < kRounds; ++k) best = std::min(best, round(repeats));
  return best;
}

void Products::measure(Product &p, Product::Algorithm &d, std::vector<MatmulChoice> choices) {
  d.chosen = choices[0].algorithm;
  if (choices.size() == 1) return;
  double first = seconds(p), best = first;
  MatmulAlgorithm fastest = d.chosen;
  for (size_t k = 1; k < choices.size(); ++k) {
    d.chosen = choices[k].algorithm;
    if (double s = seconds(p); s < best && s < kClearlyFaster * first) best = s, fastest = d.chosen;
  }
  d.chosen = fastest;
  ++measurements;
}

Product Products::prepare(const ProductShape &shape, DevicePointer a, DevicePointer b, DevicePointer c,
                          float alpha, float beta, DevicePointer bias) {
  Product p{nullptr, a, b, c, alpha, beta, bias};
  std::string key = machine + shape.text();
  auto &known = algorithms[key];
  if (!known) {
    auto d = describe(shape);
    p.algorithm = known = d;
    if (!restore(*d, key)) {
      measure(p, *d, propose(*d, shape));
      cache.add(key, d->chosen);
    }
    // Whatever the library loads for it is loaded now: not while a graph is captured, nor in the first step.
    checkBlas(enqueue(p), "a matrix product failed");
  }
  p.algorithm = known;
  return p;
}

static uint32_t alignmentOf(DevicePointer address) {
  return uint32_t(std::min<DevicePointer>(address ? address & (~address + 1) : 64, 64));
}

ProductShape ProductShape::of(const plan::Gemm &g, DevicePointer a, DevicePointer b, DevicePointer c) {
  ProductShape s{.a = g.a_type(), .b = g.b_type(), .c = g.c_type()};
  s.transA = g.trans_a(), s.transB = g.trans_b(), s.accumulate = g.beta() != 0;
  s.bias = g.bias() != nullptr;
  s.m = g.m(), s.n = g.n(), s.k = g.k();
  s.lda = g.lda(), s.ldb = g.ldb(), s.ldc = g.ldc();
  s.alignA = alignmentOf(a), s.alignB = alignmentOf(b), s.alignC = alignmentOf(c);
  return s;
}

Product Products::prepare(const plan::Function &f, const plan::Gemm &g, const CudaMemory &memory) {
  DevicePointer a = memory.address(*g.a(), &f), b = memory.address(*g.b(), &f),
                c = memory.address(*g.c(), &f), bias = g.bias() ? memory.address(*g.bias(), &f) : 0;
  return prepare(ProductShape::of(g, a, b, c), a, b, c, g.alpha(), g.beta(), bias);
}

void Products::run(const Product &p) const { checkBlas(enqueue(p), "a matrix product failed"); }

} // namespace drawloom::cuda
