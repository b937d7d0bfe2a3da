// drawloom-choose-precision: activations in 16 bits, parameters and sums in 32.
#include "dialect/ir/ReverseMode.h"
#include "passes/Names.h"
#include "passes/Passes.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_CHOOSEPRECISION
#include "passes/Passes.h.inc"

namespace {

/// The functions that are made of activations; @decode and @update stay as they are.
constexpr StringLiteral kNarrowed[] = {kLossFunction, "evaluate"};

/// The element type that the option `type` names; null if there is none.
FloatType parseElementType(MLIRContext *context, StringRef name) {
  Builder b(context);
  return llvm::StringSwitch<FloatType>(name)
      .Case("f32", b.getF32Type())
      .Case("bf16", b.getBF16Type())
      .Case("f16", b.getF16Type())
      .Default(FloatType());
}

bool isF32Tensor(Value value) {
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  return tensor && tensor.getElementType().isF32();
}

/// Logits: losses read them in f32, and nothing else reads them.
bool isReadByLossesAlone(Value value) {
  return !value.use_empty() && llvm::all_of(value.getUsers(), llvm::IsaPred<CrossEntropyOp>);
}

/// Gives the activations of one function a 16-bit type.
class Narrowing {
public:
  Narrowing(func::FuncOp func, FloatType narrow)
      : func(func), narrow(narrow), wide(Float32Type::get(func.getContext())) {}

  void run() {
    SmallVector<Operation *> ops;
    for (Operation &op : func.getBody().front()) ops.push_back(&op);
    for (Operation *op : ops) convert(op);
  }

  unsigned casts = 0;

private:
  void convert(Operation *op) {
    llvm::TypeSwitch<Operation *>(op)
        .Case<EmbedOp>([&](EmbedOp embed) { makeNarrow(embed.getOut()); })
        .Case<LayerNormOp>([&](LayerNormOp norm) {
          readAs(norm.getXMutable(), narrow);
          makeNarrow(norm.getOut());
        })
        .Case<LinearOp>([&](LinearOp linear) {
          readAs(linear.getXMutable(), narrow);
          readAs(linear.getWeightMutable(), narrow);
          if (!isReadByLossesAlone(linear.getOut())) makeNarrow(linear.getOut());
        })
        .Case<AttentionOp>([&](AttentionOp attention) {
          for (OpOperand &operand : attention->getOpOperands()) readAs(operand, narrow);
          makeNarrow(attention.getOut());
        })
        .Case<AddOp, GeluOp, DropoutOp, SplitOp>([&](Operation *elementwise) {
          for (OpOperand &operand : elementwise->getOpOperands()) readAs(operand, narrow);
          for (Value result : elementwise->getResults()) makeNarrow(result);
        })
        .Case<CrossEntropyOp>([](CrossEntropyOp) {}) // takes logits of either type
        .Default([&](Operation *other) {             // function results among them
          for (OpOperand &operand : other->getOpOperands()) readAs(operand, wide);
        });
  }

  void makeNarrow(Value value) {
    if (isF32Tensor(value)) value.setType(cast<RankedTensorType>(value.getType()).clone(narrow));
  }

  /// Lets an operand that has the other of the two types read a copy in `type`; a value is copied once.
  void readAs(OpOperand &operand, FloatType type) {
    Value value = operand.get();
    auto tensor = dyn_cast<RankedTensorType>(value.getType());
    if (!tensor || tensor.getElementType() == type) return;
    if (tensor.getElementType() != narrow && tensor.getElementType() != wide) return;
    Value &copy = copies[value];
    if (!copy) copy = makeCopy(value, type);
    operand.set(copy);
  }

  /// Behind what makes the value; copies of arguments stand at the function's start, in their order of use.
  Value makeCopy(Value value, FloatType type) {
    OpBuilder builder(func.getContext());
    Operation *maker = value.getDefiningOp();
    Operation *before = maker ? maker : lastArgumentCopy;
    if (before)
      builder.setInsertionPointAfter(before);
    else
      builder.setInsertionPointToStart(&func.getBody().front());
    Value copy = withElementType(builder, value.getLoc(), value, type);
    Operation *cast = copy.getDefiningOp();
    ++casts;
    if (maker) {
      for (StringRef name : {kLabelAttr, kSegmentAttr}) // a run of one segment is not cut by it
        if (Attribute attr = maker->getAttr(name)) cast->setAttr(name, attr);
    } else {
      lastArgumentCopy = cast;
      unsigned number = llvm::cast<BlockArgument>(value).getArgNumber();
      if (auto name = func.getArgAttrOfType<StringAttr>(number, kNameAttr)) cast->setAttr(kLabelAttr, name);
    }
    return copy;
  }

  func::FuncOp func;
  FloatType narrow, wide;
  llvm::DenseMap<Value, Value> copies;
  Operation *lastArgumentCopy = nullptr;
};

struct ChoosePrecision : impl::ChoosePrecisionBase<ChoosePrecision> {
  using ChoosePrecisionBase::ChoosePrecisionBase;

  void runOnOperation() override {
    FloatType element = parseElementType(&getContext(), type);
    if (!element) {
      getOperation().emitError() << "drawloom-choose-precision: type is f32, bf16 or f16, not '" << type
                                 << "'";
      return signalPassFailure();
    }
    if (element.isF32()) return;
    for (StringRef name : kNarrowed) {
      auto func = getOperation().lookupSymbol<func::FuncOp>(name);
      if (!func || func.isExternal()) continue;
      if (!func.getBody().hasOneBlock()) {
        func.emitError() << "drawloom-choose-precision: @" << name << " must have a body of one block";
        return signalPassFailure();
      }
      Narrowing narrowing(func, element);
      narrowing.run();
      numCasts += narrowing.casts;
    }
  }
};

} // namespace
} // namespace drawloom
