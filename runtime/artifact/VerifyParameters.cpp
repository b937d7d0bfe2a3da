// PARAM rules.
#include "runtime/abi/Abi.h"
#include "runtime/artifact/VerifyParts.h"
#include <cmath>
#include <optional>

namespace drawloom::verify {

namespace {

/// The parameters under verification. `slots` are the offsets of each companion relative to the value's: the
/// same for every parameter, so that one pass over a slot meets the parameters in their order.
struct ParameterVerifier {
  const Context &c;
  const plan::Parameter *p = nullptr;
  std::optional<uint64_t> moment1Slot = {}, moment2Slot = {}, emaSlot = {};

  template <class... Args>
  void require(bool ok, std::string_view rule, fmt::format_string<Args...> format, Args &&...args) const {
    if (!ok)
      c.reject(rule, fmt::format("parameter {}: ", quote(p->name())) +
                         fmt::format(format, std::forward<Args>(args)...));
  }

  /// The buffer of one of the parameter's references, checked against PARAM1.
  const plan::Buffer &buffer(uint32_t index, std::string_view what, plan::Arena arena) const {
    require(index < sizeOf(c.plan.buffers()), "PARAM1", "its {} is buffer {} of {}", what, index,
            sizeOf(c.plan.buffers()));
    auto &b = *c.plan.buffers()->Get(index);
    require(b.dtype() == plan::DType::F32 && b.arena() == arena, "PARAM1",
            "its {} is a buffer of {} in {}; expected F32 in {}", what, plan::EnumNameDType(b.dtype()),
            plan::EnumNameArena(b.arena()), plan::EnumNameArena(arena));
    return b;
  }

  void companion(const plan::Buffer &value, uint32_t index, std::string_view what, plan::Arena arena,
                 std::optional<uint64_t> &slot) const {
    if (index == abi::kNoBuffer) return;
    auto &b = buffer(index, what, arena);
    bool same = sizeOf(b.shape()) == sizeOf(value.shape());
    for (uint32_t i = 0; same && i < sizeOf(b.shape()); ++i)
      same = b.shape()->Get(i) == value.shape()->Get(i);
    require(same, "PARAM1", "its {} has another shape than its value", what);
    uint64_t distance = b.offset() - value.offset(); // modulo 2^64
    if (!slot) slot = distance;
    require(*slot == distance, "PARAM2",
            "its {} has another place in its slot than its value among the parameters", what);
  }

  void verify() {
    auto &value = buffer(p->value(), "value", plan::Arena::Parameters);
    std::optional<uint64_t> gradientSlot = 0;
    companion(value, p->gradient(), "gradient", plan::Arena::Gradients, gradientSlot);
    companion(value, p->moment1(), "first moment", plan::Arena::Optimizer, moment1Slot);
    companion(value, p->moment2(), "second moment", plan::Arena::Optimizer, moment2Slot);
    companion(value, p->ema(), "moving average", plan::Arena::Optimizer, emaSlot);
    require((p->moment1() == abi::kNoBuffer) == (p->moment2() == abi::kNoBuffer), "PARAM1",
            "it has one moment of two");
    require(p->init() <= plan::Init::MAX && std::isfinite(p->stddev()) && p->stddev() >= 0, "PARAM3",
            "its initialization {} with standard deviation {} is unknown", int(p->init()), p->stddev());
  }
};

} // namespace

void verifyParameters(const Context &c) {
  std::vector<const flatbuffers::String *> names;
  ParameterVerifier v{.c = c};
  for (uint32_t i = 0; i < sizeOf(c.plan.parameters()); ++i) {
    v.p = c.plan.parameters()->Get(i);
    names.push_back(v.p->name());
    v.verify();
  }
  requireUniqueNames(c, "parameter", std::move(names));
}

} // namespace drawloom::verify
