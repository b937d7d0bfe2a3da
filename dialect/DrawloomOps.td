// Graph-level ops. Shapes: B batch, n positions, d channels, H heads, D_qk and D_v channels per head, F inner width,
// V vocabulary. "T" in comments is any float element type; compiled code has f32 and, on GPUs, bf16 or f16 activations;
// the interpreter computes in f64 whatever the types are.
#ifndef DRAWLOOM_OPS_TD
#define DRAWLOOM_OPS_TD
include "DrawloomBase.td"
include "DrawloomAttrs.td"
include "DrawloomInterfaces.td"

def FT : RankedTensorOf<[F32, F64, BF16, F16]>;
def IT : RankedTensorOf<[I32, I64]>;

class GraphOp<string m, list<Trait> t = []> : Drawloom_Op<m, !listconcat([Pure], t)> { let hasVerifier = 1; }
/// An op with a gradient rule (passes/Differentiate.cpp calls `buildGradient`).
class DiffOp<string m, list<Trait> t = []> : GraphOp<m, !listconcat([DeclareOpInterfaceMethods<Differentiable>], t)>;

def EmbedOp : DiffOp<"embed", [AttrSizedOperandSegments]> {
  let summary = "token embedding plus learned position embeddings (paper section 5.3)";
  let description = [{
    out[b, i] = table[tokens[b, i]] + Σ_k positions_k[((i + p) floordiv divisors[k]) mod rows(positions_k)], where p is
    `offset[0]` if given (decoding) and 0 otherwise. tokens: i32 [B, n]; table: [V+1, d]; positions_k: [rows_k, d].
    EMBED1: every table has d columns. EMBED2: one positive divisor a position table. EMBED3: tokens are [B, n], out [B, n, d]. EMBED4: offset is [1].
  }];
  let arguments = (ins IT:$tokens, FT:$table, Variadic<FT>:$positions, Optional<IT>:$offset, DenseI64ArrayAttr:$divisors);
  let results = (outs FT:$out);
  let assemblyFormat = "$tokens `,` $table `positions` `(` $positions `)` (`offset` $offset^)? `divisors` $divisors attr-dict `:` functional-type(operands, results)";
}
def EmbedGradOp : GraphOp<"embed_grad"> {
  let summary = "gradient of embed: one tensor a table (token table first), rows summed in order of (b, i)";
  let description = [{ EMBEDG1: dout is [B, n, d] for tokens [B, n]. EMBEDG2: one result for the token table, then one a divisor, each [rows, d]. EMBEDG3: divisors are positive. }];
  let arguments = (ins FT:$dout, IT:$tokens, DenseI64ArrayAttr:$divisors);
  let results = (outs Variadic<FT>:$dtables);
  let assemblyFormat = "$dout `,` $tokens `divisors` $divisors attr-dict `:` functional-type(operands, results)";
}

