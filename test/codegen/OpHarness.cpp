#include "test/codegen/OpHarness.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;

namespace drawloom::test {

MLIRContext &context() {
  static MLIRContext *shared = [] {
    DialectRegistry registry;
    registerCompiler(registry);
    auto *context = new MLIRContext(registry);
    context->loadAllAvailableDialects();
    return context;
  }();
  return *shared;
}

OwningOpRef<ModuleOp> parse(const std::string &text) {
  auto module = parseSourceString<ModuleOp>(text, &context());
  EXPECT_TRUE(module) << text;
  return module;
}

std::vector<std::byte> compile(ModuleOp module, const CompileOptions &options) {
  OwningOpRef<ModuleOp> copy = module.clone();
  CompileOptions checked = options;
  checked.verifyEach = true;
  auto artifact = compileToArtifact(*copy, checked);
  if (failed(artifact)) {
    ADD_FAILURE() << "the module does not compile";
    return {};
  }
  return *artifact;
}

Tensor rounded(Tensor tensor) {
  for (double &value : tensor.values) value = double(float(value));
  return tensor;
}

std::string tensorType(ArrayRef<int64_t> shape, const std::string &element) {
  std::string text = "tensor<";
  for (int64_t extent : shape) text += std::to_string(extent) + "x";
  return text + element + ">";
}

} // namespace drawloom::test
