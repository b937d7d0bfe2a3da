// Verifiers of attention, its gradient, decoding, and the ops on pieces.
#include "dialect/ir/Rules.h"
#include <cmath>

using namespace mlir;
using namespace drawloom;

namespace {

/// Names of the rules that several ops state for q, k and v; an op with one rule for all gives it everywhere.
struct QkvRules {
  StringRef divides, sameQk, results, batch, numbers;
};
constexpr QkvRules kAttention = {"ATTN1", "ATTN2", "ATTN3", "ATTN4", "ATTN5"};
constexpr QkvRules kAttend = {"ATTEND2", "ATTEND2", "ATTEND2", "ATTEND2", "ATTEND2"};
constexpr QkvRules kAttentionGrad = {"ATTNG1", "ATTNG1", "ATTNG1", "ATTNG1", "ATTNG1"};
constexpr QkvRules kAttendGrad = {"ATTENDG2", "ATTENDG2", "ATTENDG2", "ATTENDG2", "ATTENDG2"};

LogicalResult checkHeads(Operation *op, StringRef numbers, StringRef divides, int64_t heads, ValueRange qkv) {
  if (heads <= 0) return op->emitOpError() << numbers << ": heads must be positive, got " << heads;
  constexpr StringRef names[] = {"q", "k", "v"};
  for (auto [name, v] : llvm::zip(names, qkv)) {
    int64_t channels = shapeOf(v).back();
    if (channels % heads != 0)
      return op->emitOpError() << divides << ": heads (" << heads << ") must divide the channels of " << name
                               << ", got " << channels;
  }
  return success();
}

LogicalResult checkScale(Operation *op, StringRef rule, APFloat scale) {
  if (scale.isFinite()) return success();
  return op->emitOpError() << rule << ": scale must be finite, got " << scale.convertToDouble();
}

LogicalResult checkQkv(Operation *op, const QkvRules &rules, Value q, Value k, Value v, int64_t heads,
                       APFloat scale) {
  for (auto [name, value] : {std::pair{"q", q}, {"k", k}, {"v", v}})
    if (failed(checkRank(op, rules.batch, name, value, 3, "[B, n, channels]"))) return failure();
  if (failed(checkScale(op, rules.numbers, scale)) ||
      failed(checkHeads(op, rules.numbers, rules.divides, heads, {q, k, v})) ||
      failed(checkShape(op, rules.sameQk, "k", k, shapeOf(q))))
    return failure();
  if (withoutLast(shapeOf(q)) != withoutLast(shapeOf(v)))
    return op->emitOpError() << rules.batch << ": q and v must agree in batch and positions, got "
                             << shapeText(shapeOf(q)) << " and " << shapeText(shapeOf(v));
  return success();
}

/// out [B, n, H*D_v] and lse [B, H, n].
LogicalResult checkOutAndLse(Operation *op, StringRef rule, Value v, Value out, StringRef outName, Value lse,
                             StringRef lseName, int64_t heads) {
  ArrayRef<int64_t> s = shapeOf(v);
  if (failed(checkShape(op, rule, outName, out, s))) return failure();
  return checkShape(op, rule, lseName, lse, {s[0], heads, s[1]});
}

LogicalResult checkViewHeads(Operation *op, StringRef rule, ViewAttr view, int64_t heads) {
  int64_t last = view.getHeads().back();
  if (last < heads) return success();
  return op->emitOpError() << rule << ": the view's heads must be below " << heads << ", got " << last;
}

} // namespace

LogicalResult AttentionOp::verify() {
  if (failed(checkStaticShapes(*this)) ||
      failed(checkQkv(*this, kAttention, getQ(), getK(), getV(), getHeads(), getScale())))
    return failure();
  return checkOutAndLse(*this, "ATTN3", getV(), getOut(), "out", getLse(), "lse", getHeads());
}

LogicalResult AttentionGradOp::verify() {
  if (failed(checkStaticShapes(*this)) ||
      failed(checkQkv(*this, kAttentionGrad, getQ(), getK(), getV(), getHeads(), getScale())) ||
      failed(checkOutAndLse(*this, "ATTNG1", getV(), getOut(), "out", getLse(), "lse", getHeads())) ||
      failed(checkShape(*this, "ATTNG2", "dout", getDout(), shapeOf(getV()))) ||
      failed(checkShape(*this, "ATTNG3", "dq", getDq(), shapeOf(getQ()))) ||
      failed(checkShape(*this, "ATTNG3", "dk", getDk(), shapeOf(getK()))))
    return failure();
  return checkShape(*this, "ATTNG3", "dv", getDv(), shapeOf(getV()));
}

