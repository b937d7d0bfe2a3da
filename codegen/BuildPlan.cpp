#include "codegen/Artifact.h"
#include "passes/Names.h"
#include "passes/memory/Layout.h"
#include "passes/memory/Places.h"
#include "runtime/abi/Abi.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace drawloom {
namespace {

uint64_t elementBytes(plan::DType type) { return type == plan::DType::F32 ? 4 : 2; } // of a product's

plan::DType dtypeOf(StringRef name) {
  return llvm::StringSwitch<plan::DType>(name)
      .Case("f32", plan::DType::F32)
      .Case("f64", plan::DType::F64)
      .Case("i32", plan::DType::I32)
      .Case("i64", plan::DType::I64)
      .Case("u8", plan::DType::U8)
      .Case("bf16", plan::DType::BF16)
      .Case("f16", plan::DType::F16);
}

plan::Arena arenaOf(StringRef name) {
  return llvm::StringSwitch<plan::Arena>(name)
      .Case("parameters", plan::Arena::Parameters)
      .Case("gradients", plan::Arena::Gradients)
      .Case("optimizer", plan::Arena::Optimizer)
      .Case("state", plan::Arena::State)
      .Case("io", plan::Arena::Io)
      .Case("activations", plan::Arena::Activations)
      .Case("constants", plan::Arena::Constants);
}

std::unique_ptr<plan::BufferT> bufferOf(const BufferEntry &entry, plan::Arena arena) {
  auto buffer = std::make_unique<plan::BufferT>();
  buffer->name = entry.name.str();
  buffer->dtype = dtypeOf(entry.dtype);
  buffer->shape.assign(entry.shape.begin(), entry.shape.end());
  buffer->arena = arena;
  buffer->offset = entry.offset;
  buffer->bytes = entry.bytes;
  buffer->first = entry.first;
  buffer->last = entry.last;
  return buffer;
}

class PlanBuilder {
public:
  PlanBuilder(ModuleOp module, const CompiledKernels &kernels, const Target &target)
      : module(module), kernels(kernels), target(target) {}

  FailureOr<plan::PlanT> run() {
    addHeader();
    addBuffers();
    addKernels();
    addParameters();
    for (auto function : module.getOps<func::FuncOp>())
      if (failed(addFunction(function))) return failure();
    uint64_t activations = 0;
    for (auto &function : plan.functions) activations = std::max(activations, function->activation_bytes);
    plan.arena_bytes[size_t(plan::Arena::Activations)] = activations;
    return std::move(plan);
  }

private:
  void addHeader();
  void addBuffers();
  void addKernels();
  void addParameters();
  LogicalResult addFunction(func::FuncOp function);
  FailureOr<plan::Place> place(Operation *user, Value value);
  LogicalResult setAction(LaunchOp launch, plan::CommandT &command);
  LogicalResult setAction(MatmulOp matmul, plan::CommandT &command);
  FailureOr<plan::DType> factorType(MatmulOp matmul, Value value);
  uint32_t bufferNamed(const std::string &name) const {
    auto it = bufferIndex.find(name);
    return it == bufferIndex.end() ? abi::kNoBuffer : it->second;
  }

