#include "runtime/cuda/EarlyStart.h"
#include "runtime/artifact/Verify.h"
#include "runtime/program/Memory.h"
#include "runtime/support/Phases.h"
#include <algorithm>

namespace drawloom::cuda {

static constexpr uint64_t kAlignment = 64; // of a plan's buffers; the card's memory is aligned to more

/// The products that a program measures when it is loaded, in its order.
static std::vector<ProductShape> productsOf(const plan::Plan &plan) {
  std::vector<ProductShape> shapes;
  for (uint32_t i = 0; plan.functions() && i < plan.functions()->size(); ++i) {
    auto &f = *plan.functions()->Get(i);
    if (!f.commands() || usesState(plan, f)) continue;
    auto offset = [&](const plan::Place *p) {
      return p ? bufferOf(plan, *p, &f).offset() + p->offset() : kAlignment;
    };
    for (auto *command : *f.commands())
      if (auto *g = command->action_as_Gemm())
        shapes.push_back(ProductShape::of(*g, offset(g->a()), offset(g->b()), offset(g->c())));
  }
  return shapes;
}

namespace {

/// Memory for one operand of every product, zeroed, as a program's is while it is loaded.
class Operand {
public:
  void makeRoom(uint64_t elements, plan::DType type) {
    bytes = std::max(bytes, elements * elementBytes(type) + kAlignment);
  }
  void allocate(const Card &card) {
    memory = DeviceBuffer(card.driver, bytes);
    check(card.driver, card.driver.memsetD8Async(memory.address(), 0, bytes, card.stream),
          "cannot clear the card's memory");
  }
  /// An address that is aligned to so many bytes and, below kAlignment, to no more.
  DevicePointer at(uint32_t alignment) const {
    return memory.address() + (alignment < kAlignment ? alignment : 0);
  }
  uint64_t bytes = 0;

private:
  DeviceBuffer memory;
};

void measure(Products &products, const Card &card, const std::vector<ProductShape> &shapes) {
  Operand a, b, c, bias;
  for (const ProductShape &s : shapes) {
    a.makeRoom((s.transA ? s.k : s.m) * s.lda, s.a);
    b.makeRoom((s.transB ? s.n : s.k) * s.ldb, s.b);
    c.makeRoom(s.m * s.ldc, s.c);
    if (s.bias) bias.makeRoom(s.n, s.c);
  }
  if (shapes.empty() || a.bytes + b.bytes + c.bytes + bias.bytes > card.freeBytes()) return;
  PhaseTimer phase("measure products");
  for (Operand *o : {&a, &b, &c, &bias}) o->allocate(card);
  for (const ProductShape &s : shapes)
    products.prepare(s, a.at(s.alignA), b.at(s.alignB), c.at(s.alignC), 1, s.accumulate ? 1 : 0,
                     s.bias ? bias.at(kAlignment) : 0);
  card.synchronize();
}

} // namespace

EarlyStart::EarlyStart(const Driver *driver, const BlasLt *blasLt, std::string cachePath)
    : thread([=, this, path = std::move(cachePath)] { work(driver, blasLt, path); }) {}

void EarlyStart::work(const Driver *driver, const BlasLt *blasLt, const std::string &cachePath) {
  try {
    card.emplace(driver ? *driver : machineDriver());
    Products products(*card, blasLt ? *blasLt : machineBlasLt(), cachePath);
    measure(products, *card, expected.get_future().get());
    products.save();
  } catch (const std::exception &) {
  }
}

void EarlyStart::tell(std::vector<ProductShape> shapes) {
  if (!std::exchange(told, true)) expected.set_value(std::move(shapes));
}

void EarlyStart::expect(const plan::Plan &plan) { tell(productsOf(plan)); }

void EarlyStart::finish() {
  tell({});
  if (thread.joinable()) thread.join();
}

} // namespace drawloom::cuda