def LayerNormOp : DiffOp<"layer_norm"> {
  let summary = "normalize each row to mean 0 and variance 1, scale and shift; also gives mean and 1/std of each row";
  let description = [{ out = (x - mean) * rstd * gamma + beta with rstd = 1/sqrt(var + epsilon), var biased.
    LN1: gamma and beta are [d]. LN2: mean and rstd have x's shape without its last dimension.
    LN3: out has x's shape. LN4: epsilon is positive. Gradients flow through out alone. }];
  let arguments = (ins FT:$x, FT:$gamma, FT:$beta, DefaultValuedAttr<F64Attr, "1e-5">:$epsilon);
  let results = (outs FT:$out, FT:$mean, FT:$rstd);
  let assemblyFormat = "$x `,` $gamma `,` $beta attr-dict `:` functional-type(operands, results)";
}
def LayerNormGradOp : GraphOp<"layer_norm_grad"> {
  let summary = "gradients of layer_norm with respect to x, gamma and beta";
  let description = [{ LNG1: gamma, dgamma and dbeta are [d]. LNG2: mean and rstd have x's shape without its last dimension. LNG3: dout and dx have x's shape. }];
  let arguments = (ins FT:$dout, FT:$x, FT:$gamma, FT:$mean, FT:$rstd);
  let results = (outs FT:$dx, FT:$dgamma, FT:$dbeta);
  let assemblyFormat = "$dout `,` $x `,` $gamma `,` $mean `,` $rstd attr-dict `:` functional-type(operands, results)";
}

def LinearOp : DiffOp<"linear"> {
  let summary = "out = x weight^T + bias; weight is [out, in] as in PyTorch";
  let description = [{ LIN1: weight is [out, in] with in = x's last dimension. LIN2: bias is [out]. LIN3: out has x's leading dimensions.
    LIN4: x and weight have one element type, and out has it or, if it has 16 bits, f32. The gradients of a 16-bit weight and bias are f32: they are sums over all rows. }];
  let arguments = (ins FT:$x, FT:$weight, Optional<FT>:$bias);
  let results = (outs FT:$out);
  let assemblyFormat = "$x `,` $weight (`bias` $bias^)? attr-dict `:` functional-type(operands, results)";
}
def MatmulOp : GraphOp<"matmul", [AttrSizedOperandSegments]> {
  let summary = "op(a) op(b) (+ init or bias in every row); operands of rank > 2 count as matrices of rows (leading dimensions collapsed)";
  let description = [{ MM1: inner extents agree. MM2: out has the product's rows (any leading shape) and columns. MM3: init, if given, has out's type and may be overwritten.
    MM4: a and b have one element type, and out has it or, if it has 16 bits, f32 (sums are f32 whatever out is).
    MM5: bias, if given, is [columns] of out's element type, and there is no init. Sum and bias are added in f32 and rounded once. }];
  let arguments = (ins FT:$a, FT:$b, Optional<FT>:$init, Optional<FT>:$bias, UnitAttr:$transpose_a, UnitAttr:$transpose_b);
  let results = (outs FT:$out);
  let assemblyFormat = "$a `,` $b (`init` $init^)? (`bias` $bias^)? attr-dict `:` functional-type(operands, results)";
}
def BiasAddOp : GraphOp<"bias_add"> {
  let summary = "add a vector to every row";
  let description = [{ BIAS1: bias is [d] for x's last dimension d. BIAS2: out has x's shape. }];
  let arguments = (ins FT:$x, FT:$bias);
  let results = (outs FT:$out);
  let assemblyFormat = "$x `,` $bias attr-dict `:` functional-type(operands, results)";
}
def ColumnSumOp : GraphOp<"column_sum"> {
  let summary = "sum over rows (the gradient of a bias; f32 for rows of 16-bit elements), added to init if given; chunks of rows are summed in a fixed order";
  let description = [{ CSUM1: out is [d] for x's last dimension d. CSUM2: init, if given, has out's type. }];
  let arguments = (ins FT:$x, Optional<FT>:$init);
  let results = (outs FT:$out);
  let assemblyFormat = "$x (`init` $init^)? attr-dict `:` functional-type(operands, results)";
}

def AddOp : DiffOp<"add", [SameOperandsAndResultType, Commutative]> {
  let summary = "elementwise sum";
  let arguments = (ins FT:$a, FT:$b);
  let results = (outs FT:$out);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($out)";
}
def CastOp : DiffOp<"cast"> {
  let summary = "every element in another float type, rounded to nearest, ties to even";
  let description = [{ The gradient is cast back to x's type; one that has it already (the f32 gradient of a matrix's 16-bit copy) stays as it is.
    CAST1: out has x's shape. CAST2: the element types differ. }];
  let arguments = (ins FT:$x);
  let results = (outs FT:$out);
  let assemblyFormat = "$x attr-dict `:` type($x) `to` type($out)";
}
def FillOp : GraphOp<"fill"> {
  let summary = "a tensor of one value";
  let arguments = (ins F64Attr:$value);
  let results = (outs FT:$out);
  let assemblyFormat = "$value attr-dict `:` type($out)";
}
def GeluOp : DiffOp<"gelu", [SameOperandsAndResultType]> {
  let summary = "x * sigmoid(1.702 x) (paper section 5.2)";
  let arguments = (ins FT:$x);
  let results = (outs FT:$out);
  let assemblyFormat = "$x attr-dict `:` type($out)";
}
def GeluGradOp : GraphOp<"gelu_grad", [SameOperandsAndResultType]> {
  let summary = "dout * d gelu(x)/dx";
  let arguments = (ins FT:$dout, FT:$x);
  let results = (outs FT:$dx);
  let assemblyFormat = "$dout `,` $x attr-dict `:` type($dx)";
}
def DropoutOp : DiffOp<"dropout"> {
  let summary = "zero each element with probability rate, scale the others by 1/(1 - rate); its own gradient";
  let description = [{
    The mask is a function of (rng[0] seed, rng[1] micro-step, site, element index) by Philox4x32-10 (Salmon et al.
    2011; runtime/abi/Philox.h `dropoutWord`): recomputing replays it. An element is kept when its word >= rate * 2^32.
    DROP1: 0 <= rate < 1. DROP2: rng is i64 [2]. DROP3: out has x's shape. DROP4: 0 <= site < 2^32.
  }];
  let arguments = (ins FT:$x, IT:$rng, F64Attr:$rate, I64Attr:$site);
  let results = (outs FT:$out);
  let assemblyFormat = "$x `,` $rng attr-dict `:` functional-type(operands, results)";
}
def SplitOp : DiffOp<"split"> {
  let summary = "cut the last dimension into parts; parts are views of the operand, never copies";
  let description = [{ SPLIT1: the parts' last dimensions add up to x's. SPLIT2: the parts have x's leading dimensions. }];
  let arguments = (ins FT:$x);
  let results = (outs Variadic<FT>:$parts);
  let assemblyFormat = "$x attr-dict `:` functional-type(operands, results)";
}
def ConcatOp : GraphOp<"concat"> {
  let summary = "join along the last dimension; producers write their part in place";
  let description = [{ CONCAT1: the parts' last dimensions add up to out's. CONCAT2: the parts have out's leading dimensions. }];
  let arguments = (ins Variadic<FT>:$parts);
  let results = (outs FT:$out);
  let assemblyFormat = "$parts attr-dict `:` functional-type(operands, results)";
}

def AttentionOp : DiffOp<"attention"> {
  let summary = "softmax(scale q k^T) v over the keys of a pattern, for each head (paper section 5.2)";
  let description = [{
    q, k: [B, n, H*D_qk]; v: [B, n, H*D_v]; head h owns channels [h*D, (h+1)*D). out: [B, n, H*D_v]; lse: [B, H, n], the
    natural logarithm of Σ_j exp(scale q·k_j). A row without keys gives out 0 and lse -inf and takes part in no gradient.
    ATTN1: H divides the channels of q, k and v. ATTN2: q and k have one shape. ATTN3: out is [B, n, H*D_v] and lse [B, H, n].
    ATTN4: B and n agree. ATTN5: heads is positive and scale finite. (j <= i needs no rule: patterns are causal by definition.)
    Gradients flow through out alone.
  }];
  let arguments = (ins FT:$q, FT:$k, FT:$v, Drawloom_PatternAttr:$pattern, I64Attr:$heads, F64Attr:$scale);
  let results = (outs FT:$out, FT:$lse);
  let assemblyFormat = "$q `,` $k `,` $v attr-dict `:` functional-type(operands, results)";
}
def AttentionGradOp : GraphOp<"attention_grad"> {
  let summary = "gradients of attention with respect to q, k and v, from the saved out and lse";
  let description = [{ 
    ATTNG1: q, k, v, out, lse, pattern, heads and scale obey ATTN1..5. ATTNG2: dout has out's shape. ATTNG3: dq, dk and dv have the shapes of q, k and v.
  }];
  let arguments = (ins FT:$dout, FT:$q, FT:$k, FT:$v, FT:$out, FT:$lse, Drawloom_PatternAttr:$pattern, I64Attr:$heads, F64Attr:$scale);
  let results = (outs FT:$dq, FT:$dk, FT:$dv);
  let assemblyFormat = "$dout `,` $q `,` $k `,` $v `,` $out `,` $lse attr-dict `:` functional-type(operands, results)";
}
def AttentionDecodeOp : GraphOp<"attention_decode"> {
  let summary = "one new position: append k and v to the caches, attend from q to the pattern's keys";
  let description = [{
    q, k: [S, 1, H*D_qk]; v: [S, 1, H*D_v]; caches [S, n, ...]; position i64 [1]. Work is proportional to the keys that the
    pattern gives the position (for a pattern without a dense view: to the predicate tests over j <= i plus the keys).
    The new caches are the old ones with row `position` replaced (in place when compiled).
    DECODE1: H divides the channels of q, k and v. DECODE2: q and k are [S, 1, H*D_qk], v is [S, 1, H*D_v]. DECODE3: caches are [S, n, channels of k or v].
    DECODE4: position is [1]. DECODE5: out has v's shape, new caches those of the caches. DECODE6: heads is positive and scale finite.
  }];
  let arguments = (ins FT:$q, FT:$k, FT:$v, FT:$kcache, FT:$vcache, IT:$position, Drawloom_PatternAttr:$pattern, I64Attr:$heads, F64Attr:$scale);
  let results = (outs FT:$out, FT:$new_kcache, FT:$new_vcache);
  let assemblyFormat = "$q `,` $k `,` $v `,` $kcache `,` $vcache `at` $position attr-dict `:` functional-type(operands, results)";
}

def CrossEntropyOp : DiffOp<"cross_entropy"> {
  let summary = "negative natural-log likelihood of each target under softmax(logits)";
  let description = [{ XENT1: logits [B, n, V], targets [B, n], nll [B, n]. }];
  let arguments = (ins FT:$logits, IT:$targets);
  let results = (outs FT:$nll);
  let assemblyFormat = "$logits `,` $targets attr-dict `:` functional-type(operands, results)";
}
def CrossEntropyGradOp : GraphOp<"cross_entropy_grad"> {
  let summary = "dnll * (softmax(logits) - onehot(target))";
  let description = [{ XENTG1: dnll [B, n], logits and dlogits [B, n, V], targets [B, n]. }];
  let arguments = (ins FT:$dnll, FT:$logits, IT:$targets);
  let results = (outs FT:$dlogits);
  let assemblyFormat = "$dnll `,` $logits `,` $targets attr-dict `:` functional-type(operands, results)";
}

def GlobalNormOp : GraphOp<"global_norm"> {
  let summary = "Euclidean norm of all operands together, [1]; not finite if any element is not";
  let description = [{ NORM1: norm is [1]. NORM2: there is at least one tensor. }];
  let arguments = (ins Variadic<FT>:$tensors);
  let results = (outs FT:$norm);
  let assemblyFormat = "$tensors attr-dict `:` functional-type(operands, results)";
}
def AdamOp : GraphOp<"adam"> {
  let summary = "one AdamW step with clipping by global norm; leaves everything unchanged if the norm is not finite";
  let description = [{
    hyper: f32 [16], indices of runtime/abi/Abi.h Hyper; norm is the gradients' as they are, that is scaled with the loss. With
    u = hyper[kGradScale], s = clip > 0 ? min(1, clip / (u norm)) : 1, g' = (s u) g:
    m' = b1 m + (1-b1) g'; v' = b2 v + (1-b2) g'^2; p' = p - lr * ((m'/c1) / (sqrt(v'/c2) + eps) + (decay ? wd * p : 0)).
    The fourth result is the gradient to go on with: zeros after a step; if the norm is not finite, the unchanged gradient, or
    zeros if hyper[kSkipNonFinite] > 0.
    ADAM1: all operands but norm and hyper, and the results, have one type. ADAM2: norm is [1], hyper [16].
  }];
  let arguments = (ins FT:$param, FT:$grad, FT:$m, FT:$v, FT:$norm, FT:$hyper, UnitAttr:$decay);
  let results = (outs FT:$new_param, FT:$new_m, FT:$new_v, FT:$new_grad);
  let assemblyFormat = "$param `,` $grad `,` $m `,` $v `,` $norm `,` $hyper attr-dict `:` functional-type(operands, results)";
}
def EmaOp : GraphOp<"ema"> {
  let summary = "e' = decay e + (1 - decay) p with decay = hyper[kEmaDecay]; unchanged if the norm is not finite";
  let description = [{ EMA1: ema, param and new_ema have one shape. EMA2: norm is [1], hyper [16]. }];
  let arguments = (ins FT:$ema, FT:$param, FT:$norm, FT:$hyper);
  let results = (outs FT:$new_ema);
  let assemblyFormat = "$ema `,` $param `,` $norm `,` $hyper attr-dict `:` functional-type(operands, results)";
}

//===-- regions ---------------------------------------------------------------------------------------------------===//

def SegmentOp : Drawloom_Op<"segment", [IsolatedFromAbove, SingleBlock, DeclareOpInterfaceMethods<Differentiable>, RecursiveMemoryEffects]> {
  let summary = "forward ops whose inner values are not kept for the backward pass";
  let description = [{
    The region's arguments are the operands; it yields the results, then the values of ops marked `drawloom.keep` (attention's
    out and lse), which the backward pass uses instead of recomputing them (`kept` counts these trailing results).
    Differentiation makes a `recompute` from it; `drawloom-inline-segments` then dissolves the forward one.
    SEG1: operands and region arguments agree. SEG2: yielded and result types agree. SEG3: 0 <= kept <= the number of results.
  }];
  let arguments = (ins Variadic<AnyType>:$inputs, DefaultValuedAttr<I64Attr, "0">:$kept);
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let hasVerifier = 1;
  let assemblyFormat = "`(` $inputs `)` attr-dict `:` functional-type(operands, results) $body";
}
def RecomputeOp : Drawloom_Op<"recompute", [IsolatedFromAbove, SingleBlock, RecursiveMemoryEffects]> {
  let summary = "backward ops together with a second copy of the forward ops they need";
  let description = [{
    Isolated from above, and fed with the incoming gradients, so that CSE cannot merge the recomputed forward with the original and code motion cannot lift it
    out of the backward pass. Dissolved after buffers are ordered (`drawloom-inline-recompute`).
    REC1: operands and region arguments agree. REC2: yielded and result types agree.
  }];
  let arguments = (ins Variadic<AnyType>:$inputs);
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let hasVerifier = 1;
  let assemblyFormat = "`(` $inputs `)` attr-dict `:` functional-type(operands, results) $body";
}
def FusionOp : Drawloom_Op<"fusion", [IsolatedFromAbove, SingleBlock, RecursiveMemoryEffects, Pure]> {
  let summary = "row operations that become one kernel: each row is read once, worked on in cache, written once";
  let description = [{
    Holds only row ops: bias_add, add, cast, gelu(_grad), dropout, layer_norm(_grad), cross_entropy(_grad), column_sum, fill, embed, adam, ema.
    Arithmetic is f32, but what an op inside makes has its type's precision: a bf16 value is rounded where it is made, not where the
    fusion ends. So a value is the same whether it is read in the fusion, from memory, or computed again elsewhere.
    A product may come first: then the row ops are its epilogue, which works on the product's tiles before they are written;
    attention_delta, a sum along each head of a row, may be among them.
    FUSE1: operands and region arguments agree. FUSE2: yielded and result types agree. FUSE3: only row ops inside, and at most one matmul, the
    first op. FUSE4: the matmul has neither init nor bias (an add or bias_add says the same), but for a
    weight's gradient, the product whose first operand is transposed: it is added to the accumulated one.
  }];
  let arguments = (ins Variadic<AnyType>:$inputs);
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let hasVerifier = 1;
  let assemblyFormat = "`(` $inputs `)` attr-dict `:` functional-type(operands, results) $body";
  let extraClassDeclaration = [{
    /// The product whose epilogue the row ops are; null if there is none.
    ::drawloom::MatmulOp getProduct();
  }];
}
def YieldOp : Drawloom_Op<"yield", [Pure, Terminator, ParentOneOf<["SegmentOp", "RecomputeOp", "FusionOp"]>]> {
  let summary = "the values of a region";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

//===-- pieces and launches ----------------------------------------------------------------------------------------===//

def AttendOp : GraphOp<"attend", [AttrSizedOperandSegments]> {
  let summary = "attention over one piece in its view, continuing from the (out, lse) of the pieces before it";
  let description = [{
    An online softmax started from (max, sum, acc) = (lse0, 1, out0), or from (-inf, 0, 0) without them: chaining the disjoint pieces
    of a pattern gives exactly `attention`. Rows and heads outside the view pass (out0, lse0) through (0, -inf without them).
    Compiled, out0 and lse0 are written over, so only the view's rows are touched.
    ATTEND1: both or neither of out0 and lse0. ATTEND2: shapes as in ATTN1..5; out0 and lse0 like out and lse. ATTEND3: the view's heads are below H.
  }];
  let arguments = (ins FT:$q, FT:$k, FT:$v, Optional<FT>:$out0, Optional<FT>:$lse0, Drawloom_ViewAttr:$view, I64Attr:$heads, F64Attr:$scale);
  let results = (outs FT:$out, FT:$lse);
  let assemblyFormat = "$q `,` $k `,` $v (`from` $out0^ `,` $lse0)? attr-dict `:` functional-type(operands, results)";
}
def AttentionDeltaOp : GraphOp<"attention_delta"> {
  let summary = "delta[b, h, i] = Σ_c dout[b, i, h, c] * out[b, i, h, c], what softmax's backward subtracts";
  let description = [{ DELTA1: dout and out have one shape [B, n, H*D_v]. DELTA2: delta is [B, H, n]. }];
  let arguments = (ins FT:$dout, FT:$out, I64Attr:$heads);
  let results = (outs FT:$delta);
  let assemblyFormat = "$dout `,` $out attr-dict `:` functional-type(operands, results)";
}
def AttendGradOp : GraphOp<"attend_grad", [AttrSizedOperandSegments]> {
  let summary = "one piece's share of dq, dk and dv, added to those of the pieces before it";
  let description = [{ 
    ATTENDG1: all or none of dq0, dk0 and dv0. ATTENDG2: q, k, v, lse, heads and scale as in ATTN1..5; dout is [B, n, H*D_v] and delta [B, H, n].
    ATTENDG3: dq, dk, dv (and dq0, dk0, dv0) have the shapes of q, k and v. ATTENDG4: the view's heads are below H.
  }];
  let arguments = (ins FT:$dout, FT:$q, FT:$k, FT:$v, FT:$lse, FT:$delta, Optional<FT>:$dq0, Optional<FT>:$dk0, Optional<FT>:$dv0,
    Drawloom_ViewAttr:$view, I64Attr:$heads, F64Attr:$scale);
  let results = (outs FT:$dq, FT:$dk, FT:$dv);
  let assemblyFormat = "$dout `,` $q `,` $k `,` $v `,` $lse `,` $delta (`from` $dq0^ `,` $dk0 `,` $dv0)? attr-dict `:` functional-type(operands, results)";
}

def LaunchOp : Drawloom_Op<"launch", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "run an outlined kernel over a grid of independent work items";
  let description = [{
    The kernel (a func.func in the module `@kernels`) takes, in this order: a memref for each operand, a memref for each result that
    `inplace` does not tie to an operand, an index for each of `scalars`, then `begin` and `end` (index), and performs work items
    [begin, end) of [0, grid). A result tied by `inplace` (operand number; -1 for none) is written over that operand.
    `label`, `flops` and `bytes` describe it to people. LAUNCH1: the kernel exists and its signature matches. LAUNCH2: tied types agree
    and an operand is tied once. LAUNCH3: grid is not negative.
  }];
  let arguments = (ins Variadic<AnyType>:$inputs, SymbolRefAttr:$kernel, I64Attr:$grid, DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$scalars,
    DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$inplace, DefaultValuedAttr<StrAttr, "\"\"">:$label,
    DefaultValuedAttr<I64Attr, "0">:$flops, DefaultValuedAttr<I64Attr, "0">:$bytes);
  let results = (outs Variadic<AnyType>:$outputs);
  let hasVerifier = 1;
  let assemblyFormat = "$kernel `grid` $grid `(` $inputs `)` attr-dict `:` functional-type(operands, results)";
}

//===-- tiles ------------------------------------------------------------------------------------------------------===//

include "DrawloomTileOps.td"
#endif
