// Fusions on a GPU. Those that do the same to different tensors of the function's arguments share launches.
#include "passes/memory/Layout.h"
#include "passes/rows/FusionLowering.h"
#include "passes/rows/GpuKernels.h"
#include "passes/rows/TeamEmitter.h"
#include "passes/rows/TensorTable.h"

using namespace mlir;

namespace drawloom::rows {
namespace {

/// Fusions of one block that differ in the shapes of their tensors only.
class Batch {
public:
  Batch(std::vector<FusionLowering *> members, LoweringContext &context)
      : members(std::move(members)), context(context), model(*this->members.front()) {}

  LogicalResult lower() {
    plan();
    FailureOr<SymbolRefAttr> kernel =
        context.kernels.get(key, "all_" + model.kernelName(), model.getFusion().getLoc(), memrefs, 0,
                            [&](KernelBuilder &k) { return build(k); });
    if (failed(kernel)) return failure();
    FusionOp first = model.getFusion();
    OpBuilder b(first);
    LaunchOp launch = createLaunch(
        context, b,
        {first.getLoc(), results, operands, *kernel, table().items(), {}, inplace, labelOf(first), flops});
    unsigned next = 0;
    for (FusionLowering *member : members) {
      for (const ResultPlan &result : member->getResults())
        member->getFusion().getResult(result.number).replaceAllUsesWith(launch.getResult(next++));
      member->getFusion().erase();
    }
    return success();
  }

private:
  static MemRefType denseType(Type tensor) {
    auto type = cast<RankedTensorType>(tensor);
    return MemRefType::get(type.getShape(), type.getElementType());
  }

  /// Operands: each member's tensors, then what all members share; then memory of results that lie over none.
  void plan() {
    key = *model.describeWithoutShapes();
    for (FusionLowering *member : members) {
      FusionOp fusion = member->getFusion();
      llvm::SmallDenseMap<unsigned, int64_t> operandOf;
      for (unsigned argument : member->getArguments()) {
        if (!member->isRowArgument(argument)) continue;
        operandOf[argument] = operands.size();
        operands.push_back(fusion.getInputs()[argument]);
      }
      for (const ResultPlan &result : member->getResults()) {
        results.push_back(fusion.getResult(result.number).getType());
        inplace.push_back(result.how == ResultPlan::Tied ? operandOf.lookup(result.tiedArgument) : -1);
      }
      flops += 8 * member->getSpace().flatElements;
    }
    rowOperands = operands.size() / members.size();
    for (unsigned argument : model.getArguments())
      if (!model.isRowArgument(argument)) operands.push_back(model.getFusion().getInputs()[argument]);
    for (Value operand : operands) memrefs.push_back(denseType(operand.getType()));
    for (auto [type, tie] : llvm::zip_equal(results, inplace))
      if (tie < 0) memrefs.push_back(denseType(type));
    if (llvm::all_of(inplace, [](int64_t tie) { return tie < 0; })) inplace.clear();
  }

  TensorTable table(KernelBuilder *kernel = nullptr) const {
    TensorTable result{model.getSpace().flatChunk, {}};
    unsigned perMember = memrefs.size() - operands.size(); // of results
    perMember /= members.size();
    for (auto [k, member] : llvm::enumerate(members)) {
      TensorTable::Entry entry{{}, member->getSpace().flatElements};
      for (unsigned i = 0; kernel && i < rowOperands; ++i)
        entry.memrefs.push_back(asFlat(*kernel, kernel->memref(k * rowOperands + i)));
      for (unsigned i = 0; kernel && i < perMember; ++i)
        entry.memrefs.push_back(asFlat(*kernel, kernel->memref(operands.size() + k * perMember + i)));
      result.entries.push_back(std::move(entry));
    }
    return result;
  }