LogicalResult AttentionDecodeOp::verify() {
  if (failed(checkStaticShapes(*this))) return failure();
  for (auto [name, value] : {std::pair{"q", getQ()}, {"k", getK()}, {"v", getV()}}) {
    if (failed(checkRank(*this, "DECODE2", name, value, 3, "[S, 1, channels]"))) return failure();
    int64_t batch = shapeOf(getQ())[0];
    if (failed(checkShape(*this, "DECODE2", name, value, {batch, 1, shapeOf(value)[2]}))) return failure();
  }
  if (failed(checkShape(*this, "DECODE2", "k", getK(), shapeOf(getQ()))) ||
      failed(checkScale(*this, "DECODE6", getScale())) ||
      failed(checkHeads(*this, "DECODE6", "DECODE1", getHeads(), {getQ(), getK(), getV()})) ||
      failed(checkRank(*this, "DECODE3", "kcache", getKcache(), 3, "[S, n, channels of k]")))
    return failure();
  int64_t batch = shapeOf(getQ())[0], n = shapeOf(getKcache())[1];
  if (failed(checkShape(*this, "DECODE3", "kcache", getKcache(), {batch, n, shapeOf(getK())[2]})) ||
      failed(checkShape(*this, "DECODE3", "vcache", getVcache(), {batch, n, shapeOf(getV())[2]})) ||
      failed(checkShape(*this, "DECODE4", "position", getPosition(), {1})) ||
      failed(checkShape(*this, "DECODE5", "out", getOut(), shapeOf(getV()))) ||
      failed(checkShape(*this, "DECODE5", "new_kcache", getNewKcache(), shapeOf(getKcache()))))
    return failure();
  return checkShape(*this, "DECODE5", "new_vcache", getNewVcache(), shapeOf(getVcache()));
}

LogicalResult AttendOp::verify() {
  if (bool(getOut0()) != bool(getLse0()))
    return emitOpError() << "ATTEND1: expected both or neither of out0 and lse0";
  if (failed(checkStaticShapes(*this)) ||
      failed(checkQkv(*this, kAttend, getQ(), getK(), getV(), getHeads(), getScale())) ||
      failed(checkOutAndLse(*this, "ATTEND2", getV(), getOut(), "out", getLse(), "lse", getHeads())) ||
      failed(checkOutAndLse(*this, "ATTEND2", getV(), getOut0(), "out0", getLse0(), "lse0", getHeads())))
    return failure();
  return checkViewHeads(*this, "ATTEND3", getView(), getHeads());
}

LogicalResult AttentionDeltaOp::verify() {
  if (failed(checkStaticShapes(*this)) ||
      failed(checkRank(*this, "DELTA1", "dout", getDout(), 3, "[B, n, H*D_v]")) ||
      failed(checkShape(*this, "DELTA1", "out", getOut(), shapeOf(getDout()))))
    return failure();
  ArrayRef<int64_t> s = shapeOf(getDout());
  int64_t heads = getHeads();
  if (heads <= 0 || s[2] % heads != 0)
    return emitOpError() << "DELTA1: heads (" << heads << ") must be positive and divide the channels, got "
                         << s[2];
  return checkShape(*this, "DELTA2", "delta", getDelta(), {s[0], heads, s[1]});
}

LogicalResult AttendGradOp::verify() {
  int given = bool(getDq0()) + bool(getDk0()) + bool(getDv0());
  if (given != 0 && given != 3)
    return emitOpError() << "ATTENDG1: expected all or none of dq0, dk0 and dv0, got " << given;
  if (failed(checkStaticShapes(*this)) ||
      failed(checkQkv(*this, kAttendGrad, getQ(), getK(), getV(), getHeads(), getScale())) ||
      failed(checkOutAndLse(*this, "ATTENDG2", getV(), getDout(), "dout", getLse(), "lse", getHeads())) ||
      failed(checkOutAndLse(*this, "ATTENDG2", getV(), getDout(), "dout", getDelta(), "delta", getHeads())))
    return failure();
  for (auto [name, grad, value] : {std::tuple{"dq", Value(getDq()), Value(getQ())},
                                   {"dk", getDk(), getK()},
                                   {"dv", getDv(), getV()},
                                   {"dq0", getDq0(), getQ()},
                                   {"dk0", getDk0(), getK()},
                                   {"dv0", getDv0(), getV()}})
    if (failed(checkShape(*this, "ATTENDG3", name, grad, shapeOf(value)))) return failure();
  return checkViewHeads(*this, "ATTENDG4", getView(), getHeads());
}
