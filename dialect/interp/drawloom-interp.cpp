// drawloom-interp: runs .mlir files in the reference interpreter, as tests or to see what comes out.
#include "dialect/interp/Interpreter.h"
#include "dialect/interp/TestRunner.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace drawloom;
namespace cl = llvm::cl;

namespace {

cl::opt<std::string> inputFile(cl::Positional, cl::desc("FILE.mlir (- for standard input)"), cl::init("-"));
cl::opt<std::string> onlyFunction("function", cl::desc("run this function alone"), cl::value_desc("name"));
cl::opt<bool> gradientsForAll("check-gradients",
                              cl::desc("compare every test's gradient with central differences in float64"));
cl::opt<bool> printResults("print", cl::desc("print the results of the functions instead of judging them"));

constexpr int kFailed = 1, kBadInput = 65;

void print(const Tensor &t) {
  llvm::outs() << "[";
  llvm::interleaveComma(t.shape, llvm::outs());
  llvm::outs() << "]:";
  for (int64_t v : t.integers) llvm::outs() << ' ' << v;
  for (double v : t.values) llvm::outs() << ' ' << llvm::format("%.12g", v);
  llvm::outs() << "\n";
}

bool printFunction(func::FuncOp f) {
  auto args = testArguments(f);
  if (failed(args)) return false;
  auto results = Interpreter(f->getParentOfType<ModuleOp>()).run(f.getName(), *args);
  if (failed(results)) return false;
  for (auto [k, result] : llvm::enumerate(*results)) {
    llvm::outs() << "@" << f.getName() << " result " << k << " ";
    print(result);
  }
  return true;
}

bool judgeFunction(func::FuncOp f) {
  TestOutcome outcome = runTest(f, gradientsForAll);
  llvm::outs() << (outcome.passed ? "PASS " : "FAIL ") << outcome.name << ": " << outcome.detail << "\n";
  return outcome.passed;
}

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(
      argc, argv,
      "Runs the functions of a module that have the attribute drawloom.test in the float64 "
      "reference interpreter\n(dialect/interp/TestRunner.h says how they state their "
      "arguments and what must come out).\n\n"
      "  drawloom-interp test/dialect/row-ops.mlir\n");
  MLIRContext context;
  context.loadDialect<DrawloomDialect, func::FuncDialect, arith::ArithDialect>();
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler handler(sources, &context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(inputFile, sources, &context);
  if (!module) return kBadInput;

  // Tests add and erase gradient functions while they run.
  SmallVector<func::FuncOp> functions;
  for (auto f : module->getOps<func::FuncOp>())
    if (onlyFunction.empty() ? f->hasAttr(kTestAttr) : f.getName() == onlyFunction) functions.push_back(f);
  if (functions.empty()) {
    llvm::errs() << inputFile << ": error: there is no function "
                 << (onlyFunction.empty() ? "with the attribute drawloom.test" : "@" + onlyFunction) << "\n";
    return kBadInput;
  }
  bool good = true;
  for (func::FuncOp f : functions) good = (printResults ? printFunction(f) : judgeFunction(f)) && good;
  return good ? 0 : kFailed;
}
