#include "test/cuda/FakeCuda.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>

// What the handles of Driver.h and BlasLt.h point to.
namespace drawloom::cuda {
struct CUctx_st {};
struct CUmod_st {};
struct CUlib_st {};
struct CUfunc_st {
  test::FakeKernel kernel;
};
struct CUstream_st {};
struct CUevent_st {
  double milliseconds = 0;
};
struct CUgraph_st {
  std::vector<std::function<void()>> work;
};
struct CUgraphExec_st : CUgraph_st {};
struct cublasLtContext {};
struct cublasLtMatmulDescOpaque {
  int transA = 0, transB = 0, epilogue = 1;
  const float *bias = nullptr;
};
struct cublasLtMatrixLayoutOpaque {
  BlasType type;
  uint64_t rows, columns;
  int64_t ld;
};
struct cublasLtMatmulPreferenceOpaque {};
} // namespace drawloom::cuda

namespace drawloom::test {
using namespace cuda;

namespace {

/// The fake whose functions are in use, and its moving parts.
struct State {
  FakeCuda *fake = nullptr;
  std::vector<std::unique_ptr<CUfunc_st>> functions;
  std::map<uint64_t, uint64_t> sizes; // of device allocations
  CUctx_st context;
  CUmod_st module;
  CUlib_st library;
  CUstream_st stream;
  CUgraph_st *capturing = nullptr;
  double clock = 0;              // milliseconds
  Result failure = kCudaSuccess; // of work that was enqueued
} state;

/// Does it now, or when the graph that is being captured runs.
void enqueue(std::function<void()> work) {
  if (state.capturing)
    state.capturing->work.push_back(std::move(work));
  else
    work();
}

/// (offset in its allocation) of an address.
uint64_t offsetOf(DevicePointer p) {
  auto at = state.sizes.upper_bound(p);
  if (at == state.sizes.begin()) return ADD_FAILURE() << "not the card's memory", 0;
  --at;
  return p - at->first;
}

Result init(unsigned) { return kCudaSuccess; }
Result version(int *v) { return *v = 13000, kCudaSuccess; }
Result errorText(Result r, const char **text) {
  *text = r == kCudaOutOfMemory ? "out of memory" : "it failed";
  return kCudaSuccess;
}
Result errorName(Result, const char **text) { return *text = "CUDA_ERROR_FAKE", kCudaSuccess; }
Result one(int *count) { return *count = 1, kCudaSuccess; }
Result deviceGet(int *device, int) { return *device = 0, kCudaSuccess; }
Result deviceName(char *out, int bytes, int) {
  std::strncpy(out, state.fake->name.c_str(), size_t(bytes));
  return kCudaSuccess;
}
Result attribute(int *value, DeviceAttribute a, int) {
  switch (a) {
  case DeviceAttribute::CapabilityMajor: *value = state.fake->major; break;
  case DeviceAttribute::CapabilityMinor: *value = state.fake->minor; break;
  case DeviceAttribute::Multiprocessors: *value = 4; break;
  case DeviceAttribute::SharedBytesABlock: *value = 227 << 10; break;
  }
  return kCudaSuccess;
}
Result totalMem(size_t *bytes, int) { return *bytes = state.fake->totalBytes, kCudaSuccess; }
Result retain(ContextHandle *c, int) {
  ++state.fake->calls["retain"];
  return *c = &state.context, kCudaSuccess;
}
Result release(int) { return ++state.fake->calls["release"], kCudaSuccess; }
Result setCurrent(ContextHandle) { return kCudaSuccess; }

Result moduleLoad(ModuleHandle *m, const void *image, unsigned, JitOption *, void **) {
  FakeCuda &f = *state.fake;
  f.modules.push_back(std::memcmp(image, "\177ELF", 4) == 0 ? "cubin" : "PTX");
  if (f.refusesCubins) return 200;
  return *m = &state.module, kCudaSuccess;
}
/// Called by several threads at once.
Result libraryLoad(LibraryHandle *l, const void *, JitOption *names, void **values, unsigned options, int *,
                   void **, unsigned) {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  FakeCuda &f = *state.fake;
  f.modules.push_back("PTX");
  if (!f.ptxError.empty()) {
    for (unsigned i = 0; i < options; ++i)
      if (names[i] == JitOption::ErrorLog) std::strcpy(static_cast<char *>(values[i]), f.ptxError.c_str());
    return 218;
  }
  ++f.calls["libraryLoad"];
  return *l = &state.library, kCudaSuccess;
}
Result libraryUnload(LibraryHandle) { return ++state.fake->calls["libraryUnload"], kCudaSuccess; }
Result libraryModule(ModuleHandle *m, LibraryHandle) { return *m = &state.module, kCudaSuccess; }
Result moduleUnload(ModuleHandle) { return ++state.fake->calls["moduleUnload"], kCudaSuccess; }
Result getFunction(FunctionHandle *out, ModuleHandle, const char *name) {
  for (auto &f : state.functions)
    if (f->kernel.name == name) return *out = f.get(), kCudaSuccess;
  return 500;
}
Result setFunction(FunctionHandle f, FunctionAttribute, int value) {
  return f->kernel.dynamicSharedBytes = value, kCudaSuccess;
}
Result getFunctionAttribute(int *value, FunctionAttribute, FunctionHandle) {
  return *value = 1024, kCudaSuccess;
}

Result launch(FunctionHandle f, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned, unsigned,
              unsigned shared, StreamHandle, void **parameters, void **) {
  EXPECT_EQ(y * z, 1u);
  if (shared > (48u << 10)) EXPECT_GE(f->kernel.dynamicSharedBytes, int(shared));
  FakeLaunch l{f->kernel.name, x, threads, shared, {}, {}};
  for (size_t i = 0; i < f->kernel.words; ++i) l.words.push_back(*static_cast<uint64_t *>(parameters[i]));
  for (size_t i = 0; i < f->kernel.tensorMaps; ++i)
    l.tensorMaps.push_back(*static_cast<TensorMapObject *>(parameters[f->kernel.words + i]));
  ++state.fake->calls["launch"];
  enqueue([f, l] {
    state.clock += 1;
    if (f->kernel.name == state.fake->failingKernel) {
      state.failure = 700;
      return;
    }
    state.fake->launches.push_back(l);
    if (f->kernel.body) f->kernel.body(l);
  });
  return kCudaSuccess;
}

Result memInfo(size_t *free, size_t *total) {
  *total = state.fake->totalBytes, *free = *total - state.fake->usedBytes;
  return kCudaSuccess;
}
Result memAlloc(DevicePointer *p, size_t bytes) {
  if (state.fake->usedBytes + bytes > state.fake->totalBytes) return kCudaOutOfMemory;
  void *memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  std::memset(memory, 0xcd, std::min<size_t>(bytes, 1 << 20)); // a card's memory is not zeros
  *p = reinterpret_cast<DevicePointer>(memory);
  state.sizes[*p] = bytes;
  state.fake->usedBytes += bytes;
  ++state.fake->allocations;
  return kCudaSuccess;
}
Result memFree(DevicePointer p) {
  EXPECT_TRUE(state.sizes.count(p));
  state.fake->usedBytes -= state.sizes[p];
  --state.fake->allocations;
  state.sizes.erase(p);
  std::free(reinterpret_cast<void *>(p));
  return kCudaSuccess;
}
Result hostAlloc(void **p, size_t bytes, unsigned) {
  ++state.fake->pinned;
  *p = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  std::memset(*p, 0xcd, bytes);
  return kCudaSuccess;
}
Result hostFree(void *p) { return std::free(p), --state.fake->pinned, kCudaSuccess; }
Result toCard(DevicePointer to, const void *from, size_t bytes, StreamHandle) {
  state.fake->copiesToCard.push_back({offsetOf(to), bytes});
  enqueue([=] { std::memcpy(reinterpret_cast<void *>(to), from, bytes); });
  return kCudaSuccess;
}
Result toHost(void *to, DevicePointer from, size_t bytes, StreamHandle) {
  state.fake->copiesToHost.push_back({offsetOf(from), bytes});
  enqueue([=] { std::memcpy(to, reinterpret_cast<void *>(from), bytes); });
  return kCudaSuccess;
}
Result memset8(DevicePointer to, unsigned char value, size_t bytes, StreamHandle) {
  enqueue([=] { std::memset(reinterpret_cast<void *>(to), value, bytes); });
  return kCudaSuccess;
}

Result streamCreate(StreamHandle *s, unsigned) { return *s = &state.stream, kCudaSuccess; }
Result streamDestroy(StreamHandle) { return kCudaSuccess; }
Result synchronize(StreamHandle) {
  EXPECT_EQ(state.capturing, nullptr) << "waiting is not allowed while a graph is captured";
  return state.failure;
}
Result beginCapture(StreamHandle, int) {
  ++state.fake->calls["capture"];
  return state.capturing = new CUgraph_st, kCudaSuccess;
}
Result endCapture(StreamHandle, GraphHandle *g) {
  *g = state.capturing;
  return state.capturing = nullptr, kCudaSuccess;
}
Result instantiate(GraphExecHandle *out, GraphHandle g, unsigned long long) {
  return *out = new CUgraphExec_st{*g}, kCudaSuccess;
}
Result graphDestroy(GraphHandle g) { return delete g, kCudaSuccess; }
Result graphExecDestroy(GraphExecHandle g) { return delete g, kCudaSuccess; }
Result graphLaunch(GraphExecHandle g, StreamHandle) {
  ++state.fake->calls["graphLaunch"];
  for (auto &work : g->work) work();
  return kCudaSuccess;
}
Result eventCreate(EventHandle *e, unsigned) { return *e = new CUevent_st, kCudaSuccess; }
Result eventDestroy(EventHandle e) { return delete e, kCudaSuccess; }
Result eventRecord(EventHandle e, StreamHandle) {
  enqueue([e] { e->milliseconds = state.clock; });
  return kCudaSuccess;
}
Result elapsed(float *ms, EventHandle a, EventHandle b) {
  return *ms = float(b->milliseconds - a->milliseconds), kCudaSuccess;
}

Result encodeTiled(TensorMapObject *out, TensorMapType type, uint32_t rank, void *address,
                   const uint64_t *dims, const uint64_t *strides, const uint32_t *box, const uint32_t *steps,
                   int interleave, int swizzle, int, int) {
  EXPECT_EQ(interleave, 0);
  for (uint32_t i = 0; i < rank; ++i) EXPECT_EQ(steps[i], 1u);
  for (uint32_t i = 0; i + 1 < rank; ++i)
    if (strides[i] % 16) return 1; // as the driver does
  *out = {};
  out->opaque[0] = state.fake->maps.size();
  state.fake->maps.push_back({type,
                              reinterpret_cast<uint64_t>(address),
                              {dims, dims + rank},
                              {strides, strides + rank - 1},
                              {box, box + rank},
                              swizzle});
  return kCudaSuccess;
}

//===-- cuBLASLt ---------------------------------------------------------------------------------===//

size_t blasVersion() { return 130000; }
BlasStatus blasCreate(BlasHandle *h) { return *h = new cublasLtContext, kBlasSuccess; }
BlasStatus blasDestroy(BlasHandle h) { return delete h, kBlasSuccess; }
BlasStatus descCreate(MatmulDescHandle *d, int compute, BlasType scale) {
  EXPECT_EQ(compute, kComputeF32);
  EXPECT_EQ(scale, BlasType::F32);
  ++state.fake->calls["descriptor"];
  return *d = new cublasLtMatmulDescOpaque, kBlasSuccess;
}
BlasStatus descDestroy(MatmulDescHandle d) {
  return --state.fake->calls["descriptor"], delete d, kBlasSuccess;
}
BlasStatus descSet(MatmulDescHandle d, MatmulDescAttribute a, const void *value, size_t bytes) {
  void *to = nullptr;
  switch (a) {
  case MatmulDescAttribute::TransA: to = &d->transA; break;
  case MatmulDescAttribute::TransB: to = &d->transB; break;
  case MatmulDescAttribute::Epilogue: to = &d->epilogue; break;
  case MatmulDescAttribute::BiasPointer: to = &d->bias; break;
  }
  EXPECT_EQ(bytes, a == MatmulDescAttribute::BiasPointer ? 8u : 4u);
  std::memcpy(to, value, bytes);
  return kBlasSuccess;
}
BlasStatus layoutCreate(MatrixLayoutHandle *l, BlasType type, uint64_t rows, uint64_t columns, int64_t ld) {
  EXPECT_GE(uint64_t(ld), rows);
  return *l = new cublasLtMatrixLayoutOpaque{type, rows, columns, ld}, kBlasSuccess;
}
BlasStatus layoutDestroy(MatrixLayoutHandle l) { return delete l, kBlasSuccess; }
BlasStatus preferenceCreate(MatmulPreferenceHandle *p) {
  return *p = new cublasLtMatmulPreferenceOpaque, kBlasSuccess;
}
BlasStatus preferenceDestroy(MatmulPreferenceHandle p) { return delete p, kBlasSuccess; }
BlasStatus preferenceSet(MatmulPreferenceHandle, MatmulPreferenceAttribute, const void *, size_t) {
  return kBlasSuccess;
}
bool multiplies(MatrixLayoutHandle a, MatrixLayoutHandle b) { return a->type == b->type; }
BlasStatus heuristic(BlasHandle, MatmulDescHandle, MatrixLayoutHandle a, MatrixLayoutHandle b,
                     MatrixLayoutHandle, MatrixLayoutHandle, MatmulPreferenceHandle, int wanted,
                     MatmulChoice *out, int *found) {
  if (!multiplies(a, b)) return 15;
  *found = std::min(wanted, state.fake->proposals);
  for (int i = 0; i < *found; ++i) out[i] = {{{uint64_t(i)}}, 0, kBlasSuccess, 1, {}};
  return kBlasSuccess;
}
BlasStatus algoCheck(BlasHandle, MatmulDescHandle, MatrixLayoutHandle, MatrixLayoutHandle, MatrixLayoutHandle,
                     MatrixLayoutHandle, const MatmulAlgorithm *a, MatmulChoice *out) {
  *out = {};
  return a->data[0] < uint64_t(state.fake->proposals) ? kBlasSuccess : 15;
}

float element(const void *p, BlasType type, uint64_t i) {
  if (type == BlasType::F32) return static_cast<const float *>(p)[i];
  EXPECT_EQ(type, BlasType::BF16); // the fake knows no f16
  uint32_t bits = uint32_t(static_cast<const uint16_t *>(p)[i]) << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

/// Column-major D = alpha op(A) op(B) + beta C, as the library's documentation says it.
BlasStatus matmul(BlasHandle, MatmulDescHandle desc, const void *alpha, const void *a, MatrixLayoutHandle la,
                  const void *b, MatrixLayoutHandle lb, const void *beta, const void *c,
                  MatrixLayoutHandle lc, void *d, MatrixLayoutHandle ld, const MatmulAlgorithm *algorithm,
                  void *, size_t bytes, StreamHandle) {
  EXPECT_EQ(c, d);
  EXPECT_EQ(lc, ld);
  EXPECT_EQ(lc->type, BlasType::F32); // the fake rounds nothing
  EXPECT_GT(bytes, 0u);
  float al = *static_cast<const float *>(alpha), be = *static_cast<const float *>(beta);
  ++state.fake->calls["matmul " + std::to_string(algorithm->data[0])];
  double cost = algorithm->data[0] == uint64_t(state.fake->fastest) ? 1 : 2;
  // Descriptors outlive the work, as the library wants it.
  enqueue([=, desc = *desc, la = *la, lb = *lb, lc = *lc] {
    state.clock += cost;
    auto *out = static_cast<float *>(d);
    uint64_t k = desc.transA ? la.rows : la.columns;
    EXPECT_EQ(k, desc.transB ? lb.columns : lb.rows);
    EXPECT_EQ(lc.rows, desc.transA ? la.columns : la.rows);
    EXPECT_EQ(lc.columns, desc.transB ? lb.rows : lb.columns);
    for (uint64_t i = 0; i < lc.rows; ++i)
      for (uint64_t j = 0; j < lc.columns; ++j) {
        float sum = 0;
        for (uint64_t t = 0; t < k; ++t)
          sum += element(a, la.type, desc.transA ? t + i * uint64_t(la.ld) : i + t * uint64_t(la.ld)) *
                 element(b, lb.type, desc.transB ? j + t * uint64_t(lb.ld) : t + j * uint64_t(lb.ld));
        float &to = out[i + j * uint64_t(lc.ld)];
        to = al * sum + (be == 0 ? 0 : be * to) + (desc.epilogue == kEpilogueBias ? desc.bias[i] : 0);
      }
  });
  return kBlasSuccess;
}

} // namespace

FakeCuda::FakeCuda(std::vector<FakeKernel> kernels) {
  state = State();
  state.fake = this;
  for (FakeKernel &k : kernels) state.functions.push_back(std::make_unique<CUfunc_st>(std::move(k)));
  table = {init,
           version,
           errorName,
           errorText,
           one,
           deviceGet,
           deviceName,
           attribute,
           totalMem,
           retain,
           release,
           setCurrent,
           moduleLoad,
           moduleUnload,
           libraryLoad,
           libraryUnload,
           libraryModule,
           getFunction,
           setFunction,
           getFunctionAttribute,
           launch,
           memInfo,
           memAlloc,
           memFree,
           hostAlloc,
           hostFree,
           toCard,
           toHost,
           memset8,
           streamCreate,
           streamDestroy,
           synchronize,
           beginCapture,
           endCapture,
           eventCreate,
           eventDestroy,
           eventRecord,
           elapsed,
           instantiate,
           graphDestroy,
           graphExecDestroy,
           graphLaunch,
           encodeTiled};
  blasTable = {blasVersion,   blasCreate,   blasDestroy,   descCreate,       descDestroy,
               descSet,       layoutCreate, layoutDestroy, preferenceCreate, preferenceDestroy,
               preferenceSet, heuristic,    algoCheck,     matmul,           "fake"};
}

FakeCuda::~FakeCuda() {
  EXPECT_EQ(allocations, 0u) << "memory of the card that was not given back";
  EXPECT_EQ(pinned, 0u);
  EXPECT_EQ(calls["retain"], calls["release"]);
  EXPECT_EQ(calls["descriptor"], 0);
  state.fake = nullptr;
}

} // namespace drawloom::test
