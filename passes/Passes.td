// Passes on the graph and on memory. Those that make loops stand in attention/, tiles/ and rows/.
#ifndef DRAWLOOM_PASSES_TD
#define DRAWLOOM_PASSES_TD
include "mlir/Pass/PassBase.td"

//===-- graph -----------------------------------------------------------------------------------------------------===//

def ChoosePrecision : Pass<"drawloom-choose-precision", "::mlir::ModuleOp"> {
  let summary = "16-bit activations in @loss and @evaluate";
  let description = [{
    Activations become bf16 or f16, and with them, as differentiation follows, their gradients. f32 stay: parameters (each matrix
    that enters a product is cast once a function to a working copy; biases, scales and embedding tables are read as they are),
    the statistics of layer_norm, lse, and logits that only losses read, with the losses. The gradient of a working copy is f32,
    so the derivative of a weight is never rounded to 16 bits. `type=f32` changes nothing.

    Runs before segments are formed, so what is recomputed is recomputed from the same rounded values. `@decode` stays f32: it
    reads each weight once a token whatever its arithmetic, keys of all positions stand beside one query (in fp16 their products
    can overflow; paper section 6), and its caches outlive a call. `@update` works on parameters alone.
  }];
  let options = [Option<"type", "type", "std::string", "\"f32\"", "of activations: f32, bf16 or f16">];
  let statistics = [Statistic<"numCasts", "casts", "Number of casts inserted">];
}

def FuseEpilogues : Pass<"drawloom-fuse-epilogues", "::mlir::ModuleOp"> {
  let summary = "biases of @loss and @evaluate that products add while they write their result";
  let description = [{
    Marks each `linear` whose result no row op reads (q, k and v): adding its bias would be a kernel that reads and writes the
    result for nothing else. `drawloom-decompose` makes a matmul with a bias from it. Any other bias is added in passing by the
    row kernel that reads the product. Products take a bias in the type of their result, so a 16-bit one is a copy, cast at the
    start of the function.

    For targets whose products have epilogues (GPUs). Runs on the forward graph, so that the choice, and with it the rounding, does
    not depend on what is recomputed.
  }];
  let statistics = [Statistic<"numBiases", "biases", "Number of biases that products add">];
}

def FormSegments : Pass<"drawloom-form-segments", "::mlir::ModuleOp"> {
  let summary = "group the ops of @loss into units of recomputation";
  let description = [{
    Wraps each run of ops of `@loss` whose `drawloom.segment` says the same into a `drawloom.segment`. The results of ops
    marked `drawloom.keep` are its trailing results, so that the backward pass need not recompute them (paper section 6:
    attention weights are recomputed, but not from scratch: out and log-sum-exp are kept).

    | mode | segments |
    |---|---|
    | none | none: every value that the backward pass reads is kept |
    | elementwise | none, but each gelu is marked `drawloom.repeat`: the backward pass makes it again from its operand, which it reads anyway |
    | attention | runs labelled `….attention`; outside of them as elementwise |
    | block | one a layer: the labels without their last component |
    | all | the same, and nothing is kept: attention's forward pass runs again |

    One mode holds for all layers; a list (`mode=block,block,none`) has one for each layer, in program order.
  }];
  let options = [
    ListOption<"modes", "mode", "std::string", "what to recompute: none, elementwise, attention, block or all, for all layers or one a layer">
  ];
  let statistics = [
    Statistic<"numSegments", "segments", "Number of segments formed">,
    Statistic<"numRepeated", "repeated", "Number of elementwise ops marked to be computed again">
  ];
}

def Differentiate : Pass<"drawloom-differentiate", "::mlir::ModuleOp"> {
  let summary = "make @gradient from @loss by reverse-mode differentiation";
  let description = [{
    `@loss(parameters, tokens, targets, rng) -> nll` becomes `@gradient(parameters, gradients, tokens, targets, rng,
    loss_weights) -> (nll, new gradients)`; `loss_weights` is the cotangent of nll and each new gradient is the old one plus
    the derivative, so that calls accumulate. `@loss` is removed. A module without `@loss` is left alone.

    An op marked `drawloom.repeat` is cloned before the first backward op that reads its result, and backward ops read the clone.
  }];
}

def InlineSegments : Pass<"drawloom-inline-segments", "::mlir::ModuleOp"> {
  let summary = "dissolve the forward segments after differentiation";
  let description = [{ What recomputing needs stands in `recompute` regions by now; the forward ops go back into the function. }];
}

