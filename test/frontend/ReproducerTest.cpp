// What a user gets when the compiler itself fails: an internal error that names a reproducer.
#include "frontend/cli/Model.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "runtime/support/Error.h"
#include "runtime/support/File.h"
#include <filesystem>
#include <gtest/gtest.h>

using namespace drawloom;

namespace {

/// Works in a folder of its own, where reproducers go.
struct Reproducer : testing::Test {
  std::filesystem::path before = std::filesystem::current_path(), folder;
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "drawloom-reproducer-XXXXXX").string();
    folder = mkdtemp(name.data());
    std::filesystem::current_path(folder);
  }
  void TearDown() override {
    std::filesystem::current_path(before);
    std::filesystem::remove_all(folder);
  }
};

// A function whose parts have no meaning to the compiler: an argument with a role that does not exist.
const char *kBroken =
    R"(func.func @f(%x: tensor<4xf32> {drawloom.name = "x", drawloom.role = "nonsense"}) -> (tensor<4xf32> {drawloom.name = "y"}) {
  return %x : tensor<4xf32>
}
)";

TEST_F(Reproducer, IsWrittenAndNamed) {
  auto context = cli::makeContext();
  context->loadAllAvailableDialects();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(kBroken, context.get());
  ASSERT_TRUE(module);
  try {
    cli::compileModule(*context, *module, "broken");
    FAIL() << "compiled";
  } catch (const Error &e) {
    EXPECT_EQ(e.exitCode, kInternal);
    EXPECT_NE(e.text().find("the compiler failed on 'broken'"), std::string::npos) << e.text();
    EXPECT_NE(e.text().find("nonsense"), std::string::npos) << "the diagnostic is shown: " << e.text();
    EXPECT_NE(e.hint.find("drawloom-reproducer-broken.mlir"), std::string::npos) << e.hint;
  }
  std::string text = readTextFile("drawloom-reproducer-broken.mlir");
  EXPECT_NE(text.find("// Reproducer"), std::string::npos);
  EXPECT_TRUE(mlir::parseSourceString<mlir::ModuleOp>(text, context.get())) << "what was written is IR:\n"
                                                                            << text;
}

} // namespace
