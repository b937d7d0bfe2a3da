// Ops of the target-level dialect. T is bf16 or f16 throughout; a fragment is vector<J x 2 x 2 x T> (see the dialect's description).
#ifndef DRAWLOOM_GPU_OPS_TD
#define DRAWLOOM_GPU_OPS_TD
include "gpu/Gpu.td"

def Fragment : FixedVectorOfRankAndType<[3], [F32, BF16, F16]>;
def Accumulator : FixedVectorOfRankAndType<[3], [F32]>;
def PackedFragment : FixedVectorOfRankAndType<[3], [BF16, F16]>;
def FloatOrVector : AnyTypeOf<[F32, FixedVectorOfAnyRank<[F32]>]>;

class GpuOp<string m, list<Trait> t = []> : Op<DrawloomGpu_Dialect, m, t>;
class CheckedGpuOp<string m, list<Trait> t = []> : GpuOp<m, t> { let hasVerifier = 1; }

//===-- shared memory ----------------------------------------------------------------------------------------------===//

def SharedTileOp : GpuOp<"shared_tile", [Pure]> {
  let summary = "the tile at a byte offset of the block's dynamic shared memory";
  let description = [{ The offset must be a multiple of 8 * swizzle. }];
  let arguments = (ins I32:$offset);
  let results = (outs DrawloomGpu_TileType:$tile);
  let assemblyFormat = "$offset attr-dict `:` type($tile)";
}
def SubtileOp : CheckedGpuOp<"subtile", [Pure]> {
  let summary = "some rows of a tile, from `row` on";
  let description = [{
    `row` must be a multiple of 8 at run time. SUBTILE1: columns, element type, swizzle and pitch are the source's. SUBTILE2: it has at most the source's rows.
  }];
  let arguments = (ins DrawloomGpu_TileType:$source, I32:$row);
  let results = (outs DrawloomGpu_TileType:$tile);
  let assemblyFormat = "$source `[` $row `]` attr-dict `:` type($source) `->` type($tile)";
}
def SharedArrayOp : CheckedGpuOp<"shared_array", [Pure]> {
  let summary = "a plain array at a byte offset of the block's dynamic shared memory";
  let description = [{ ARRAY1: a memref of static shape without layout in `#gpu.address_space<workgroup>`. The offset must suit the element type. }];
  let arguments = (ins I32:$offset);
  let results = (outs AnyStaticShapeMemRef:$array);
  let assemblyFormat = "$offset attr-dict `:` type($array)";
}

//===-- matrix products --------------------------------------------------------------------------------------------===//