def Decompose : Pass<"drawloom-decompose", "::mlir::ModuleOp"> {
  let summary = "linear becomes matmul and bias_add, or a matmul with bias where drawloom-fuse-epilogues has marked it";
}

def SplitPieces : Pass<"drawloom-split-pieces", "::mlir::ModuleOp"> {
  let summary = "attention over a pattern becomes a chain over the pattern's disjoint pieces, each in its view";
  let description = [{
    `attention` becomes a chain of `attend`, `attention_grad` an `attention_delta` and a chain of `attend_grad`. Without pieces the
    results are `fill`.
  }];
  let statistics = [Statistic<"numPieces", "pieces", "Number of attend and attend_grad ops made">];
}

def AccumulateInPlace : Pass<"drawloom-accumulate-in-place", "::mlir::ModuleOp"> {
  let summary = "add matrix products and column sums to the accumulated gradients where they are made";
  let description = [{
    `add(g, matmul)` becomes `matmul init g` and `add(g, column_sum)` becomes `column_sum init g` if g is an argument with role
    gradient and both are used nowhere else. If the derivative comes out of a `recompute`, the addition moves into it first: so
    a model has the same accumulations, and the same bits, whatever is recomputed. Not an optimization that may be left out:
    a product summed onto g differs in rounding from a product added to g.
  }];
  let statistics = [
    Statistic<"numSunk", "sunk", "Number of additions moved into recompute regions">,
    Statistic<"numFolded", "folded", "Number of additions folded into matmul or column_sum">
  ];
}

