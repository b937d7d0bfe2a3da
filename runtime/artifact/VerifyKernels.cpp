// KERNEL and TMAP rules, without what depends on a launch (VerifyFunctions.cpp).
#include "runtime/artifact/VerifyParts.h"
#include <algorithm>

namespace drawloom::verify {

static constexpr uint32_t kMaxThreads = 1024, kWarp = 32;
static constexpr uint64_t kMaxParameterBytes = 32764;
static constexpr uint64_t kTensorMapBytes = 128, kTensorMapAlignment = 64;
static constexpr uint32_t kMaxTensorMapRank = 5;

/// Dynamic shared memory that a block of the target may have.
static uint64_t maxSharedBytes(const plan::Plan &plan) {
  std::string_view target(plan.target()->c_str(), plan.target()->size());
  return (target == "sm_80" ? 163 : 227) << 10;
}

/// Bytes of a GPU kernel's parameters: words, then tensor maps.
static uint64_t parameterBytes(const plan::Kernel &k) {
  uint64_t words = 8 * (uint64_t(k.places()) + k.scalars() + 1), maps = sizeOf(k.tensor_maps());
  if (maps == 0) return words;
  return (words + kTensorMapAlignment - 1) / kTensorMapAlignment * kTensorMapAlignment +
         maps * kTensorMapBytes;
}

static void verifyCpuKernel(const Context &c, const plan::Kernel &k) {
  uint64_t code = c.plan.code() ? c.plan.code()->bytes() : 0;
  c.require(k.entry() < code, "KERNEL1", "kernel {} begins at {} in {} bytes of code", quote(k.name()),
            k.entry(), code);
  c.require(k.threads() == 0 && k.shared_bytes() == 0 && sizeOf(k.tensor_maps()) == 0, "KERNEL2",
            "kernel {} of a CPU says how a GPU launches it", quote(k.name()));
}

static void verifyGpuKernel(const Context &c, const plan::Kernel &k) {
  c.require(k.threads() == 1 ||
                (k.threads() >= kWarp && k.threads() <= kMaxThreads && k.threads() % kWarp == 0),
            "KERNEL4", "kernel {} has blocks of {} threads", quote(k.name()), k.threads());
  c.require(k.items() >= 1, "KERNEL4", "a block of kernel {} has no work items", quote(k.name()));
  c.require(k.shared_bytes() <= maxSharedBytes(c.plan), "KERNEL4",
            "kernel {} has {} bytes of shared memory; {} has {}", quote(k.name()), k.shared_bytes(),
            quote(c.plan.target()), maxSharedBytes(c.plan));
  c.require(parameterBytes(k) <= kMaxParameterBytes, "KERNEL5",
            "kernel {} has {} bytes of parameters; at most {} are supported", quote(k.name()),
            parameterBytes(k), kMaxParameterBytes);
  for (uint32_t i = 0; i < sizeOf(k.tensor_maps()); ++i) verifyTensorMap(c, k, *k.tensor_maps()->Get(i));
}

static uint64_t bytesOf(const plan::Segment *segment) { return segment ? segment->bytes() : 0; }

/// PTX is handed to the driver as a string.
static void verifyPtx(const Context &c, const plan::CodeModule &m) {
  auto *code = c.plan.code();
  c.require(code && m.code_bytes() > 0, "KERNEL3", "the code of a module is empty");
  auto bytes = c.file.bytes.subspan(code->offset() + m.code(), m.code_bytes());
  c.require(std::find(bytes.begin(), bytes.end(), std::byte(0)) == bytes.end() - 1, "KERNEL3",
            "the code is no text that ends in a NUL");
}

/// MODULE rules and the modules' text.
static void verifyModules(const Context &c) {
  auto *modules = c.plan.modules();
  c.requireAligned(modules, "the modules");
  uint64_t code = bytesOf(c.plan.code()), sass = bytesOf(c.plan.sass());
  for (uint32_t i = 0; i < sizeOf(modules); ++i) {
    auto &m = *modules->Get(i);
    c.require(inside(m.code(), m.code_bytes(), code) && inside(m.sass(), m.sass_bytes(), sass), "MODULE1",
              "module {} does not lie in {} bytes of code and {} of sass", i, code, sass);
    verifyPtx(c, m);
  }
  if (!modules) verifyPtx(c, {0, code, 0, sass});
  for (uint32_t i = 0; i < sizeOf(c.plan.kernels()); ++i) {
    auto &k = *c.plan.kernels()->Get(i);
    uint32_t count = modules ? modules->size() : 1;
    c.require(k.code_module() < count, "MODULE2", "kernel {} is of module {} of {}", quote(k.name()),
              k.code_module(), count);
  }
}

void verifyTensorMap(const Context &c, const plan::Kernel &k, const plan::TensorMap &m) {
  auto require = [&](bool ok, std::string_view rule, std::string_view what) {
    c.require(ok, rule, "kernel {}, tensor map of place {}: {}", quote(k.name()), m.place(), what);
  };
  uint64_t element = elementBytes(m.dtype());
  require(m.place() < k.places(), "TMAP1", "there is no such place");
  require(element != 0, "TMAP1", "unknown element type");
  require(m.swizzle() <= plan::Swizzle::MAX, "TMAP1", "unknown swizzle");
  c.requireAligned(m.dims(), "a tensor map's dims");
  c.requireAligned(m.strides(), "a tensor map's strides");
  uint32_t rank = sizeOf(m.dims());
  require(rank >= 1 && rank <= kMaxTensorMapRank && sizeOf(m.strides()) == rank - 1 &&
              sizeOf(m.box()) == rank,
          "TMAP2", "expected 1 to 5 dimensions, one stride fewer and as many box extents");
  for (uint32_t i = 0; i < rank; ++i) {
    uint64_t dim = m.dims()->Get(i), box = m.box()->Get(i);
    require(dim >= 1 && dim <= uint64_t(1) << 32, "TMAP3", "a dimension is not in [1, 2^32]");
    require(box >= 1 && box <= 256, "TMAP3", "a box extent is not in [1, 256]");
    if (i + 1 == rank) break;
    uint64_t stride = m.strides()->Get(i);
    require(stride > 0 && stride % 16 == 0 && stride < uint64_t(1) << 40, "TMAP3",
            "a stride is not a positive multiple of 16 below 2^40");
  }
  constexpr uint64_t spans[] = {256 * 8, 32, 64, 128}; // without a swizzle, no limit but the box's
  uint64_t row = m.box()->Get(0) * element;
  require(row % 16 == 0 && row <= spans[size_t(m.swizzle())], "TMAP4",
          "a row of the box is not a multiple of 16 bytes within the swizzle's span");
}

void verifyKernels(const Context &c) {
  bool gpu = isForGpu(c.plan);
  std::vector<const flatbuffers::String *> names;
  for (uint32_t i = 0; i < sizeOf(c.plan.kernels()); ++i) {
    auto &k = *c.plan.kernels()->Get(i);
    names.push_back(k.name());
    c.require(k.places() <= kMaxKernelArguments && k.scalars() <= kMaxKernelArguments, "KERNEL1",
              "kernel {} takes {} places and {} scalars; at most {} are supported", quote(k.name()),
              k.places(), k.scalars(), kMaxKernelArguments);
    gpu ? verifyGpuKernel(c, k) : verifyCpuKernel(c, k);
  }
  c.require(gpu || !c.plan.modules(), "MODULE1", "an artifact for {} has modules", quote(c.plan.target()));
  if (!gpu || (names.empty() && !c.plan.modules())) return;
  verifyModules(c);
  requireUniqueNames(c, "kernel", std::move(names));
}

} // namespace drawloom::verify
