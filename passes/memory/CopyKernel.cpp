#include "passes/memory/CopyKernel.h"
#include "passes/Names.h"
#include "passes/memory/Layout.h"
#include "passes/rows/KernelLibrary.h"
#include "passes/rows/TeamEmitter.h"
#include "llvm/ADT/StringExtras.h"
#include <numeric>

using namespace mlir;

namespace drawloom {
namespace {

constexpr int64_t kItemElements = 1 << 14; // elements that one work item copies, about
constexpr int64_t kLanes = 8;

/// How many elements of a row are copied, and where rows start on either side.
struct CopyShape {
  int64_t rows, length, sourceStride, targetStride;
  Type element;

  int64_t rowsAnItem() const { return std::max<int64_t>(1, kItemElements / std::max<int64_t>(1, length)); }
  int64_t items() const { return llvm::divideCeil(rows, rowsAnItem()); }
};

CopyShape shapeOf(LaunchOp copy) {
  Value source = copy.getInputs()[0], target = copy.getOutputs()[0];
  auto type = cast<RankedTensorType>(source.getType());
  return {rowCount(type), rowLength(type), rowStride(source), rowStride(target), type.getElementType()};
}

ModuleOp kernelsModule(ModuleOp module) {
  if (auto kernels = module.lookupSymbol<ModuleOp>(kKernelsModule)) return kernels;
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  return ModuleOp::create(builder, module.getLoc(), kKernelsModule);
}

/// "copy_4x3_f32_from_3_to_9": shape, and the strides on either side; "_wide" if the target is wider than
/// what is copied.
std::string kernelName(LaunchOp copy, const CopyShape &shape) {
  std::string name = "copy_";
  llvm::raw_string_ostream os(name);
  Type source = copy.getInputs()[0].getType(), target = copy.getOutputs()[0].getType();
  llvm::interleave(cast<RankedTensorType>(source).getShape(), os, "x");
  os << "_" << shape.element << "_from_" << shape.sourceStride << "_to_" << shape.targetStride;
  if (source != target) os << "_wide";
  return name;
}

/// memref as rows of `length` elements, `stride` apart.
Value asRows(OpBuilder &b, Location loc, Value memref, const CopyShape &shape, int64_t stride) {
  auto layout = StridedLayoutAttr::get(b.getContext(), 0, {stride, 1});
  auto type = MemRefType::get({shape.rows, shape.length}, shape.element, layout);
  return memref::ReinterpretCastOp::create(b, loc, type, memref, /*offset=*/0, {shape.rows, shape.length},
                                           {stride, 1});
}

void copyRow(OpBuilder &b, Location loc, Value source, Value target, Value row, const CopyShape &shape) {
  auto constant = [&](int64_t v) { return arith::ConstantIndexOp::create(b, loc, v).getResult(); };
  int64_t whole = shape.length / kLanes * kLanes;
  auto vector = VectorType::get(kLanes, shape.element);
  scf::ForOp::create(b, loc, constant(0), constant(whole), constant(kLanes), {},
                     [&](OpBuilder &b, Location loc, Value column, ValueRange) {
                       Value chunk = vector::LoadOp::create(b, loc, vector, source, ValueRange{row, column});
                       vector::StoreOp::create(b, loc, chunk, target, ValueRange{row, column});
                       scf::YieldOp::create(b, loc);
                     });
  for (int64_t column = whole; column < shape.length; ++column) {
    Value at = constant(column);
    Value one = memref::LoadOp::create(b, loc, source, ValueRange{row, at});
    memref::StoreOp::create(b, loc, one, target, ValueRange{row, at});
  }
}

/// A function for the copy, without a body.
func::FuncOp makeFunction(ModuleOp kernels, StringRef name, LaunchOp copy) {
  OpBuilder b = OpBuilder::atBlockEnd(kernels.getBody());
  Type index = b.getIndexType();
  auto type = b.getFunctionType(
      {kernelMemRefType(copy.getInputs()[0]), kernelMemRefType(copy.getOutputs()[0]), index, index}, {});
  auto func = func::FuncOp::create(b, copy.getLoc(), name, type);
  func.addEntryBlock();
  return func;
}

void buildOnCpu(func::FuncOp func, const CopyShape &shape) {
  Block *body = &func.getBody().front();
  OpBuilder b = OpBuilder::atBlockEnd(body);
  Location loc = func.getLoc();
  Value source = asRows(b, loc, body->getArgument(0), shape, shape.sourceStride);
  Value target = asRows(b, loc, body->getArgument(1), shape, shape.targetStride);
  auto constant = [&](int64_t v) { return arith::ConstantIndexOp::create(b, loc, v).getResult(); };
  Value perItem = constant(shape.rowsAnItem());
  Value first = arith::MulIOp::create(b, loc, body->getArgument(2), perItem);
  Value end = arith::MulIOp::create(b, loc, body->getArgument(3), perItem);
  end = arith::MinSIOp::create(b, loc, end, constant(shape.rows));
  scf::ForOp::create(b, loc, first, end, constant(1), {},
                     [&](OpBuilder &b, Location loc, Value row, ValueRange) {
                       copyRow(b, loc, source, target, row, shape);
                       scf::YieldOp::create(b, loc);
                     });
  func::ReturnOp::create(b, loc);
}

/// How threads share a copy: by rows, or by chunks if both sides are dense.
struct GpuCopy {
  rows::RowSpace space;
  rows::TeamShape teams;
};

GpuCopy planOnGpu(LaunchOp copy, const CopyShape &shape) {
  GpuCopy plan;
  int64_t lanes = 128 / shape.element.getIntOrFloatBitWidth(); // 16 bytes, if both sides are aligned so
  for (int64_t length : {shape.length, shape.sourceStride, shape.targetStride, rowOffset(copy.getInputs()[0]),
                         rowOffset(copy.getOutputs()[0])})
    lanes = std::gcd(lanes, length);
  if (shape.sourceStride != shape.length || shape.targetStride != shape.length) {
    plan.teams = rows::teamShapeOf(shape.length, lanes);
    plan.space.rows = shape.rows;
    return plan;
  }
  plan.teams.lanes = lanes;
  plan.teams.team = plan.teams.threads;
  plan.space.flatChunk = 4 * plan.teams.threads * lanes;
  plan.space.flatElements = shape.rows * shape.length;
  plan.space.rows = rows::ceilDiv(plan.space.flatElements, plan.space.flatChunk);
  return plan;
}

void buildOnGpu(func::FuncOp func, const CopyShape &shape, const GpuCopy &plan) {
  OpBuilder b = OpBuilder::atBlockEnd(&func.getBody().front());
  rows::KernelBuilder kernel{b, func.getLoc(), func};
  bool isFlat = plan.space.isFlat();
  auto access = [&](unsigned number, int64_t stride) -> rows::Access {
    Value memref = kernel.memref(number);
    if (isFlat) return {rows::asFlat(kernel, memref), rows::Access::Kind::Flat};
    return {asRows(b, kernel.loc, memref, shape, stride), rows::Access::Kind::OwnRow};
  };
  rows::RowProgram program;
  rows::Node *source =
      program.load(access(0, shape.sourceStride), isFlat ? plan.space.flatChunk : shape.length);
  program.store(source, access(1, shape.targetStride));
  rows::TeamEmitter emitter(program, plan.space, plan.teams);
  emitter.emit(b, kernel.loc, kernel.begin(), kernel.end());
  func::ReturnOp::create(b, kernel.loc);
  rows::setLaunchShape(func, plan.teams.threads, emitter.itemsPerBlock(), 0);
  rows::tidy(func);
}

LaunchOp makeLaunch(OpBuilder &builder, Value source, Type type) {
  auto kernel = SymbolRefAttr::get(builder.getStringAttr(kKernelsModule),
                                   {FlatSymbolRefAttr::get(builder.getContext(), "copy")});
  return LaunchOp::create(builder, source.getLoc(), TypeRange{type}, ValueRange{source}, kernel, /*grid=*/0,
                          /*scalars=*/ArrayRef<int64_t>{}, /*inplace=*/ArrayRef<int64_t>{}, "copy");
}

} // namespace

Value insertCopy(OpBuilder &builder, Value source) {
  return makeLaunch(builder, source, source.getType()).getOutputs()[0];
}

Value insertCopy(OpBuilder &builder, Value source, int64_t stride) {
  auto type = cast<RankedTensorType>(source.getType());
  int64_t length = rowLength(type);
  if (stride == length) return insertCopy(builder, source);
  auto resized = [&](int64_t columns) {
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = columns;
    return RankedTensorType::get(shape, type.getElementType());
  };
  Value wide = makeLaunch(builder, source, resized(stride)).getOutputs()[0];
  auto split = SplitOp::create(builder, source.getLoc(), TypeRange{type, resized(stride - length)}, wide);
  return split.getParts()[0];
}

void finishCopy(ModuleOp module, LaunchOp copy, bool onGpu) {
  CopyShape shape = shapeOf(copy);
  GpuCopy plan = planOnGpu(copy, shape);
  ModuleOp kernels = kernelsModule(module);
  std::string name = kernelName(copy, shape);
  if (onGpu) name += "_by_" + std::to_string(plan.teams.lanes); // of equal strides parts may begin elsewhere
  if (!kernels.lookupSymbol(name)) {
    func::FuncOp func = makeFunction(kernels, name, copy);
    if (onGpu)
      buildOnGpu(func, shape, plan);
    else
      buildOnCpu(func, shape);
  }
  Builder b(module.getContext());
  copy.setKernelAttr(
      SymbolRefAttr::get(b.getStringAttr(kKernelsModule), {FlatSymbolRefAttr::get(b.getContext(), name)}));
  copy.setGrid(onGpu ? plan.space.items() : shape.items());
  int64_t bytes = shape.element.getIntOrFloatBitWidth() / 8;
  copy.setBytes(2 * shape.rows * shape.length * bytes);
}

} // namespace drawloom