def FuseProducts : Pass<"drawloom-fuse-products", "::mlir::ModuleOp"> {
  let summary = "row ops that read a product become its epilogue: one fusion that begins with the product";
  let description = [{
    For Hopper (`target=sm_90a`; nothing is changed for others). A 16-bit product and the chain of elementwise ops after it become a
    fusion where drawloom-lower-products has a kernel for them: bias and GELU of a layer's inner width, GELU's gradient; where rows
    are short enough to be whole, bias, dropout and residual. With them go sums over rows of what the chain makes (the gradient of a
    bias), a norm of it, and a gelu that is marked `drawloom.repeat`, if the chain reads its operand. Values used outside become
    results. drawloom-fuse groups the row ops that are left.

    A weight's gradient dY^T X and the sum over dY's rows, a bias's gradient, are a fusion too where no row kernel makes dY: q, k and v.
    So are the product that makes attention's dout and attention_delta, where that would be a launch of its own: where the first kernel
    that needs delta does not make it (passes/attention/DeltaLaunches.h).

    A product stays with the library if it has few rows, or if the bytes that an epilogue saves take less time than our kernel may
    lose on the product's operations (passes/graph/ProductEpilogue.h). What decides is the same whatever is recomputed, and so
    are the bits of each product.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"cpu\"", "cpu, sm_90a or sm_80">,
    Option<"minRows", "min-rows", "int64_t", "512", "products of fewer rows stay with the library">,
    Option<"libraryRate", "library-rate", "double", "670", "10^12 operations a second of the library's products">,
    Option<"ownRate", "own-rate", "double", "500", "10^12 operations a second of our products">,
    Option<"weightGradRate", "weight-grad-rate", "double", "600", "10^12 operations a second of our weight gradients">,
    Option<"memoryRate", "memory-rate", "double", "2.4", "10^12 bytes a second of row kernels">
  ];
  let statistics = [
    Statistic<"numProducts", "products", "Number of products with an epilogue">,
    Statistic<"numOps", "ops", "Number of row ops in epilogues">
  ];
}

def Fuse : Pass<"drawloom-fuse", "::mlir::ModuleOp"> {
  let summary = "group row ops that work on the same rows into fusions";
  let description = [{
    Greedy, in program order: a row op joins the group that makes one of its rows, then the groups that read the same rows. A
    join is legal if it closes no cycle through ops outside the group and if nothing inside needs a value that is only known
    after the last row (a column sum, the gradient of a scale). No arithmetic changes; values used outside become results. Groups
    of one op stay as they are. An op marked `drawloom.repeat` joins later ops only, not those that made its operand: it is computed
    again so that its result need not be kept from there. One thing is computed twice: a biased row that only other fusions read is not written; they
    read the row without the bias, which is there anyway, and add the bias again.
  }];
  let statistics = [
    Statistic<"numFusions", "fusions", "Number of fusions made">,
    Statistic<"numFused", "fused", "Number of ops in fusions">
  ];
}

def OrderForCache : Pass<"drawloom-order-for-cache", "::mlir::ModuleOp"> {
  let summary = "what is read next is made last, if a card's cache holds it until then";
  let description = [{
    Where two ops read the same large value (the gradients of a product's two factors read the gradient of the product), the one whose
    result fits the cache, and is read by the next op, goes last: its reader then finds it there. Only what makes less than
    that result, in most cases a weight's gradient, is moved. Ops stay in their block; no value changes.
  }];
  let options = [Option<"cacheBytes", "cache-bytes", "int64_t", "32 << 20", "what of a card's cache a result may take: of an H100's 50 MB">];
  let statistics = [Statistic<"numMoved", "moved", "Number of ops that now come earlier">];
}

//===-- memory ----------------------------------------------------------------------------------------------------===//

def InlineRecompute : Pass<"drawloom-inline-recompute", "::mlir::ModuleOp"> {
  let summary = "dissolve recompute regions in place, keeping the order of ops";
  let description = [{ Runs when nothing reorders or merges ops any more. }];
}

def InsertCopies : Pass<"drawloom-insert-copies", "::mlir::ModuleOp"> {
  let summary = "copy what would otherwise be overwritten while it is still needed";
  let description = [{
    Afterwards every value can lie where memory planning wants it: a result tied to an operand over a dead operand, a part of a
    concat in the joined tensor, the result of a function in the buffer it names. Where the graph asks for more (an operand
    that is read later, a part with two uses, a buffer whose old value is read after the new one is made), a copy launch is
    inserted. Models from the frontend need none.
  }];
  let options = [Option<"target", "target", "std::string", "\"cpu\"", "what copies run on: cpu, or a GPU (sm_90a, sm_80)">];
  let statistics = [Statistic<"numCopies", "copies", "Number of copies inserted">];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect",
    "::mlir::vector::VectorDialect", "::mlir::memref::MemRefDialect", "::mlir::gpu::GPUDialect"];
}

def PlanMemory : Pass<"drawloom-plan-memory", "::mlir::ModuleOp"> {
  let summary = "give every tensor value of every function a place in memory";
  let description = [{
    Writes, on the module, `drawloom.buffers` (an array of {name, dtype, shape, arena, offset, bytes}: the persistent buffers that
    functions name) and `drawloom.arena_bytes`; on each function `drawloom.locals` (an array of {dtype, shape, offset, bytes, first,
    last}: activations, with the first and last command that touch them) and `drawloom.activation_bytes`; on each op
    `drawloom.places` and on each argument `drawloom.place`: a (buffer, byte offset) pair a value, where a buffer number below the
    number of persistent buffers is one of those and any other a local. Commands are the ops that run (launch, matmul), counted
    from 0 in each function; split and concat are views.

    The parameters arena, the gradients arena and each slot of the optimizer arena (moment1, moment2, ema, in this order) have
    one layout: what belongs to a parameter has the same offset in each. Activations are placed by size, largest first, each
    at the best-fitting gap among those whose lifetimes overlap its own; offsets are multiples of 64 bytes.
  }];
  let options = [
    Option<"report", "report", "bool", "false", "print the bytes of each arena and the peak to stderr">
  ];
}

//===-- looking on --------------------------------------------------------------------------------------------------===//

def DumpModule : Pass<"drawloom-dump-module", "::mlir::ModuleOp"> {
  let summary = "write the module to a file";
  let options = [Option<"file", "file", "std::string", "\"-\"", "where to (- is standard output)">];
}

//===-- verification ----------------------------------------------------------------------------------------------===//

def VerifyGraph : Pass<"drawloom-verify-graph", "::mlir::ModuleOp"> {
  let summary = "the graph phase is over: no linear, attention, attention_grad or segment is left";
}
def VerifyLoops : Pass<"drawloom-verify-loops", "::mlir::ModuleOp"> {
  let summary = "the loops phase is over: functions hold launch, matmul, split, concat and recompute only";
}
def VerifyMemory : Pass<"drawloom-verify-memory", "::mlir::ModuleOp"> {
  let summary = "the memory phase is over: every value has a place, and places that overlap have disjoint lifetimes";
  let description = [{
    Recomputes from the IR alone what the plan must satisfy: places within their buffers; no two locals with overlapping bytes
    live at the same command; every launch's kernel has memrefs of the strides that the places have.
  }];
}

#endif
