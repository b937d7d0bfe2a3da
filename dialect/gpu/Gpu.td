// The target-level dialect of GPU kernels: its types and attributes.
#ifndef DRAWLOOM_GPU_TD
#define DRAWLOOM_GPU_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Dialect/LLVMIR/LLVMOpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def DrawloomGpu_Dialect : Dialect {
  let name = "drawloom_gpu";
  let cppNamespace = "::drawloom::dgpu";
  let summary = "what the fast kernels of a GPU are made of: shared tiles, matrix products, bulk copies, barriers";
  let description = [{
    The narrow level under the scheduled loops of a kernel: only what MLIR has no op for. Control flow is `scf`, arithmetic `arith` and `vector`, threads,
    barriers of a block and shuffles are upstream's `gpu`. `drawloom-lower-gpu-ops` turns these ops into `llvm.inline_asm` and `llvm` ops.

    **Fragments** are plain vectors. A 16 x N part of a matrix is held by a warp as `vector<(N/8) x 2 x 2 x T>`: lane 4 g + q owns the elements
    `[j, r, e]` = (row g + 8 r, column 8 j + 2 q + e). A warp group (4 warps, warp w first when w mod 4 = 0) holds a 64 x N matrix: warp w owns the rows from 16 (w mod 4)
    on. This is the layout of the results of wgmma and of mma.sync m16n8, and, for 16-bit elements, of their first operand too: the probabilities made from a score fragment are
    an operand as they are, after truncation.

    **Shared tiles** are matrices of 16-bit elements in dynamic shared memory, in the swizzled layout that bulk copies write and matrix products read (type `tile`).
    **Offsets** of tiles, arrays and barriers are bytes from the start of the block's dynamic shared memory, which is aligned to 1024.

    Every verifier rule has a label such as `WGMMA1`, as in the drawloom dialect.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
  private:
    void registerTypes();
    void registerAttributes();
    void registerOps();

  public:
  }];
}

def DrawloomGpu_TileType : TypeDef<DrawloomGpu_Dialect, "Tile"> {
  let mnemonic = "tile";
  let summary = "a matrix of 16-bit elements in shared memory, swizzled";
  let description = [{
    `!drawloom_gpu.tile<128 x 64, bf16, swizzle 128, pitch 128>`: rows x columns. A panel holds the columns whose bytes fill one swizzle span (64, 32 or 16 columns
    for 128, 64 or 32 bytes) of all rows, row after row; panels follow one another `pitch` rows apart (the rows, unless the tile is a part of a higher one). Within a
    panel, byte address bits 4.. of a row (3, 2 or 1 of them) are exclusive-or'ed with bits 7.., as the tensor memory accelerator does. So the 16-byte chunk c of row r is at
    r * swizzle + 16 * (c xor ((r * swizzle / 128) mod (swizzle / 16))).
    A tile starts at a multiple of 8 * swizzle bytes.

    TILE1: the element type is bf16 or f16. TILE2: swizzle is 32, 64 or 128. TILE3: columns are a positive multiple of those of a panel. TILE4: rows are positive;
    pitch is at least as large and a multiple of 8.
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns, "::mlir::Type":$elementType, "int64_t":$swizzle, "int64_t":$pitch);
  let assemblyFormat = "`<` $rows `x` $columns `,` $elementType `,` `swizzle` $swizzle `,` `pitch` $pitch `>`";
  let genVerifyDecl = 1;
  let builders = [
    /// The widest swizzle whose panels divide the columns.
    TypeBuilderWithInferredContext<(ins "int64_t":$rows, "int64_t":$columns, "::mlir::Type":$elementType)>
  ];
  let extraClassDeclaration = [{
    int64_t panelColumns() const { return getSwizzle() / 2; }
    int64_t panels() const { return getColumns() / panelColumns(); }
    int64_t panelBytes() const { return getPitch() * getSwizzle(); }
    /// Of the rows and columns themselves: what a copy of all of it moves.
    int64_t bytes() const { return getRows() * getColumns() * 2; }
    /// What the tile's offset must be a multiple of.
    int64_t alignment() const { return 8 * getSwizzle(); }
  }];
}

def DrawloomGpu_TensorMapAttr : AttrDef<DrawloomGpu_Dialect, "TensorMap"> {
  let mnemonic = "tensor_map";
  let summary = "how a kernel sees one of its memrefs through the tensor memory accelerator";
  let description = [{
    `#drawloom_gpu.tensor_map<place = 1, type = bf16, dims = [64, 12288, 24, 4], strides = [3072, 128, 37748736], box = [64, 128, 1, 1], swizzle = 128>`: the entries of a kernel's
    `drawloom.tensor_maps`; innermost dimension first, strides in bytes and one fewer, box in elements; `place` is the number of the memref among the arguments.

    TMAP1: there are 1 to 5 dimensions, one stride fewer and as many box extents. TMAP2: dims are positive and below 2^32. TMAP3: strides are positive multiples of 16 below 2^40.
    TMAP4: box extents are 1 to 256. TMAP5: swizzle is 0, 32, 64 or 128 and, if not 0, at least the bytes of the box's first extent, which are a multiple of 16. TMAP6: the type is bf16, f16 or f32. TMAP7: place is not negative.
  }];
  let parameters = (ins "int64_t":$place, "::mlir::Type":$type, ArrayRefParameter<"int64_t">:$dims, OptionalArrayRefParameter<"int64_t">:$strides,
    ArrayRefParameter<"int64_t">:$box, "int64_t":$swizzle);
  let assemblyFormat = "`<` `place` `=` $place `,` `type` `=` $type `,` `dims` `=` `[` $dims `]` `,` `strides` `=` `[` (`]`) : ($strides^ `]`)? `,` `box` `=` `[` $box `]` `,` `swizzle` `=` $swizzle `>`";
  let genVerifyDecl = 1;
}

#endif
