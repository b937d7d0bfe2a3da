// Checks of kernels that only sm_90a has.
#pragma once
#include "test/gpu/DeviceRun.h"
#include <gtest/gtest.h>

namespace drawloom::test {

/// Skipped on other devices. `Case` has a `type`, "bf16" or "f16".
template <class Case> class OnHopper : public testing::TestWithParam<Case> {
protected:
  void SetUp() override {
    if (deviceTarget().name != "sm_90a") GTEST_SKIP() << "kernels of products are for sm_90a";
  }
  plan::DType type() const {
    return std::string(this->GetParam().type) == "bf16" ? plan::DType::BF16 : plan::DType::F16;
  }
};

} // namespace drawloom::test
