#include "passes/rows/VectorMath.h"

using namespace mlir;

namespace drawloom::vecmath {

/// `element` with the shape of `like`.
static Type withElement(Type like, Type element) {
  if (auto vector = dyn_cast<VectorType>(like))
    return VectorType::get(vector.getShape(), element, vector.getScalableDims());
  return element;
}

static Value constantOf(OpBuilder &b, Location loc, Type type, TypedAttr element) {
  if (auto vector = dyn_cast<VectorType>(type)) {
    TypedAttr splat = DenseElementsAttr::get(vector, Attribute(element));
    return arith::ConstantOp::create(b, loc, splat);
  }
  return arith::ConstantOp::create(b, loc, element);
}

Value constant(OpBuilder &b, Location loc, Type like, double value) {
  return constantOf(b, loc, like, b.getFloatAttr(getElementTypeOrSelf(like), value));
}

Value constantInt(OpBuilder &b, Location loc, Type like, int64_t value) {
  return constantOf(b, loc, like, b.getIntegerAttr(getElementTypeOrSelf(like), value));
}

Value max(OpBuilder &b, Location loc, Value x, Value y) {
  Value greater = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, y);
  return arith::SelectOp::create(b, loc, greater, x, y);
}

Value min(OpBuilder &b, Location loc, Value x, Value y) {
  Value less = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y);
  return arith::SelectOp::create(b, loc, less, x, y);
}

/// c0 + x (c1 + x (c2 + ...)).
static Value horner(OpBuilder &b, Location loc, Value x, ArrayRef<double> coefficients) {
  Value result = constant(b, loc, x.getType(), coefficients.back());
  for (double c : llvm::reverse(coefficients.drop_back()))
    result = math::FmaOp::create(b, loc, result, x, constant(b, loc, x.getType(), c));
  return result;
}

namespace {
/// x rounded to the nearest integer, as a float and as the power of two that it stands for.
struct Rounded {
  Value integer, power;
};
} // namespace

/// Needs x in [-127, 128]: the ends give the powers 0 and inf. Adding 1.5 * 2^23 leaves the rounded integer
/// in the low bits of the sum, where a shift turns it into an exponent; unlike a conversion this is defined
/// for NaN too.
static Rounded roundToPower(OpBuilder &b, Location loc, Value x) {
  Type type = x.getType(), bits = withElement(type, b.getI32Type());
  Value magic = constant(b, loc, type, 12582912.0);
  Value shifted = arith::AddFOp::create(b, loc, x, magic);
  Value integer = arith::SubFOp::create(b, loc, shifted, magic);
  Value asInt = arith::BitcastOp::create(b, loc, bits, shifted);
  Value exponent = arith::ShLIOp::create(b, loc, asInt, constantInt(b, loc, bits, 23));
  Value biased = arith::AddIOp::create(b, loc, exponent, constantInt(b, loc, bits, 127 << 23));
  return {integer, arith::BitcastOp::create(b, loc, type, biased)};
}

/// x within [low, high]; NaN stays.
static Value clamp(OpBuilder &b, Location loc, Value x, double low, double high) {
  x = max(b, loc, constant(b, loc, x.getType(), low), x);
  return min(b, loc, constant(b, loc, x.getType(), high), x);
}

Value exp2(OpBuilder &b, Location loc, Value x) {
  x = clamp(b, loc, x, -127.0, 128.0);
  auto [n, power] = roundToPower(b, loc, x);
  Value r = arith::SubFOp::create(b, loc, x, n); // exact, in [-1/2, 1/2]
  // 2^r, near-minimax in relative error (1.6e-8).
  Value p = horner(b, loc, r,
                   {1.0, 0.6931471824645996, 0.24022647738456726, 0.055503323674201965, 0.00961843691766262,
                    0.0013398875016719103, 0.00015353361959569156});
  return arith::MulFOp::create(b, loc, p, power);
}

Value exp(OpBuilder &b, Location loc, Value x) {
  x = clamp(b, loc, x, -88.1, 89.0);
  Type type = x.getType();
  Value scaled = arith::MulFOp::create(b, loc, x, constant(b, loc, type, 1.4426950408889634));
  auto [n, power] = roundToPower(b, loc, scaled);
  // r = x - n ln 2, with ln 2 in two parts (Cody and Waite).
  Value r = math::FmaOp::create(b, loc, n, constant(b, loc, type, -0.693145751953125), x);
  r = math::FmaOp::create(b, loc, n, constant(b, loc, type, -1.428606765330187e-06), r);
  // e^r, near-minimax in relative error (1.8e-8) on [-0.3467, 0.3467].
  Value p = horner(b, loc, r,
                   {1.0, 1.0, 0.4999999403953552, 0.16666430234909058, 0.04166800528764725,
                    0.008374184370040894, 0.0013843618799000978});
  return arith::MulFOp::create(b, loc, p, power);
}

