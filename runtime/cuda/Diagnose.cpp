#include "runtime/cuda/Diagnose.h"
#include "runtime/cuda/Products.h"
#include "runtime/support/Error.h"

namespace drawloom::cuda {

CudaReport describeCuda() {
  CudaReport r;
  if (const BlasLt *library = findMachineBlasLt(r.blasLtProblem))
    r.blasLtPath = library->path, r.blasLtVersion = library->getVersion();
  const Driver *driver = findMachineDriver(r.problem);
  if (!driver) return r;
  try {
    check(*driver, driver->driverGetVersion(&r.driverVersion), "cannot read the driver's version");
    int count = 0;
    check(*driver, driver->deviceGetCount(&count), "cannot count the cards");
    for (int k = 0; k < count; ++k) {
      DeviceOrdinal device = 0;
      check(*driver, driver->deviceGet(&device, k), "cannot open a card");
      r.cards.push_back(factsOf(*driver, device));
    }
    r.freeBytes = Card(*driver).freeBytes();
  } catch (const Error &e) {
    r.problem = e.what();
  }
  return r;
}

namespace {

// out[i] = 3 i + 1 for the 256 threads of each block.
constexpr const char *kPtx = R"ptx(.version 7.0
.target sm_80
.address_size 64
.visible .entry line(.param .u64 out) {
  .reg .b64 %p, %o;
  .reg .b32 %t, %c, %i, %v;
  ld.param.u64 %p, [out];
  cvta.to.global.u64 %p, %p;
  mov.u32 %t, %tid.x;
  mov.u32 %c, %ctaid.x;
  mad.lo.u32 %i, %c, 256, %t;
  mad.lo.u32 %v, %i, 3, 1;
  mul.wide.u32 %o, %i, 4;
  add.u64 %p, %p, %o;
  st.global.u32 [%p], %v;
  ret;
}
)ptx";

void testKernel(const Card &card) {
  constexpr unsigned blocks = 64, threads = 256;
  const Driver &d = card.driver;
  ModuleHandle module = nullptr;
  check(d, d.moduleLoadDataEx(&module, kPtx, 0, nullptr, nullptr), "the driver does not compile PTX");
  DeviceBuffer out(d, blocks * threads * 4);
  std::vector<uint32_t> host(blocks * threads);
  FunctionHandle kernel = nullptr;
  DevicePointer address = out.address();
  void *parameters[] = {&address};
  Result r = d.moduleGetFunction(&kernel, module, "line");
  if (r == kCudaSuccess)
    r = d.launchKernel(kernel, blocks, 1, 1, threads, 1, 1, 0, card.stream, parameters, nullptr);
  if (r == kCudaSuccess) r = d.memcpyDtoHAsync(host.data(), address, host.size() * 4, card.stream);
  if (r == kCudaSuccess) r = d.streamSynchronize(card.stream);
  d.moduleUnload(module);
  check(d, r, "a kernel does not run");
  for (uint32_t i = 0; i < host.size(); ++i)
    require(host[i] == 3 * i + 1, kFailed, "a kernel computed {} where {} is right", host[i], 3 * i + 1);
}

/// Small whole numbers, so that the product is exact in any order.
void testProduct(const Card &card) {
  constexpr uint64_t side = 256;
  const Driver &d = card.driver;
  std::vector<float> host(side * side), result(side * side);
  for (uint64_t i = 0; i < host.size(); ++i) host[i] = float(int(i * 7 % 13) - 6);
  DeviceBuffer a(d, host.size() * 4), c(d, host.size() * 4);
  Products products(card, machineBlasLt(), "");
  ProductShape s{.transB = true, .m = side, .n = side, .k = side, .lda = side, .ldb = side, .ldc = side};
  Product p = products.prepare(s, a.address(), a.address(), c.address(), 1, 0);
  check(d, d.memcpyHtoDAsync(a.address(), host.data(), host.size() * 4, card.stream),
        "cannot copy to the card");
  products.run(p);
  check(d, d.memcpyDtoHAsync(result.data(), c.address(), host.size() * 4, card.stream), "cannot copy back");
  card.synchronize();
  for (uint64_t i = 0; i < side; ++i)
    for (uint64_t j = 0; j < side; ++j) {
      float expected = 0;
      for (uint64_t k = 0; k < side; ++k) expected += host[i * side + k] * host[j * side + k];
      require(result[i * side + j] == expected, kFailed, "a product is {} where {} is right",
              result[i * side + j], expected);
    }
}

} // namespace

std::string selfTestCuda() {
  try {
    Card card(machineDriver());
    testKernel(card);
    testProduct(card);
    return "";
  } catch (const Error &e) {
    return e.what();
  }
}

} // namespace drawloom::cuda