def LoadFragmentOp : CheckedGpuOp<"load_fragment"> {
  let summary = "a warp's 16 rows of a tile as a fragment (ldmatrix)";
  let description = [{
    Each of the warps whose number within its group is w takes rows 16 w .. 16 w + 15 of the tile, or rows from 0 on if the tile has 16 rows. FRAG1: the tile has 16 or 64 rows. FRAG2: the fragment is
    vector<(columns / 8) x 2 x 2 x T>.
  }];
  let arguments = (ins Arg<DrawloomGpu_TileType, "", [MemRead]>:$tile);
  let results = (outs PackedFragment:$fragment);
  let assemblyFormat = "$tile attr-dict `:` type($tile) `->` type($fragment)";
}
def StoreFragmentOp : CheckedGpuOp<"store_fragment"> {
  let summary = "write a fragment to the warp's 16 rows of a tile (stmatrix on sm_90a)";
  let description = [{ As load_fragment, the other way. FRAG1. FRAG2. }];
  let arguments = (ins PackedFragment:$fragment, Arg<DrawloomGpu_TileType, "", [MemWrite]>:$tile);
  let assemblyFormat = "$fragment `,` $tile attr-dict `:` type($fragment) `,` type($tile)";
}
def WgmmaOp : CheckedGpuOp<"wgmma", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "start op(a) op(b) (+ acc), 64 x N, by a warp group (sm_90a)";
  let description = [{
    Asynchronous: the result may not be touched, and the tiles and a fragment operand may not be written, before a `wgmma_wait` on it.
    One op is one commit group: fence, all steps over the inner extent K, commit. a: a tile [64, K] ([K, 64] with `transpose_a`), or a fragment of J = K / 8. b: a tile [K, N] ([N, K] with `transpose_b`).

    WGMMA1: a is a tile of 64 rows (columns with transpose_a), or a fragment, without transpose_a. WGMMA2: inner extents agree and are a multiple of 16. WGMMA3: out is vector<(N / 8) x 2 x 2 x f32>, N at
    most 256. WGMMA4: acc has out's type. WGMMA5: a and b have one element type.
  }];
  let arguments = (ins AnyTypeOf<[DrawloomGpu_TileType, PackedFragment]>:$a, DrawloomGpu_TileType:$b, Optional<Accumulator>:$acc, UnitAttr:$transpose_a, UnitAttr:$transpose_b);
  let results = (outs Accumulator:$out);
  let assemblyFormat = "$a `,` $b (`init` $acc^)? attr-dict `:` functional-type(operands, results)";
}
def WgmmaWaitOp : CheckedGpuOp<"wgmma_wait", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "wait until at most `pending` of the warp group's latest wgmmas are unfinished; gives the finished values";
  let description = [{ The values pass through, so that whatever uses them comes after. WAIT1: 0 <= pending < 8. WAIT2: results have the operands' types. }];
  let arguments = (ins Variadic<Accumulator>:$values, I64Attr:$pending);
  let results = (outs Variadic<Accumulator>:$finished);
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$values, "int64_t":$pending)>];
  let assemblyFormat = "$pending (`,` $values^ `:` type($values) `->` type($finished))? attr-dict";
}
def MmaSyncOp : CheckedGpuOp<"mma_sync", [MemoryEffects<[MemRead]>]> {
  let summary = "a op(b) (+ acc) by each warp on its own 16 rows, b read with ldmatrix (sm_80 and later)";
  let description = [{
    As `wgmma` with a fragment, but finished when it gives its result. MMA1: inner extents agree and are a multiple of 16. MMA2: out is vector<(N / 8) x 2 x 2 x f32>, N a multiple of 16. MMA3: acc has out's type. MMA4: a and b have one
    element type.
  }];
  let arguments = (ins PackedFragment:$a, DrawloomGpu_TileType:$b, Optional<Accumulator>:$acc, UnitAttr:$transpose_b);
  let results = (outs Accumulator:$out);
  let assemblyFormat = "$a `,` $b (`init` $acc^)? attr-dict `:` functional-type(operands, results)";
}

//===-- copies -----------------------------------------------------------------------------------------------------===//

