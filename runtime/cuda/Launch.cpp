#include "runtime/cuda/Launch.h"
#include "runtime/support/Error.h"
#include <fmt/ranges.h>

namespace drawloom::cuda {

static constexpr uint64_t kMostBlocks = (uint64_t(1) << 31) - 1;

static TensorMapType typeOf(plan::DType dtype) {
  switch (dtype) {
  case plan::DType::F32: return TensorMapType::F32;
  case plan::DType::F64: return TensorMapType::F64;
  case plan::DType::I32: return TensorMapType::I32;
  case plan::DType::I64: return TensorMapType::I64;
  case plan::DType::U8: return TensorMapType::U8;
  case plan::DType::BF16: return TensorMapType::BF16;
  case plan::DType::F16: return TensorMapType::F16;
  }
  fail(kBadInput, "a tensor map has unknown element type {}", int(dtype));
}

static TensorMapObject encode(const Driver &driver, const plan::TensorMap &m, uint64_t address,
                              const char *kernel) {
  std::vector<uint64_t> dims(m.dims()->begin(), m.dims()->end()), strides;
  if (m.strides()) strides.assign(m.strides()->begin(), m.strides()->end());
  std::vector<uint32_t> box(m.box()->begin(), m.box()->end()), step(dims.size(), 1);
  strides.resize(dims.size()); // the driver reads one entry less
  TensorMapObject object;
  Result r = driver.tensorMapEncodeTiled(&object, typeOf(m.dtype()), uint32_t(dims.size()),
                                         reinterpret_cast<void *>(address), dims.data(), strides.data(),
                                         box.data(), step.data(), 0, int(m.swizzle()), kPromoteTo128Bytes, 0);
  strides.pop_back();
  require(r == kCudaSuccess, kBadInput,
          "kernel '{}': the driver refuses the tensor map of place {} ({}, address {:#x}, dims [{}], strides "
          "[{}], box [{}], swizzle {})",
          kernel, m.place(), plan::EnumNameDType(m.dtype()), address, fmt::join(dims, ", "),
          fmt::join(strides, ", "), fmt::join(box, ", "), plan::EnumNameSwizzle(m.swizzle()));
  return object;
}

Launch::Launch(const Card &card, const plan::Plan &plan, const plan::Function &function,
               const plan::Launch &launch, FunctionHandle handle, const CudaMemory &memory)
    : handle(handle) {
  auto &kernel = *plan.kernels()->Get(launch.kernel());
  uint64_t items = std::max<uint32_t>(kernel.items(), 1), count = (launch.grid() + items - 1) / items;
  require(count <= kMostBlocks, kBadInput, "kernel '{}': a grid of {} blocks is too large",
          kernel.name()->c_str(), count);
  blocks = unsigned(count), threads = kernel.threads(), sharedBytes = kernel.shared_bytes();
  if (launch.places())
    for (auto *p : *launch.places()) words.push_back(memory.address(*p, &function));
  uint32_t places = uint32_t(words.size());
  if (launch.scalars())
    for (int64_t s : *launch.scalars()) words.push_back(uint64_t(s));
  words.push_back(launch.grid());
  if (kernel.tensor_maps())
    for (auto *m : *kernel.tensor_maps()) {
      require(m->place() < places, kBadInput, "kernel '{}': a tensor map of place {}, it has {}",
              kernel.name()->c_str(), m->place(), places);
      maps.push_back(encode(card.driver, *m, words[m->place()], kernel.name()->c_str()));
    }
  for (uint64_t &w : words) parameters.push_back(&w);
  for (TensorMapObject &m : maps) parameters.push_back(&m);
}

void Launch::run(const Card &card) const {
  if (blocks == 0) return;
  check(card.driver,
        card.driver.launchKernel(handle, blocks, 1, 1, threads, 1, 1, sharedBytes, card.stream,
                                 const_cast<void **>(parameters.data()), nullptr),
        "cannot launch a kernel");
}

} // namespace drawloom::cuda
