// rowStride and what is written in place: one answer before and after lowering and inlining.
#include "passes/memory/Layout.h"
#include "Support.h"

using namespace mlir;
using namespace drawloom;

namespace {

struct Layout : test::Passes {
  /// The result of the op with `test.name = name`.
  static Value named(ModuleOp module, StringRef name, unsigned result = 0) {
    Value found;
    module.walk([&](Operation *op) {
      if (auto attr = op->getAttrOfType<StringAttr>("test.name"); attr && attr.getValue() == name)
        found = op->getResult(result);
    });
    return found;
  }
};

TEST_F(Layout, APartOfASplitHasTheRowsOfTheWhole) {
  auto module = parse(R"(func.func @f(%x: tensor<2x3x12xf32>) -> tensor<2x3x5xf32> {
    %a, %b = drawloom.split %x {test.name = "s"} : (tensor<2x3x12xf32>) -> (tensor<2x3x7xf32>, tensor<2x3x5xf32>)
    return %b : tensor<2x3x5xf32>
  })");
  EXPECT_EQ(rowStride(named(*module, "s", 1)), 12);
  auto type = kernelMemRefType(named(*module, "s", 1));
  SmallVector<int64_t> strides;
  int64_t offset;
  ASSERT_TRUE(succeeded(type.getStridesAndOffset(strides, offset)));
  EXPECT_EQ(strides, (SmallVector<int64_t>{36, 12, 1}));
}

TEST_F(Layout, ADenseValueHasAnIdentityLayout) {
  auto module = parse(R"(func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
    %a = drawloom.gelu %x {test.name = "a"} : tensor<2x3xf32>
    return %a : tensor<2x3xf32>
  })");
  EXPECT_EQ(rowStride(named(*module, "a")), 3);
  EXPECT_TRUE(kernelMemRefType(named(*module, "a")).getLayout().isIdentity());
}

const char *kConcat = R"(func.func @f(%x: tensor<4x3xf32>, %w: tensor<3x3xf32>) -> tensor<4x6xf32> {
    %z = drawloom.fill 0.0 {test.name = "zero"} : tensor<4x3xf32>
    %a = drawloom.matmul %x, %w init %z {test.name = "chained"} : (tensor<4x3xf32>, tensor<3x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
    %b = drawloom.gelu %x {test.name = "lone"} : tensor<4x3xf32>
    %c = drawloom.concat %a, %b {test.name = "c"} : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x6xf32>
    return %c : tensor<4x6xf32>
  })";

TEST_F(Layout, APartOfAConcatIsWrittenInPlaceFromTheStartOfItsChain) {
  auto module = parse(kConcat);
  for (auto name : {"zero", "chained", "lone"}) EXPECT_EQ(rowStride(named(*module, name)), 6) << name;
  EXPECT_EQ(rowStride(named(*module, "c")), 6);
  for (OpOperand &part : named(*module, "c").getDefiningOp()->getOpOperands())
    EXPECT_TRUE(isWrittenIntoConcat(part));
}

TEST_F(Layout, APartWithAnotherUseIsNot) {
  auto module = parse(R"(func.func @f(%x: tensor<4x3xf32>) -> (tensor<4x7xf32>, tensor<4x3xf32>) {
    %a = drawloom.gelu %x {test.name = "a"} : tensor<4x3xf32>
    %b = drawloom.gelu %a : tensor<4x3xf32>
    %p, %q = drawloom.split %x : (tensor<4x3xf32>) -> (tensor<4x1xf32>, tensor<4x2xf32>)
    %c = drawloom.concat %a, %x, %p {test.name = "c"} : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x1xf32>) -> tensor<4x7xf32>
    return %c, %b : tensor<4x7xf32>, tensor<4x3xf32>
  })");
  EXPECT_EQ(rowStride(named(*module, "a")), 3);
  for (OpOperand &part : named(*module, "c").getDefiningOp()->getOpOperands())
    EXPECT_FALSE(isWrittenIntoConcat(part)) << part.getOperandNumber();
}

TEST_F(Layout, RecomputeRegionsDoNotChangeTheAnswer) {
  auto module =
      parse(R"(func.func @f(%x: tensor<4x6xf32>, %w: tensor<3x3xf32>) -> (tensor<4x6xf32>, tensor<4x3xf32>) {
    %s, %t = drawloom.split %x : (tensor<4x6xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>)
    %z = drawloom.fill 0.0 {test.name = "fill"} : tensor<4x3xf32>
    %once = drawloom.gelu %t {test.name = "once"} : tensor<4x3xf32>
    %r:2 = drawloom.recompute(%s, %z, %w, %once) : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<3x3xf32>, tensor<4x3xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>) {
    ^bb0(%a: tensor<4x3xf32>, %b: tensor<4x3xf32>, %c: tensor<3x3xf32>, %unused: tensor<4x3xf32>):
      %m = drawloom.matmul %a, %c init %b {test.name = "m"} : (tensor<4x3xf32>, tensor<3x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
      %g = drawloom.gelu %a {test.name = "twice"} : tensor<4x3xf32>
      %h = drawloom.gelu %g {test.name = "h"} : tensor<4x3xf32>
      drawloom.yield %m, %g : tensor<4x3xf32>, tensor<4x3xf32>
    }
    %j = drawloom.concat %r#0, %once {test.name = "j"} : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x6xf32>
    return %j, %r#1 : tensor<4x6xf32>, tensor<4x3xf32>
  })");
  std::map<std::string, int64_t> expected = {{"fill", 6},  {"once", 6}, {"m", 6},
                                             {"twice", 3}, {"h", 3},    {"j", 6}};
  for (auto &[name, stride] : expected)
    EXPECT_EQ(rowStride(named(*module, name)), stride) << name << " before";
  run(*module, "drawloom-inline-recompute");
  for (auto &[name, stride] : expected)
    EXPECT_EQ(rowStride(named(*module, name)), stride) << name << " after";
}

} // namespace