def TensorMapOp : CheckedGpuOp<"tensor_map", [Pure]> {
  let summary = "the address of the kernel's `index`-th tensor map";
  let description = [{
    `index` counts the entries of the function's `drawloom.tensor_maps`. An entry's last parameters are its tensor maps (`drawloom-gpu-entry`), and `drawloom-lower-gpu-ops` takes them from there; in a function that is not yet an
    entry it leaves the op. MAP1: the function has such a map.
  }];
  let arguments = (ins I64Attr:$index);
  let results = (outs LLVM_DefaultPointer:$map);
  let assemblyFormat = "$index attr-dict `:` type($map)";
}
def TmaLoadOp : CheckedGpuOp<"tma_load", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "one thread starts the copy of a box to a tile; its bytes count towards the mbarrier at `barrier`";
  let description = [{
    One copy a panel of the tile; coordinates are of the first panel, innermost first. The map's box is panel columns x (extents whose product is the tile's rows). Elements outside the tensor are zero and count.
    TMA1: there are 1 to 5 coordinates.
  }];
  let arguments = (ins DrawloomGpu_TileType:$tile, LLVM_DefaultPointer:$map, Variadic<I32>:$coordinates, I32:$barrier);
  let assemblyFormat = "$tile `,` $map `[` $coordinates `]` `,` $barrier attr-dict `:` type($tile) `,` type($map)";
}
def TmaPrefetchOp : CheckedGpuOp<"tma_prefetch", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "one thread asks for a box to be brought to the card's L2 cache";
  let description = [{ What a tma_load of the same map and coordinates, of one panel, will read. Nothing waits for it. TMA1. }];
  let arguments = (ins LLVM_DefaultPointer:$map, Variadic<I32>:$coordinates);
  let assemblyFormat = "$map `[` $coordinates `]` attr-dict `:` type($map)";
}
def TmaStoreOp : CheckedGpuOp<"tma_store", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "one thread starts the copy of a tile to a box; elements outside the tensor are not written";
  let description = [{ The writers of the tile must have passed `fence_async_shared` and a barrier. TMA1. }];
  let arguments = (ins DrawloomGpu_TileType:$tile, LLVM_DefaultPointer:$map, Variadic<I32>:$coordinates);
  let assemblyFormat = "$tile `,` $map `[` $coordinates `]` attr-dict `:` type($tile) `,` type($map)";
}
def BulkLoadOp : GpuOp<"bulk_load", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "one thread starts the copy of `bytes` consecutive bytes to shared memory; they count towards the mbarrier";
  let description = [{ From the element `source[indices]` to the byte offset `offset`. Both addresses and `bytes` must be multiples of 16. }];
  let arguments = (ins AnyMemRef:$source, Variadic<Index>:$indices, I32:$offset, I32:$bytes, I32:$barrier);
  let assemblyFormat = "$source `[` $indices `]` `to` $offset `,` $bytes `,` $barrier attr-dict `:` type($source)";
}
def BulkStoreOp : GpuOp<"bulk_store", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "one thread starts the copy of `bytes` consecutive bytes from shared memory; with `add`, of f32 that are added to what is there";
  let description = [{
    From the byte offset `offset` to the element `target[indices]`. Both addresses and `bytes` must be multiples of 16. The writers of the bytes must have passed `fence_async_shared` and a barrier. Each element is
    rounded once; the order of two additions to an element is that of await_word and publish_word between them, without which sums differ from run to run.
  }];
  let arguments = (ins I32:$offset, I32:$bytes, AnyMemRef:$target, Variadic<Index>:$indices, UnitAttr:$add);
  let assemblyFormat = "$offset `,` $bytes `to` $target `[` $indices `]` (`add` $add^)? attr-dict `:` type($target)";
}
def BulkCommitOp : GpuOp<"bulk_commit", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "the thread's tma_stores and bulk_stores since the last commit become a group";
  let assemblyFormat = "attr-dict";
}
def BulkWaitOp : GpuOp<"bulk_wait", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "wait until at most `pending` of the thread's groups are unfinished; with `read`, until their tiles have been read";
  let arguments = (ins I64Attr:$pending, UnitAttr:$read);
  let assemblyFormat = "$pending (`read` $read^)? attr-dict";
}
def StoreEvictLastOp : GpuOp<"store_evict_last", [MemoryEffects<[MemWrite]>]> {
  let summary = "a thread stores an f32 in a line that the card's L2 cache is asked to evict last";
  let description = [{ For a few bytes of a sector of 32 which other blocks fill up: a sector that leaves the cache before it is whole must be read from memory. PTX createpolicy, st with a cache hint. }];
  let arguments = (ins F32:$value, AnyMemRef:$target, Variadic<Index>:$indices);
  let assemblyFormat = "$value `,` $target `[` $indices `]` attr-dict `:` type($target)";
}
def CopyAsyncOp : CheckedGpuOp<"copy_async", [AttrSizedOperandSegments, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "a thread starts the copy of 8 elements, 16 bytes, to a tile (cp.async); zeros if not `valid`";
  let description = [{
    From `source[indices..]` and the 7 elements after it to row `row`, columns 8 * chunk .. 8 * chunk + 7 of the tile. Nothing is read if `valid` is false. The source address must be a multiple of 16.
    CPASYNC1: source and tile have one element type. CPASYNC2: an index a dimension of source.
  }];
  let arguments = (ins AnyMemRef:$source, Variadic<Index>:$indices, DrawloomGpu_TileType:$tile, I32:$row, I32:$chunk, Optional<I1>:$valid);
  let assemblyFormat = "$source `[` $indices `]` `to` $tile `[` $row `,` $chunk `]` (`if` $valid^)? attr-dict `:` type($source) `,` type($tile)";
}
def CopyAsyncCommitOp : GpuOp<"copy_async_commit", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "the thread's copy_asyncs since the last commit become a group";
  let assemblyFormat = "attr-dict";
}
def CopyAsyncWaitOp : GpuOp<"copy_async_wait", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "wait until at most `pending` of the thread's groups are unfinished";
  let arguments = (ins I64Attr:$pending);
  let assemblyFormat = "$pending attr-dict";
}
def CopyAsyncArriveOp : GpuOp<"copy_async_arrive", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "arrive at the mbarrier once the thread's earlier copy_asyncs are done (one of its expected arrivals)";
  let arguments = (ins I32:$barrier);
  let assemblyFormat = "$barrier attr-dict";
}
def FenceAsyncSharedOp : GpuOp<"fence_async_shared", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "order the thread's accesses to shared memory before later ones of wgmma and bulk copies";
  let assemblyFormat = "attr-dict";
}