  ModuleOp module;
  const CompiledKernels &kernels;
  const Target &target;
  plan::PlanT plan;
  std::map<std::string, uint32_t> bufferIndex;
  std::map<std::string, uint32_t, std::less<>> kernelIndex;
};

void PlanBuilder::addHeader() {
  auto text = [&](StringRef name, StringRef fallback) {
    auto value = module->getAttrOfType<StringAttr>(name);
    return (value ? value.getValue() : fallback).str();
  };
  plan.abi_version = abi::kAbiVersion;
  plan.compiler = "drawloom " DRAWLOOM_VERSION;
  plan.target = target.inPlan();
  plan.cpu_features = target.features;
  plan.spec = text(kSpecAttr, "{}");
  plan.spec_source = text(kSpecSourceAttr, "");
}

void PlanBuilder::addBuffers() {
  for (const BufferEntry &entry : persistentBuffersOf(module)) {
    bufferIndex[entry.name.str()] = plan.buffers.size();
    plan.buffers.push_back(bufferOf(entry, arenaOf(entry.arena)));
  }
  plan.arena_bytes.assign(size_t(plan::Arena::MAX) + 1, 0);
  if (auto arenas = module->getAttrOfType<DictionaryAttr>(kArenaBytesAttr))
    for (NamedAttribute arena : arenas)
      plan.arena_bytes[size_t(arenaOf(arena.getName()))] = cast<IntegerAttr>(arena.getValue()).getInt();
}

void PlanBuilder::addKernels() {
  plan.modules = kernels.modules;
  for (const CompiledKernel &compiled : kernels.kernels) {
    kernelIndex[compiled.name] = plan.kernels.size();
    auto kernel = std::make_unique<plan::KernelT>();
    kernel->name = compiled.name;
    kernel->entry = compiled.entry;
    kernel->places = compiled.places;
    kernel->scalars = compiled.scalars;
    kernel->threads = compiled.threads;
    kernel->items = compiled.items;
    kernel->shared_bytes = compiled.sharedBytes;
    kernel->code_module = compiled.module;
    for (const plan::TensorMapT &map : compiled.tensorMaps)
      kernel->tensor_maps.push_back(std::make_unique<plan::TensorMapT>(map));
    plan.kernels.push_back(std::move(kernel));
  }
}

/// What functions say about a parameter's initial value: "zeros", "ones" or a standard deviation. Zeros if
/// none does.
void setInit(plan::ParameterT &parameter, Attribute init) {
  if (auto stddev = dyn_cast_or_null<FloatAttr>(init)) {
    parameter.init = plan::Init::Normal;
    parameter.stddev = stddev.getValueAsDouble();
  } else if (auto name = dyn_cast_or_null<StringAttr>(init); name && name.getValue() == "ones") {
    parameter.init = plan::Init::Ones;
  }
}

void PlanBuilder::addParameters() {
  std::map<std::string, plan::ParameterT *> known;
  for (uint32_t i = 0; i < plan.buffers.size(); ++i) {
    if (plan.buffers[i]->arena != plan::Arena::Parameters) continue;
    auto parameter = std::make_unique<plan::ParameterT>();
    const std::string &name = parameter->name = plan.buffers[i]->name;
    parameter->value = i;
    parameter->gradient = bufferNamed(name + ".grad");
    parameter->moment1 = bufferNamed(name + ".m");
    parameter->moment2 = bufferNamed(name + ".v");
    parameter->ema = bufferNamed(name + ".ema");
    known[name] = parameter.get();
    plan.parameters.push_back(std::move(parameter));
  }
  for (auto function : module.getOps<func::FuncOp>())
    for (unsigned k = 0; k < function.getNumArguments(); ++k) {
      auto name = function.getArgAttrOfType<StringAttr>(k, kNameAttr);
      auto it = name ? known.find(name.getValue().str()) : known.end();
      if (it == known.end()) continue;
      if (Attribute init = function.getArgAttr(k, kInitAttr)) setInit(*it->second, init);
      if (function.getArgAttr(k, kDecayAttr)) it->second->decay = true;
    }
}

FailureOr<plan::Place> PlanBuilder::place(Operation *user, Value value) {
  std::optional<Place> found = placeOf(value);
  if (!found) return user->emitOpError("internal error: a value has no place in memory");
  return plan::Place(uint32_t(found->buffer), 0, uint64_t(found->offset));
}

LogicalResult PlanBuilder::setAction(LaunchOp launch, plan::CommandT &command) {
  auto kernel = kernelIndex.find(launch.getKernel().getLeafReference().getValue());
  if (kernel == kernelIndex.end())
    return launch.emitOpError() << "internal error: its kernel was not compiled";
  plan::LaunchT action;
  action.kernel = kernel->second;
  action.grid = launch.getGrid();
  SmallVector<Value> memrefs(launch.getInputs());
  for (OpResult result : launch->getResults())
    if (!tiedOperand(result)) memrefs.push_back(result);
  for (OpResult result : launch->getResults())
    if (OpOperand *operand = tiedOperand(result); operand && placeOf(operand->get()) != placeOf(result))
      return launch.emitOpError() << "internal error: result " << result.getResultNumber()
                                  << " does not lie over its operand";
  for (Value value : memrefs) {
    auto where = place(launch, value);
    if (failed(where)) return failure();
    action.places.push_back(*where);
  }
  action.scalars.assign(launch.getScalars().begin(), launch.getScalars().end());
  command.action.Set(std::move(action));
  command.label = launch.getLabel().str();
  command.flops = launch.getFlops();
  command.bytes = launch.getBytes();
  return success();
}

/// The type of a product's elements; an error if the target has no products of it. That the types of one
/// product go together has been verified.
FailureOr<plan::DType> PlanBuilder::factorType(MatmulOp matmul, Value value) {
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  if (element.isF32()) return plan::DType::F32;
  if (!target.isGpu()) return matmul.emitOpError() << "compiled products are in f32, got " << value.getType();
  if (element.isBF16()) return plan::DType::BF16;
  if (element.isF16()) return plan::DType::F16;
  return matmul.emitOpError() << "compiled products are in f32, bf16 or f16, got " << value.getType();
}

LogicalResult PlanBuilder::setAction(MatmulOp matmul, plan::CommandT &command) {
  auto type = [](Value value) { return cast<RankedTensorType>(value.getType()); };
  int64_t aRows = rowCount(type(matmul.getA())), aColumns = rowLength(type(matmul.getA()));
  plan::GemmT action;
  for (auto [value, into] : {std::pair(matmul.getA(), &action.a_type),
                             {matmul.getB(), &action.b_type},
                             {matmul.getOut(), &action.c_type}}) {
    auto of = factorType(matmul, value);
    if (failed(of)) return failure();
    *into = *of;
  }
  action.trans_a = matmul.getTransposeA();
  action.trans_b = matmul.getTransposeB();
  action.m = action.trans_a ? aColumns : aRows;
  action.k = action.trans_a ? aRows : aColumns;
  action.n = action.trans_b ? rowCount(type(matmul.getB())) : rowLength(type(matmul.getB()));
  action.alpha = 1;
  action.beta = matmul.getInit() ? 1 : 0;
  auto a = place(matmul, matmul.getA()), b = place(matmul, matmul.getB()), c = place(matmul, matmul.getOut());
  if (failed(a) || failed(b) || failed(c)) return failure();
  if (matmul.getInit() && placeOf(matmul.getInit()) != placeOf(matmul.getOut()))
    return matmul.emitOpError("internal error: the result does not lie over init");
  action.a = std::make_unique<plan::Place>(*a);
  action.b = std::make_unique<plan::Place>(*b);
  action.c = std::make_unique<plan::Place>(*c);
  if (Value bias = matmul.getBias()) {
    if (!target.isGpu())
      return matmul.emitOpError("a product with a bias is for GPUs; leave out drawloom-fuse-epilogues");
    auto at = place(matmul, bias);
    if (failed(at)) return failure();
    action.bias = std::make_unique<plan::Place>(*at);
  }
  action.lda = rowStride(matmul.getA());
  action.ldb = rowStride(matmul.getB());
  action.ldc = rowStride(matmul.getOut());
  auto label = matmul->getAttrOfType<StringAttr>(kLabelAttr);
  command.label = label ? label.getValue().str() : "matmul";
  command.flops = 2 * action.m * action.n * action.k;
  command.bytes = elementBytes(action.a_type) * action.m * action.k +
                  elementBytes(action.b_type) * action.k * action.n +
                  elementBytes(action.c_type) * action.m * action.n * (matmul.getInit() ? 2 : 1);
  command.action.Set(std::move(action));
  return success();
}

LogicalResult PlanBuilder::addFunction(func::FuncOp function) {
  auto result = std::make_unique<plan::FunctionT>();
  result->name = function.getName().str();
  for (const BufferEntry &entry : localsOf(function))
    result->locals.push_back(bufferOf(entry, plan::Arena::Activations));
  if (auto bytes = function->getAttrOfType<IntegerAttr>(kActivationBytesAttr))
    result->activation_bytes = bytes.getInt();
  for (Operation *op : commandsOf(function)) {
    auto command = std::make_unique<plan::CommandT>();
    LogicalResult done =
        TypeSwitch<Operation *, LogicalResult>(op)
            .Case<LaunchOp, MatmulOp>([&](auto o) { return setAction(o, *command); })
            .Default([](Operation *o) { return o->emitOpError("internal error: is no command"); });
    if (failed(done)) return failure();
    result->commands.push_back(std::move(command));
  }
  plan.functions.push_back(std::move(result));
  return success();
}

} // namespace

FailureOr<plan::PlanT> buildPlan(ModuleOp module, const CompiledKernels &kernels, const Target &target) {
  return PlanBuilder(module, kernels, target).run();
}

} // namespace drawloom
