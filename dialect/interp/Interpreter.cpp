// Walks functions and regions and dispatches to the meaning of each op.
#include "dialect/interp/Interpreter.h"
#include "dialect/interp/Environment.h"

using namespace mlir;
using namespace drawloom;

namespace {

using Refs = SmallVector<Environment::Ref>;

class Walker {
public:
  explicit Walker(ModuleOp module) : symbols(module), module(module) {}

  FailureOr<Refs> call(Operation *from, StringRef name, ArrayRef<Environment::Ref> args) {
    auto function = symbols.lookup<func::FuncOp>(name);
    if (!function) return from->emitError() << "there is no function @" << name;
    if (function.isExternal()) return from->emitError() << "function @" << name << " has no body";
    if (!function.getBody().hasOneBlock()) return function.emitError() << "control flow has no meaning here";
    if (args.size() != function.getNumArguments())
      return from->emitError() << "@" << name << " takes " << function.getNumArguments() << " arguments, got "
                               << args.size();
    for (auto [k, arg, type] : llvm::enumerate(args, function.getArgumentTypes()))
      if (failed(checkArgument(from, k, *arg, type))) return failure();
    if (++depth > kMaxDepth)
      return from->emitError() << "calls are nested more than " << kMaxDepth << " deep";
    FailureOr<Refs> results = evaluate(function.getBody().front(), args);
    --depth;
    return results;
  }

private:
  static constexpr int kMaxDepth = 100; // func.call can recurse, and nothing would stop it

  LogicalResult checkArgument(Operation *from, unsigned k, const Tensor &arg, Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (tensor && tensor.getShape() == ArrayRef(arg.shape) &&
        isa<IntegerType>(tensor.getElementType()) == arg.isInteger)
      return success();
    InFlightDiagnostic error = from->emitError()
                               << "argument " << k << " must be a " << type << ", got a tensor of "
                               << (arg.isInteger ? "integers [" : "floats [");
    llvm::interleaveComma(arg.shape, error);
    return error << "]";
  }

  /// The operands of the block's terminator.
  FailureOr<Refs> evaluate(Block &block, ArrayRef<Environment::Ref> args) {
    Environment env;
    for (auto [argument, value] : llvm::zip(block.getArguments(), args)) env.set(argument, value);
    for (Operation &op : block.without_terminator())
      if (failed(evaluate(op, env))) return failure();
    return refs(block.getTerminator()->getOperands(), env);
  }

  static Refs refs(ValueRange values, const Environment &env) {
    return llvm::map_to_vector(values, [&](Value v) { return env.ref(v); });
  }

  static LogicalResult setResults(Operation &op, const FailureOr<Refs> &results, Environment &env) {
    if (failed(results)) return failure();
    for (auto [result, value] : llvm::zip(op.getResults(), *results)) env.set(result, value);
    return success();
  }

  LogicalResult evaluate(Operation &op, Environment &env) {
    return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
        .Case<EmbedOp, EmbedGradOp, LayerNormOp, LayerNormGradOp, BiasAddOp, ColumnSumOp, AddOp, CastOp, FillOp,
              GeluOp, GeluGradOp, DropoutOp, SplitOp, ConcatOp, CrossEntropyOp, CrossEntropyGradOp, LinearOp,
              MatmulOp, AttentionOp, AttentionGradOp, AttentionDecodeOp, AttendOp, AttentionDeltaOp,
              AttendGradOp, GlobalNormOp, AdamOp, EmaOp>(
            [&](auto concrete) { return interpret(concrete, env); })
        .Case<SegmentOp, RecomputeOp, FusionOp>([&](auto region) {
          return setResults(op, evaluate(region.getBody().front(), refs(op.getOperands(), env)), env);
        })
        .Case<func::CallOp>([&](func::CallOp call) {
          return setResults(op, this->call(call, call.getCallee(), refs(op.getOperands(), env)), env);
        })
        .Case<arith::ConstantOp>([&](arith::ConstantOp constant) -> LogicalResult {
          auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
          if (!elements) return constant.emitError() << "only dense tensor constants have a meaning here";
          env.set(constant.getResult(), Tensor::fromAttribute(elements));
          return success();
        })
        .Default([](Operation *other) -> LogicalResult {
          return other->emitError() << "'" << other->getName()
                                    << "' has no meaning in the reference interpreter";
        });
  }

  SymbolTable symbols;
  ModuleOp module;
  int depth = 0;
};

} // namespace

FailureOr<std::vector<Tensor>> Interpreter::run(StringRef function, ArrayRef<Tensor> args) {
  Refs refs = llvm::map_to_vector(args, [](const Tensor &t) { return std::make_shared<const Tensor>(t); });
  FailureOr<Refs> results = Walker(module).call(module, function, refs);
  if (failed(results)) return failure();
  std::vector<Tensor> tensors;
  for (const Environment::Ref &r : *results) tensors.push_back(*r);
  return tensors;
}
