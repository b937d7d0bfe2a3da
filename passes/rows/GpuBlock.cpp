#include "passes/rows/GpuBlock.h"
#include "dialect/gpu/Gpu.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace drawloom::rows {

Value GpuBlock::thread() { return gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x); }

void GpuBlock::barrier() { gpu::BarrierOp::create(b, loc); }

Value GpuBlock::shuffleXor(Value value, int64_t offset) {
  return gpu::ShuffleOp::create(b, loc, value, int32_t(offset), int32_t(kWarp), gpu::ShuffleMode::XOR)
      .getShuffleResult();
}

Value GpuBlock::ballot(Value condition) {
  Value all = arith::ConstantIntOp::create(b, loc, -1, 32);
  return LLVM::CallIntrinsicOp::create(b, loc, b.getI32Type(), b.getStringAttr("llvm.nvvm.vote.ballot.sync"),
                                       ValueRange{all, condition})
      .getResult(0);
}

Value GpuBlock::shared(ArrayRef<int64_t> shape, Type element, int64_t offset) {
  auto space = gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
  auto bytes = MemRefType::get({ShapedType::kDynamic}, b.getI8Type(), MemRefLayoutAttrInterface(), space);
  auto type = MemRefType::get(shape, element, MemRefLayoutAttrInterface(), space);
  Value memory = gpu::DynamicSharedMemoryOp::create(b, loc, bytes);
  return memref::ViewOp::create(b, loc, type, memory, index(offset), ValueRange());
}

Value GpuBlock::less(Value x, Value y) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, x, y);
}

Value GpuBlock::isZero(Value x) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, index(0));
}

void GpuBlock::when(Value condition, function_ref<void(GpuBlock)> then) {
  if (!condition) return then(*this);
  auto branch = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false);
  OpBuilder inside = OpBuilder::atBlockBegin(branch.thenBlock());
  then(GpuBlock{inside, loc});
}

void addAcrossTeams(GpuBlock block, ValueRange vectors, int64_t teams, int64_t columns, Value team,
                    Value ownColumn, function_ref<void(GpuBlock, unsigned, Value, Value)> write) {
  Value memory = block.shared({teams, columns}, block.b.getF32Type()), thread = block.thread();
  Value hasColumn = block.less(thread, block.index(columns));
  for (auto [k, vector] : llvm::enumerate(vectors)) {
    block.barrier(); // nobody reads the memory any more
    vector::StoreOp::create(block.b, block.loc, vector, memory, ValueRange{team, ownColumn});
    block.barrier();
    block.when(hasColumn, [&](GpuBlock then) {
      auto of = [&](OpBuilder &b, Value number) -> Value {
        return memref::LoadOp::create(b, then.loc, memory, ValueRange{number, thread});
      };
      auto sum = scf::ForOp::create(then.b, then.loc, then.index(1), then.index(teams), then.index(1),
                                    of(then.b, then.index(0)));
      OpBuilder inner = OpBuilder::atBlockBegin(sum.getBody());
      Value next =
          arith::AddFOp::create(inner, then.loc, sum.getRegionIterArg(0), of(inner, sum.getInductionVar()));
      scf::YieldOp::create(inner, then.loc, next);
      Value total = sum.getResult(0);
      write(then, k, thread, total);
    });
  }
}

void setLaunchShape(func::FuncOp kernel, int64_t threads, int64_t items, int64_t sharedBytes,
                    int64_t minBlocks) {
  Builder b(kernel.getContext());
  kernel->setAttr(kThreadsAttr, b.getI64IntegerAttr(threads));
  if (items > 1) kernel->setAttr(kItemsAttr, b.getI64IntegerAttr(items));
  if (sharedBytes) kernel->setAttr(kSharedAttr, b.getI64IntegerAttr(sharedBytes));
  if (minBlocks) kernel->setAttr(kMinBlocksAttr, b.getI64IntegerAttr(minBlocks));
}

} // namespace drawloom::rows
