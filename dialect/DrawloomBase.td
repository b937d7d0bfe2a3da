// The drawloom dialect: attention patterns and the training graph of a factorized transformer.
#ifndef DRAWLOOM_BASE_TD
#define DRAWLOOM_BASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def Drawloom_Dialect : Dialect {
  let name = "drawloom";
  let cppNamespace = "::drawloom";
  let summary = "factorized attention as sets, views and block-sparse loops";
  let description = [{
    Levels (ARCHITECTURE.md walks through them):

    * graph: pure ops on ranked, statically shaped tensors. Activations are `[B, n, d]` with batch, position and
      channel; every op treats the leading dimensions as rows and the last as the row's channels.
    * pieces: `attend` and `attend_grad` work on one disjoint piece of a pattern in the view in which it is dense.
    * loops: `fusion` groups row operations, `launch` runs an outlined kernel.

    Every verifier rule has a label such as `ATTN1`; the label stands in the op's description, in the message of
    the verifier, and in the test of the rule. One rule holds for every graph op and op on pieces: SHAPE1: tensors are statically
    shaped and no extent is 0. Every op but `launch` and the tile ops has a meaning in the float64 interpreter (dialect/interp).
  }];
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    /// Parsed patterns by spelling; a pattern attribute's object is made once a context.
    ::std::shared_ptr<::drawloom::PatternCache> patterns;

  private:
    void registerAttributes();

  public:
  }];
}

class Drawloom_Attr<string name, string attrMnemonic> : AttrDef<Drawloom_Dialect, name> {
  let mnemonic = attrMnemonic;
}
class Drawloom_Op<string mnemonic, list<Trait> traits = []> : Op<Drawloom_Dialect, mnemonic, traits>;

#endif
