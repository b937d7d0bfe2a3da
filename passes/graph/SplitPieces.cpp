// drawloom-split-pieces: attention over a pattern becomes a chain over disjoint pieces.
#include "dialect/pattern/Views.h"
#include "passes/Passes.h"
#include <cmath>

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_SPLITPIECES
#include "passes/Passes.h.inc"

namespace {

/// Pieces of patterns, each pattern split once.
class Splitter {
public:
  explicit Splitter(MLIRContext *context) : context(context) {}

  /// The pieces of `pattern` for n positions and `heads` heads; fails with an error at `op` for an invalid
  /// pattern.
  FailureOr<ArrayRef<ViewAttr>> pieces(Operation *op, PatternAttr pattern, int64_t n, int64_t heads) {
    auto [entry, isNew] = known.try_emplace({pattern, n, heads});
    if (isNew) {
      PatternError error;
      std::optional<Pattern> parsed = Pattern::parse(pattern.getSpelling().str(), error);
      if (!parsed) {
        known.erase(entry);
        return op->emitOpError() << "pattern: " << error.str();
      }
      for (const PieceView &view : makeViews(*parsed, n, heads, context))
        entry->second.push_back(ViewAttr::get(context, view));
    }
    return ArrayRef<ViewAttr>(entry->second);
  }

private:
  MLIRContext *context;
  std::map<std::tuple<PatternAttr, int64_t, int64_t>, std::vector<ViewAttr>,
           decltype([](const auto &a, const auto &b) {
             auto key = [](const auto &k) {
               return std::tuple(std::get<0>(k).getAsOpaquePointer(), std::get<1>(k), std::get<2>(k));
             };
             return key(a) < key(b);
           })>
      known;
};

/// Ops made for one attention op, with its labels.
class ChainBuilder {
public:
  explicit ChainBuilder(Operation *op)
      : builder(op), loc(op->getLoc()), labels(op->getDiscardableAttrDictionary()) {}

  template <typename OpTy, typename... Args> OpTy make(Args &&...args) {
    auto made = OpTy::create(builder, loc, std::forward<Args>(args)...);
    made->setDiscardableAttrs(labels);
    return made;
  }

  Value fill(Value like, double value) {
    return make<FillOp>(like.getType(), builder.getF64FloatAttr(value));
  }

private:
  OpBuilder builder;
  Location loc;
  DictionaryAttr labels;
};

int64_t positions(Value q) { return cast<RankedTensorType>(q.getType()).getDimSize(1); }

struct SplitPieces : impl::SplitPiecesBase<SplitPieces> {
  LogicalResult split(Splitter &splitter, AttentionOp op) {
    auto pieces = splitter.pieces(op, op.getPatternAttr(), positions(op.getQ()), op.getHeads());
    if (failed(pieces)) return failure();
    ChainBuilder chain(op);
    Value out, lse;
    if (pieces->empty()) {
      out = chain.fill(op.getOut(), 0.0);
      lse = chain.fill(op.getLse(), -INFINITY);
    }
    for (ViewAttr view : *pieces) {
      auto attend = chain.make<AttendOp>(op.getOut().getType(), op.getLse().getType(), op.getQ(), op.getK(),
                                         op.getV(), out, lse, view, op.getHeadsAttr(), op.getScaleAttr());
      out = attend.getOut();
      lse = attend.getLse();
      ++numPieces;
    }
    op->replaceAllUsesWith(ValueRange{out, lse});
    op->erase();
    return success();
  }

  LogicalResult split(Splitter &splitter, AttentionGradOp op) {
    auto pieces = splitter.pieces(op, op.getPatternAttr(), positions(op.getQ()), op.getHeads());
    if (failed(pieces)) return failure();
    ChainBuilder chain(op);
    Value dq, dk, dv;
    if (pieces->empty()) {
      dq = chain.fill(op.getDq(), 0.0);
      dk = chain.fill(op.getDk(), 0.0);
      dv = chain.fill(op.getDv(), 0.0);
    }
    Value delta;
    if (!pieces->empty())
      delta =
          chain.make<AttentionDeltaOp>(op.getLse().getType(), op.getDout(), op.getOut(), op.getHeadsAttr());
    for (ViewAttr view : *pieces) {
      auto grad = chain.make<AttendGradOp>(op.getDq().getType(), op.getDk().getType(), op.getDv().getType(),
                                           op.getDout(), op.getQ(), op.getK(), op.getV(), op.getLse(), delta,
                                           dq, dk, dv, view, op.getHeadsAttr(), op.getScaleAttr());
      dq = grad.getDq();
      dk = grad.getDk();
      dv = grad.getDv();
      ++numPieces;
    }
    op->replaceAllUsesWith(ValueRange{dq, dk, dv});
    op->erase();
    return success();
  }

  void runOnOperation() override {
    Splitter splitter(&getContext());
    WalkResult result = getOperation().walk([&](Operation *op) {
      LogicalResult done = success();
      if (auto attention = dyn_cast<AttentionOp>(op))
        done = split(splitter, attention);
      else if (auto grad = dyn_cast<AttentionGradOp>(op))
        done = split(splitter, grad);
      return failed(done) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (result.wasInterrupted()) signalPassFailure();
  }
};

} // namespace
} // namespace drawloom
