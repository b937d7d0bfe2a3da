// Feeds, runs and judges test functions.
#include "dialect/interp/TestRunner.h"
#include "dialect/interp/GradientCheck.h"
#include "dialect/interp/Interpreter.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace drawloom;

namespace {

constexpr double kDefaultTolerance = 1e-9, kGradientTolerance = 1e-6;

/// The value of a numeric attribute, or `otherwise`.
double numberOr(Attribute attr, double otherwise) {
  if (auto real = dyn_cast_or_null<FloatAttr>(attr)) return real.getValueAsDouble();
  if (auto integer = dyn_cast_or_null<IntegerAttr>(attr)) return double(integer.getInt());
  return otherwise;
}

FailureOr<Tensor> testArgument(func::FuncOp f, unsigned k) {
  if (auto value = f.getArgAttrOfType<DenseElementsAttr>(k, "drawloom.value"))
    return Tensor::fromAttribute(value);
  auto seed = f.getArgAttrOfType<IntegerAttr>(k, "drawloom.random");
  auto type = dyn_cast<RankedTensorType>(f.getArgumentTypes()[k]);
  if (!seed || !type) return f.emitError() << "argument " << k << " needs drawloom.value or drawloom.random";
  if (isa<FloatType>(type.getElementType()))
    return Tensor::random(type.getShape(), seed.getInt(), numberOr(f.getArgAttr(k, "drawloom.scale"), 1.0));
  auto below = f.getArgAttrOfType<IntegerAttr>(k, "drawloom.below");
  if (!below || below.getInt() <= 0)
    return f.emitError() << "random integers for argument " << k << " need a positive drawloom.below";
  return Tensor::randomIntegers(type.getShape(), seed.getInt(), below.getInt());
}

/// What one test found out so far.
class Judge {
public:
  explicit Judge(func::FuncOp f)
      : f(f), tolerance(numberOr(f->getAttr("drawloom.tolerance"), kDefaultTolerance)) {}

  void compare(const Twine &what, const Tensor &found, const Tensor &expected) {
    note(what, relativeError(found, expected), tolerance);
  }
  void note(const Twine &what, double error, double limit) {
    ++checks;
    if (error <= limit) {
      worst = std::max(worst, error);
      return;
    }
    fail(llvm::formatv("{0}: relative error {1:e3}, allowed {2:e1}", what.str(), error, limit));
  }
  void fail(const Twine &why) {
    if (!failures.empty()) failures += "; ";
    failures += why.str();
  }
  TestOutcome outcome() {
    if (checks == 0 && failures.empty())
      fail("it checks nothing: give drawloom.expect, equals, gradients or fails");
    std::string name = f.getName().str();
    if (!failures.empty()) return {name, false, failures};
    return {name, true, llvm::formatv("{0} checks, worst relative error {1:e1}", checks, worst)};
  }

  int checks = 0;

private:
  func::FuncOp f;
  double tolerance, worst = 0;
  std::string failures;
};

void checkExpected(func::FuncOp f, ArrayRef<Tensor> results, Judge &judge) {
  for (auto [k, result] : llvm::enumerate(results))
    if (auto expected = f.getResultAttrOfType<DenseElementsAttr>(k, "drawloom.expect"))
      judge.compare("result " + Twine(k), result, Tensor::fromAttribute(expected));
}

void checkEquals(func::FuncOp f, ArrayRef<Tensor> args, ArrayRef<Tensor> results, Judge &judge) {
  auto other = f->getAttrOfType<FlatSymbolRefAttr>("drawloom.equals");
  if (!other) return;
  auto expected = Interpreter(f->getParentOfType<ModuleOp>()).run(other.getValue(), args);
  if (failed(expected)) return judge.fail("@" + other.getValue() + " could not be run");
  if (expected->size() != results.size()) return judge.fail("@" + other.getValue() + " has other results");
  for (auto [k, result] : llvm::enumerate(results))
    judge.compare("result " + Twine(k) + " against @" + other.getValue(), result, (*expected)[k]);
}

void checkCentralDifferences(func::FuncOp f, ArrayRef<Tensor> args, Judge &judge) {
  auto errors = checkGradients(f, args);
  if (failed(errors)) return judge.fail("the gradient could not be built or run");
  for (GradientError e : *errors)
    judge.note("gradient of argument " + Twine(e.argument) + " against central differences", e.error,
               kGradientTolerance);
}

/// The function must fail with a message that contains `text`.
void checkFails(func::FuncOp f, StringRef text, ArrayRef<Tensor> args, bool gradients, Judge &judge) {
  std::string messages;
  bool failedToRun;
  {
    ScopedDiagnosticHandler collect(f.getContext(), [&](Diagnostic &d) { messages += d.str() + "\n"; });
    failedToRun = gradients ? failed(checkGradients(f, args))
                            : failed(Interpreter(f->getParentOfType<ModuleOp>()).run(f.getName(), args));
  }
  ++judge.checks;
  if (!failedToRun)
    judge.fail("expected an error with '" + text + "', but it ran");
  else if (!StringRef(messages).contains(text))
    judge.fail("expected an error with '" + text + "', got: " + messages);
}

} // namespace

FailureOr<std::vector<Tensor>> drawloom::testArguments(func::FuncOp f) {
  std::vector<Tensor> args;
  for (unsigned k = 0; k < f.getNumArguments(); ++k) {
    auto arg = testArgument(f, k);
    if (failed(arg)) return failure();
    args.push_back(std::move(*arg));
  }
  return args;
}

TestOutcome drawloom::runTest(func::FuncOp f, bool gradientsAsked) {
  Judge judge(f);
  bool gradients = gradientsAsked || f->hasAttr("drawloom.gradients");
  auto args = testArguments(f);
  if (failed(args)) {
    judge.fail("its arguments are not described");
    return judge.outcome();
  }
  if (auto text = f->getAttrOfType<StringAttr>("drawloom.fails")) {
    checkFails(f, text.getValue(), *args, gradients, judge);
    return judge.outcome();
  }
  auto results = Interpreter(f->getParentOfType<ModuleOp>()).run(f.getName(), *args);
  if (failed(results)) {
    judge.fail("it could not be run");
    return judge.outcome();
  }
  checkExpected(f, *results, judge);
  checkEquals(f, *args, *results, judge);
  if (gradients) checkCentralDifferences(f, *args, judge);
  return judge.outcome();
}
