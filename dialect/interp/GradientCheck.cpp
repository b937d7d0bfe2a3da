// Builds a function's gradient by the reverse sweep and compares it with central differences.
#include "dialect/interp/GradientCheck.h"
#include "dialect/interp/Interpreter.h"
#include "dialect/ir/ReverseMode.h"
#include <cmath>

using namespace mlir;
using namespace drawloom;

namespace {

bool isFloatTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType());
}

/// Σ_k <weights_k, result_k> over the float results.
double objective(ArrayRef<Tensor> results, ArrayRef<Tensor> weights) {
  double sum = 0;
  size_t next = 0;
  for (const Tensor &r : results) {
    if (r.isInteger) continue;
    const Tensor &w = weights[next++];
    for (size_t k = 0; k < r.values.size(); ++k) sum += w.values[k] * r.values[k];
  }
  return sum;
}

struct Differences {
  Interpreter &interpreter;
  StringRef function;
  std::vector<Tensor> args;
  ArrayRef<Tensor> weights;

  FailureOr<double> objectiveAt(unsigned argument, int64_t element, double value) {
    double &place = args[argument].values[element];
    double original = place;
    place = value;
    auto results = interpreter.run(function, args);
    place = original;
    if (failed(results)) return failure();
    return objective(*results, weights);
  }

  FailureOr<double> central(unsigned argument, int64_t element, double relativeStep) {
    double x = args[argument].values[element], h = relativeStep * std::max(1.0, std::abs(x));
    auto above = objectiveAt(argument, element, x + h), below = objectiveAt(argument, element, x - h);
    if (failed(above) || failed(below)) return failure();
    return (*above - *below) / (2 * h);
  }
};

} // namespace

FailureOr<func::FuncOp> drawloom::buildGradientFunction(func::FuncOp f, StringRef name) {
  OpBuilder builder(f);
  auto gradient = cast<func::FuncOp>(builder.clone(*f));
  gradient.setName(name);
  Block &body = gradient.getBody().front();
  auto forwardArgs = llvm::to_vector_of<Value>(body.getArguments());
  auto oldReturn = cast<func::ReturnOp>(body.getTerminator());
  SmallVector<Value> outputs(oldReturn.getOperands());
  builder.setInsertionPoint(oldReturn);

  Cotangents cotangents;
  for (Value output : outputs)
    if (isFloatTensor(output.getType()))
      accumulate(builder, f.getLoc(), cotangents, output, body.addArgument(output.getType(), f.getLoc()));
  SmallVector<Operation *> ops;
  for (Operation &op : body.without_terminator()) ops.push_back(&op);
  auto wanted = llvm::filter_to_vector(forwardArgs, [](Value v) { return isFloatTensor(v.getType()); });
  // Ops that accumulate two seeds of one output stand among the body's ops, but depend on no wanted value.
  if (failed(differentiateOps(builder, ops, wanted, cotangents))) {
    gradient.erase();
    return failure();
  }
  SmallVector<Value> grads;
  for (Value argument : wanted) {
    Value grad = cotangents.lookup(argument);
    if (!grad) grad = FillOp::create(builder, f.getLoc(), argument.getType(), builder.getF64FloatAttr(0.0));
    grads.push_back(grad);
  }
  func::ReturnOp::create(builder, f.getLoc(), grads);
  oldReturn.erase();
  gradient.setType(builder.getFunctionType(body.getArgumentTypes(), ValueRange(grads).getTypes()));
  gradient.removeArgAttrsAttr();
  gradient.removeResAttrsAttr();
  return gradient;
}

FailureOr<std::vector<GradientError>> drawloom::checkGradients(func::FuncOp f, ArrayRef<Tensor> args,
                                                               GradientCheckOptions options) {
  auto module = f->getParentOfType<ModuleOp>();
  Interpreter interpreter(module);
  std::vector<Tensor> weights, gradientArgs = args.vec();
  for (Type type : f.getResultTypes())
    if (isFloatTensor(type))
      weights.push_back(
          Tensor::random(cast<RankedTensorType>(type).getShape(), options.seed + weights.size()));
  llvm::append_range(gradientArgs, weights);

  std::string name = (f.getName() + ".gradient").str();
  auto gradient = buildGradientFunction(f, name);
  if (failed(gradient)) return failure();
  auto grads = interpreter.run(name, gradientArgs);
  gradient->erase();
  if (failed(grads)) return failure();

  Differences differences{interpreter, f.getName(), args.vec(), weights};
  std::vector<GradientError> errors;
  for (auto [k, arg] : llvm::enumerate(args)) {
    if (arg.isInteger) continue;
    const Tensor &grad = (*grads)[errors.size()];
    int64_t size = arg.size(), stride = (size + options.maxElements - 1) / options.maxElements;
    std::vector<double> expected, found;
    for (int64_t e = 0; e < size; e += stride) {
      auto difference = differences.central(k, e, options.step);
      if (failed(difference)) return failure();
      expected.push_back(*difference);
      found.push_back(grad.values[e]);
    }
    int64_t count = expected.size();
    errors.push_back({unsigned(k), relativeError(Tensor::of({count}, found), Tensor::of({count}, expected))});
  }
  return errors;
}