namespace {
/// log(1 + f) with x = 2^exponent (1 + f); `special` replaces the result where it is set.
struct LogParts {
  Value exponent, logOnePlusF;
};
} // namespace

static LogParts splitLog(OpBuilder &b, Location loc, Value x) {
  Type type = x.getType(), bits = withElement(type, b.getI32Type());
  // Subnormals are scaled into the normal range first.
  Value tiny = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, constant(b, loc, type, 0x1p-126));
  Value scaled = arith::MulFOp::create(b, loc, x, constant(b, loc, type, 0x1p23));
  x = arith::SelectOp::create(b, loc, tiny, scaled, x);
  Value bias =
      arith::SelectOp::create(b, loc, tiny, constant(b, loc, type, -23.0), constant(b, loc, type, 0.0));
  // x = 2^e m with m in [sqrt(1/2), sqrt(2)).
  constexpr int64_t sqrtHalf = 0x3F3504F3;
  Value i = arith::SubIOp::create(b, loc, arith::BitcastOp::create(b, loc, bits, x),
                                  constantInt(b, loc, bits, sqrtHalf));
  Value e = arith::ShRSIOp::create(b, loc, i, constantInt(b, loc, bits, 23));
  Value mantissa = arith::AndIOp::create(b, loc, i, constantInt(b, loc, bits, 0x7FFFFF));
  mantissa = arith::AddIOp::create(b, loc, mantissa, constantInt(b, loc, bits, sqrtHalf));
  Value m = arith::BitcastOp::create(b, loc, type, mantissa);
  Value f = arith::SubFOp::create(b, loc, m, constant(b, loc, type, 1.0)); // exact
  // log(1 + f) = f - f^2/2 + f^3 P(f), near-minimax in relative error (7.5e-10).
  Value p = horner(b, loc, f,
                   {0.3333331346511841, -0.25000008940696716, 0.2000211924314499, -0.1666799634695053,
                    0.14219552278518677, -0.1240558922290802, 0.11888162791728973, -0.11675651371479034,
                    0.0674663856625557});
  Value square = arith::MulFOp::create(b, loc, f, f);
  Value tail = math::FmaOp::create(b, loc, f, p, constant(b, loc, type, -0.5));
  Value logM = math::FmaOp::create(b, loc, square, tail, f);
  Value exponent = arith::AddFOp::create(b, loc, arith::SIToFPOp::create(b, loc, type, e), bias);
  return {exponent, logM};
}

/// The limits of log: -inf at 0, inf at inf, NaN below 0.
static Value withLimits(OpBuilder &b, Location loc, Value x, Value result) {
  Type type = x.getType();
  auto inf = constant(b, loc, type, std::numeric_limits<double>::infinity());
  auto where = [&](arith::CmpFPredicate predicate, Value bound, Value value) {
    Value condition = arith::CmpFOp::create(b, loc, predicate, x, bound);
    result = arith::SelectOp::create(b, loc, condition, value, result);
  };
  Value zero = constant(b, loc, type, 0.0);
  where(arith::CmpFPredicate::OEQ, inf, inf);
  where(arith::CmpFPredicate::OEQ, zero, constant(b, loc, type, -std::numeric_limits<double>::infinity()));
  where(arith::CmpFPredicate::ULT, zero, constant(b, loc, type, std::numeric_limits<double>::quiet_NaN()));
  return result;
}

Value log2(OpBuilder &b, Location loc, Value x) {
  auto [exponent, logM] = splitLog(b, loc, x);
  Value result =
      math::FmaOp::create(b, loc, logM, constant(b, loc, x.getType(), 1.4426950408889634), exponent);
  return withLimits(b, loc, x, result);
}

Value log(OpBuilder &b, Location loc, Value x) {
  auto [exponent, logM] = splitLog(b, loc, x);
  Type type = x.getType();
  Value low = math::FmaOp::create(b, loc, exponent, constant(b, loc, type, 1.428606765330187e-06), logM);
  Value result = math::FmaOp::create(b, loc, exponent, constant(b, loc, type, 0.693145751953125), low);
  return withLimits(b, loc, x, result);
}

Value sigmoid(OpBuilder &b, Location loc, Value x) {
  Value e = exp(b, loc, arith::NegFOp::create(b, loc, x));
  Value one = constant(b, loc, x.getType(), 1.0);
  return arith::DivFOp::create(b, loc, one, arith::AddFOp::create(b, loc, one, e));
}

} // namespace drawloom::vecmath