//===-- barriers and roles -----------------------------------------------------------------------------------------===//

def MBarrierInitOp : GpuOp<"mbarrier_init", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "one thread sets up the mbarrier (8 bytes) at an offset for `count` arrivals a phase";
  let arguments = (ins I32:$barrier, I32:$count);
  let assemblyFormat = "$barrier `,` $count attr-dict";
}
def MBarrierFenceOp : GpuOp<"mbarrier_fence", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "make the thread's mbarrier_inits visible to bulk copies";
  let assemblyFormat = "attr-dict";
}
def MBarrierArriveOp : GpuOp<"mbarrier_arrive", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "one arrival; with `bytes`, the phase also waits for so many bytes of copies";
  let arguments = (ins I32:$barrier, Optional<I32>:$bytes);
  let assemblyFormat = "$barrier (`expect` $bytes^)? attr-dict";
}
def MBarrierWaitOp : GpuOp<"mbarrier_wait", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "wait until the phase of the given parity (i32, 0 or 1) is over; the first phase has parity 0";
  let description = [{ On a fresh mbarrier, waiting for parity 1 returns at once: so a producer waits for `parity xor 1` of a ring's empty slots. }];
  let arguments = (ins I32:$barrier, I32:$parity);
  let assemblyFormat = "$barrier `,` $parity attr-dict";
}
def RingSlotOp : CheckedGpuOp<"ring_slot", [Pure]> {
  let summary = "the slot of a ring and the parity of its phase for the `step`-th use (i32, from 0 on)";
  let description = [{ slot = step mod stages, parity = (step div stages) mod 2. RING1: stages is positive. }];
  let arguments = (ins I32:$step, I64Attr:$stages);
  let results = (outs I32:$slot, I32:$parity);
  let assemblyFormat = "$step `of` $stages attr-dict";
}
def NamedBarrierOp : CheckedGpuOp<"named_barrier", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "barrier `id` of `threads` threads; with `arrive`, without waiting";
  let description = [{ NBAR1: 0 <= id < 16. NBAR2: threads is a positive multiple of 32, at most 1024. }];
  let arguments = (ins I64Attr:$id, I64Attr:$threads, UnitAttr:$arrive);
  let assemblyFormat = "$id `of` $threads (`arrive` $arrive^)? attr-dict";
}
def WarpSyncOp : GpuOp<"warp_sync", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "the lanes of a warp wait for each other, and see each other's accesses to memory";
  let description = [{ Before one lane arrives at an mbarrier for its whole warp: the others may still be waiting for an earlier phase, and would miss it if it went by. }];
  let assemblyFormat = "attr-dict";
}
def SetMaxRegistersOp : CheckedGpuOp<"set_max_registers", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "all warps of a warp group change their register budget (sm_90a)";
  let description = [{ SETREG1: count is a multiple of 8 from 24 to 256. }];
  let arguments = (ins I64Attr:$count, UnitAttr:$increase);
  let assemblyFormat = "$count (`increase` $increase^)? attr-dict";
}
def AnyLaneOp : GpuOp<"any_lane", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "true in all lanes of the warp if the condition holds in one of them";
  let description = [{ All 32 lanes come to it. }];
  let arguments = (ins I1:$condition);
  let results = (outs I1:$any);
  let assemblyFormat = "$condition attr-dict";
}
def ElectOp : GpuOp<"elect", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "true in one lane of the warp (sm_90a)";
  let results = (outs I1:$elected);
  let assemblyFormat = "attr-dict";
}