  LogicalResult build(KernelBuilder &kernel) {
    TensorTable tensors = table(&kernel);
    setLaunchShape(kernel.function, model.getTeamShape().threads, 1, 0);
    auto loop = scf::ForOp::create(kernel.b, kernel.loc, kernel.begin(), kernel.end(), kernel.index(1));
    OpBuilder inner = OpBuilder::atBlockBegin(loop.getBody());
    TensorTable::Chunk chunk = tensors.find(inner, kernel.loc, loop.getInductionVar());
    SmallVector<Value> places;
    unsigned nextRow = 0, nextShared = members.size() * rowOperands;
    for (unsigned argument : model.getArguments())
      places.push_back(model.isRowArgument(argument) ? chunk.memrefs[nextRow++]
                                                     : kernel.memref(nextShared++));
    KernelBuilder inside{inner, kernel.loc, kernel.function};
    RowProgram program;
    RowOps ops(inside, program, model.getSpace(), Machine::Gpu, model.getArguments(), places);
    if (failed(model.addTo(program, ops, {}, ArrayRef<Value>(chunk.memrefs).drop_front(rowOperands))))
      return failure();
    TeamEmitter(program, model.getSpace(), model.getTeamShape())
        .emitChunk(inner, kernel.loc, chunk.number, chunk.elements);
    return success();
  }

  std::vector<FusionLowering *> members;
  LoweringContext &context;
  FusionLowering &model;
  std::string key;
  SmallVector<Value> operands;
  SmallVector<Type> results;
  SmallVector<int64_t> inplace;
  SmallVector<MemRefType> memrefs;
  unsigned rowOperands = 0; // of a member
  int64_t flops = 0;
};

/// What fusions must have in common to share launches, or nothing for one that stays alone: its tensors are
/// not all arguments of the function, dense and cut alike.
std::optional<std::string> batchKey(FusionLowering &lowering) {
  FusionOp fusion = lowering.getFusion();
  if (!lowering.isFlat() || lowering.getResults().empty() || !isa<func::FuncOp>(fusion->getParentOp()))
    return std::nullopt;
  std::optional<std::string> text = lowering.describeWithoutShapes();
  if (!text) return std::nullopt;
  llvm::raw_string_ostream os(*text);
  os << " in " << fusion->getBlock();
  for (unsigned argument : lowering.getArguments()) {
    Value operand = fusion.getInputs()[argument];
    if (!lowering.isRowArgument(argument))
      os << " shared " << operand.getAsOpaquePointer();
    else if (!isa<BlockArgument>(operand))
      return std::nullopt;
  }
  for (Value result : fusion.getOutputs()) // parts of something larger are made where it is
    if (rowStride(result) != rowLength(cast<RankedTensorType>(result.getType()))) return std::nullopt;
  return text;
}

} // namespace

LogicalResult lowerFusionsOnGpu(ModuleOp module, LoweringContext &context) {
  std::vector<std::unique_ptr<FusionLowering>> lowerings;
  module.walk(
      [&](FusionOp fusion) { lowerings.push_back(std::make_unique<FusionLowering>(fusion, context)); });
  llvm::MapVector<std::string, std::vector<FusionLowering *>, std::map<std::string, unsigned>> groups;
  std::vector<FusionLowering *> alone;
  for (auto &lowering : lowerings) {
    if (failed(lowering->prepare())) return failure();
    if (auto key = batchKey(*lowering))
      groups[*key].push_back(lowering.get());
    else
      alone.push_back(lowering.get());
  }
  for (FusionLowering *lowering : alone)
    if (failed(lowering->finish())) return failure();
  for (auto &[key, group] : groups) {
    // Each result has memory of its own or lies over an operand: at most so many pointers a member.
    size_t pointers = group.front()->getArguments().size() + group.front()->getResults().size();
    size_t most = std::max<size_t>(1, kMaxParameterBytes / 8 / pointers);
    for (size_t first = 0; first < group.size(); first += most) {
      std::vector<FusionLowering *> members(group.begin() + first,
                                            group.begin() + std::min(group.size(), first + most));
      LogicalResult done = members.size() == 1 ? members[0]->finish() : Batch(members, context).lower();
      if (failed(done)) return failure();
    }
  }
  return success();
}

} // namespace drawloom::rows
