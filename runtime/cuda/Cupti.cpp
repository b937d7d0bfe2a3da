#include "runtime/cuda/Cupti.h"
#include "runtime/cuda/LibrarySearch.h"
#include "runtime/support/Clock.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <mutex>

namespace drawloom::cuda {
namespace {

constexpr int kConcurrentKernels = 10; ///< CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL
constexpr size_t kBufferBytes = 1 << 20, kBufferAlignment = 8;

/// How every version of CUPTI since 10.0 begins the record of a kernel (CUpti_ActivityKernel5 to 10).
struct KernelRecord {
  uint32_t kind;
  uint8_t cacheConfig, sharedMemoryConfig;
  uint16_t registers;
  uint32_t partitionedCacheRequested, partitionedCacheExecuted;
  uint64_t start, end, completed;
  uint32_t device, context, stream;
  int32_t grid[3], block[3];
  int32_t staticShared, dynamicShared;
  uint32_t localOfThread, localTotal, correlation;
  int64_t gridNumber;
  const char *name;
};
static_assert(offsetof(KernelRecord, start) == 16 && offsetof(KernelRecord, stream) == 48 &&
              offsetof(KernelRecord, name) == 104);

/// What has come so far. CUPTI's callbacks have no argument of the caller's.
struct Records {
  std::mutex mutex;
  std::vector<KernelSpan> spans;
  int (*next)(uint8_t *, size_t, void **) = nullptr;
};
Records &records() {
  static Records *all = new Records; // outlives CUPTI's threads
  return *all;
}

void giveBuffer(uint8_t **buffer, size_t *size, size_t *mostRecords) {
  *buffer = static_cast<uint8_t *>(std::aligned_alloc(kBufferAlignment, kBufferBytes));
  *size = *buffer ? kBufferBytes : 0;
  *mostRecords = 0; // as many as fit
}

void takeBuffer(void *, uint32_t, uint8_t *buffer, size_t, size_t used) {
  Records &all = records();
  std::lock_guard lock(all.mutex);
  void *record = nullptr;
  while (all.next(buffer, used, &record) == 0) {
    KernelRecord kernel;
    std::memcpy(&kernel, record, sizeof(kernel.kind));
    if (kernel.kind != kConcurrentKernels) continue;
    std::memcpy(&kernel, record, sizeof(kernel));
    KernelSpan &span = all.spans.emplace_back();
    span.name = kernel.name ? kernel.name : "";
    span.start = kernel.start, span.nanoseconds = kernel.end - kernel.start;
    span.stream = kernel.stream, span.registers = kernel.registers;
    span.sharedBytes = uint64_t(kernel.staticShared) + uint64_t(kernel.dynamicShared);
    std::copy_n(kernel.grid, 3, span.grid.begin()), std::copy_n(kernel.block, 3, span.block.begin());
  }
  std::free(buffer);
}

} // namespace

/// Functions of CUPTI; a result of 0 is success.
struct KernelTrace::Api {
  int (*registerCallbacks)(decltype(&giveBuffer), decltype(&takeBuffer)) = nullptr;
  int (*enable)(int kind) = nullptr;
  int (*disable)(int kind) = nullptr;
  int (*flushAll)(uint32_t flags) = nullptr;
  int (*nextRecord)(uint8_t *, size_t, void **) = nullptr;
  int (*timestamp)(uint64_t *) = nullptr;
};

const KernelTrace::Api *KernelTrace::load(std::string &problem) {
  static Api api;
  auto candidates = libraryCandidates("DRAWLOOM_CUPTI", {"libcupti.so.13", "libcupti.so.12", "libcupti.so"});
  void *library = nullptr;
  for (const std::string &path : candidates)
    if (!library) library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    problem = candidates.size() == 1 ? candidates[0] + " cannot be loaded" : "CUPTI's library was not found";
    return nullptr;
  }
  bool isWhole = true;
  auto find = [&](auto &function, const char *symbol) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, symbol));
    isWhole &= function != nullptr;
  };
  find(api.registerCallbacks, "cuptiActivityRegisterCallbacks");
  find(api.enable, "cuptiActivityEnable");
  find(api.disable, "cuptiActivityDisable");
  find(api.flushAll, "cuptiActivityFlushAll");
  find(api.nextRecord, "cuptiActivityGetNextRecord");
  find(api.timestamp, "cuptiGetTimestamp");
  if (!isWhole) {
    problem = "CUPTI's library has not all of its functions";
    return nullptr;
  }
  return &api;
}

std::unique_ptr<KernelTrace> KernelTrace::start(std::string &problem) {
  const Api *api = load(problem);
  if (!api) return nullptr;
  {
    std::lock_guard lock(records().mutex);
    records().spans.clear();
    records().next = api->nextRecord;
  }
  uint64_t theirs = 0;
  int64_t ours = int64_t(monotonicNanoseconds());
  int failed = api->registerCallbacks(giveBuffer, takeBuffer);
  if (!failed) failed = api->timestamp(&theirs);
  if (!failed) failed = api->enable(kConcurrentKernels);
  if (failed) {
    problem = fmt::format("CUPTI does not start: its error {}", failed);
    return nullptr;
  }
  return std::unique_ptr<KernelTrace>(new KernelTrace(*api, ours - int64_t(theirs)));
}

std::vector<KernelSpan> KernelTrace::finish() {
  if (!std::exchange(isOpen, false)) return {};
  constexpr uint32_t kForced = 1; // records that have not ended too
  api.flushAll(0);
  api.disable(kConcurrentKernels);
  api.flushAll(kForced);
  std::vector<KernelSpan> spans;
  {
    std::lock_guard lock(records().mutex);
    spans.swap(records().spans);
  }
  std::erase_if(spans, [](const KernelSpan &span) { return span.start == 0; }); // no times were collected
  for (KernelSpan &span : spans) span.start = uint64_t(int64_t(span.start) + toClock);
  std::ranges::sort(spans, {}, &KernelSpan::start);
  return spans;
}

KernelTrace::~KernelTrace() { finish(); }

} // namespace drawloom::cuda