//===-- what blocks hand on ------------------------------------------------------------------------------------------===//

// Words are 32-bit elements of global memory that hold numbers without sign; f32 zeros are the number 0.
class WordOp<string m> : CheckedGpuOp<m, [MemoryEffects<[MemRead, MemWrite]>]>;
def TakeNumberOp : WordOp<"take_number"> {
  let summary = "one thread reads a word and adds 1 to it, in one step";
  let description = [{ So every taker has a number of its own. WORD1: the memref has 32-bit elements. WORD2: an index a dimension. }];
  let arguments = (ins AnyMemRef:$word, Variadic<Index>:$indices);
  let results = (outs I32:$number);
  let assemblyFormat = "$word `[` $indices `]` attr-dict `:` type($word)";
}
def AwaitWordOp : WordOp<"await_word"> {
  let summary = "one thread waits until a word is at least `value`";
  let description = [{
    What the block that published the value had written before can be read afterwards, by bulk_stores too, also by threads that pass a barrier of this block later. The publisher must be a block that runs or has run. WORD1. WORD2.
  }];
  let arguments = (ins AnyMemRef:$word, Variadic<Index>:$indices, I32:$value);
  let assemblyFormat = "$word `[` $indices `]` `,` $value attr-dict `:` type($word)";
}
def PublishWordOp : WordOp<"publish_word"> {
  let summary = "one thread sets a word, after all that it and those whose barrier it has passed have written";
  let description = [{ WORD1. WORD2. }];
  let arguments = (ins AnyMemRef:$word, Variadic<Index>:$indices, I32:$value);
  let assemblyFormat = "$word `[` $indices `]` `,` $value attr-dict `:` type($word)";
}
def GlobalQuad : VectorOfLengthAndType<[4], [F32]>;
def ReadGlobalOp : WordOp<"read_global"> {
  let summary = "read 4 consecutive elements that another block has written, from the card's cache";
  let description = [{ The address must be a multiple of 16. WORD1. WORD2. }];
  let arguments = (ins AnyMemRef:$source, Variadic<Index>:$indices);
  let results = (outs GlobalQuad:$values);
  let assemblyFormat = "$source `[` $indices `]` attr-dict `:` type($source) `->` type($values)";
}

//===-- fast mathematics -------------------------------------------------------------------------------------------===//

class ApproximationOp<string m> : GpuOp<m, [Pure, SameOperandsAndResultType]> {
  let arguments = (ins FloatOrVector:$x);
  let results = (outs FloatOrVector:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}
def Exp2Op : ApproximationOp<"exp2"> { let summary = "2^x, within 2 units in the last place (ex2.approx.ftz); 2^-inf is 0"; }
def Log2Op : ApproximationOp<"log2"> { let summary = "log2 x with an absolute error of 2^-22 (lg2.approx.ftz)"; }
def RcpOp : ApproximationOp<"rcp"> { let summary = "1 / x, within 1 unit in the last place (rcp.approx.ftz)"; }

#endif
