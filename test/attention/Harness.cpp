#include "test/attention/Harness.h"
#include "passes/Passes.h"
#include "passes/memory/Layout.h"
#include "codegen/LowerToLLVM.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassRegistry.h"
#include <cstring>
#include <gtest/gtest.h>
#include <ctime>
#include <sys/mman.h>

using namespace mlir;

namespace drawloom::test {
namespace {

constexpr unsigned char kZoneByte = 0xA5;

int64_t elementBytes(Type type) { return cast<RankedTensorType>(type).getElementTypeBitWidth() / 8; }

/// Processor time of this thread: what other programs take does not count.
double threadSeconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

} // namespace

Buffer::Buffer(size_t bytes) : size(bytes) {
  size_t total = (2 * kRedZone + bytes + 63) / 64 * 64;
  memory.reset(static_cast<std::byte *>(std::aligned_alloc(64, total)));
  std::memset(memory.get(), kZoneByte, total);
  std::memset(data(), 0xFF, bytes); // a NaN in every float format
}

bool Buffer::isIntact() const {
  auto isZone = [&](const std::byte *p) { return std::all_of(p, p + kRedZone, [](std::byte x) { return x == std::byte(kZoneByte); }); };
  return isZone(memory.get()) && isZone(memory.get() + kRedZone + size);
}

std::vector<float> randomVector(size_t size, std::mt19937 &generator, float range) {
  std::normal_distribution<float> normal(0.0f, range);
  std::vector<float> result(size);
  for (float &x : result)
    x = normal(generator);
  return result;
}

std::unique_ptr<Compiled> Compiled::make(const std::string &text, const Options &options) {
  registerAllPasses();
  std::unique_ptr<Compiled> result(new Compiled);
  DialectRegistry registry;
  registerAllDialects(registry);
  registerLoweringDialects(registry);
  result->context.appendDialectRegistry(registry);
  result->context.loadAllAvailableDialects();
  result->module = parseSourceString<ModuleOp>(text, &result->context);
  if (!result->module) {
    ADD_FAILURE() << "cannot parse " << text;
    return nullptr;
  }
  PassManager pm(&result->context, ModuleOp::getOperationName());
  std::string tiles = options.tiles.empty() ? "drawloom-vectorize-tiles{" + options.vectors + "}" : options.tiles;
  std::string pipeline =
      "drawloom-split-pieces,drawloom-lower-attention{" + options.lowering + "},drawloom-split-edge-tiles," + tiles;
  if (failed(parsePassPipeline(pipeline, pm)) || failed(pm.run(*result->module))) {
    ADD_FAILURE() << "cannot lower";
    return nullptr;
  }
  auto nested = result->module->lookupSymbol<ModuleOp>("kernels");
  if (!nested)
    return result; // nothing to attend to
  StageTimer timer;
  if (getenv("DRAWLOOM_TIMES"))
    timer = [](const std::string &stage, double ms) { fprintf(stderr, "%s: %.0f ms\n", stage.c_str(), ms); };
  auto compiled = compileKernels(nested, Target::byName(options.target), options.optLevel, 1, options.verifyEach, timer);
  if (failed(compiled)) {
    ADD_FAILURE() << "cannot compile kernels";
    return nullptr;
  }
  result->imageBytes = compiled->image.size();
  result->image = mmap(nullptr, result->imageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::memcpy(result->image, compiled->image.data(), result->imageBytes);
  mprotect(result->image, result->imageBytes, PROT_READ | PROT_EXEC);
  for (const CompiledKernel &kernel : compiled->kernels)
    result->kernels[kernel.name] = reinterpret_cast<abi::KernelFn>(static_cast<char *>(result->image) + kernel.entry);
  if (const char *path = getenv("DRAWLOOM_DUMP_IMAGE")) { // for disassemblers and profilers
    FILE *file = fopen(path, "wb");
    fwrite(compiled->image.data(), 1, compiled->image.size(), file);
    fclose(file);
    for (const CompiledKernel &kernel : compiled->kernels)
      fprintf(stderr, "%s at %p, offset 0x%lx\n", kernel.name.c_str(), reinterpret_cast<void *>(result->kernels[kernel.name]), kernel.entry);
  }
  return result;
}

Compiled::~Compiled() {
  if (image)
    munmap(image, imageBytes);
}

/// Where a value lies.
struct Compiled::Place {
  std::shared_ptr<Buffer> buffer;
  int64_t offset = 0, rowStride = 0; // in elements
};

struct Compiled::Execution {
  llvm::DenseMap<Value, Place> places;
  std::vector<std::shared_ptr<Buffer>> buffers;

  Place make(RankedTensorType type) {
    buffers.push_back(std::make_shared<Buffer>(type.getNumElements() * elementBytes(type)));
    return {buffers.back(), 0, rowLength(type)};
  }

  void *address(Value v) {
    Place &place = places[v];
    return static_cast<std::byte *>(place.buffer->data()) + place.offset * elementBytes(v.getType());
  }

  /// Parts of a tensor lie in it.
  void placeParts(Value whole, ValueRange parts) {
    int64_t offset = 0;
    for (Value part : parts) {
      places[part] = {places[whole].buffer, places[whole].offset + offset, places[whole].rowStride};
      offset += rowLength(cast<RankedTensorType>(part.getType()));
    }
  }

  void fill(FillOp op) {
    Value result = op.getResult();
    place(result);
    auto type = cast<RankedTensorType>(result.getType());
    float *base = static_cast<float *>(address(result));
    for (int64_t r = 0; r < rowCount(type); ++r)
      std::fill_n(base + r * places[result].rowStride, rowLength(type), op.getValue().convertToDouble());
  }

  void place(Value v) {
    if (!places.count(v))
      places[v] = make(cast<RankedTensorType>(v.getType()));
  }
};

std::vector<std::vector<float>> Compiled::run(const std::vector<std::vector<float>> &arguments, int parts) {
  std::vector<std::vector<std::byte>> bytes;
  for (const auto &a : arguments) {
    auto *p = reinterpret_cast<const std::byte *>(a.data());
    bytes.emplace_back(p, p + a.size() * sizeof(float));
  }
  return runBytes(bytes, parts);
}

std::vector<std::vector<float>> Compiled::runBytes(const std::vector<std::vector<std::byte>> &arguments, int parts) {
  auto function = module->lookupSymbol<func::FuncOp>("main");
  Execution execution;
  for (auto [value, bytes] : llvm::zip_equal(function.getArguments(), arguments)) {
    execution.place(value);
    Buffer &buffer = *execution.places[value].buffer;
    EXPECT_EQ(bytes.size(), buffer.bytes());
    std::memcpy(buffer.data(), bytes.data(), std::min(bytes.size(), buffer.bytes()));
  }
  // What becomes part of a joined tensor is written there, and so are the values before it in a chain.
  function.walk([&](ConcatOp op) {
    execution.place(op.getOut());
    execution.placeParts(op.getOut(), op.getParts());
    for (Value part : op.getParts()) {
      Place place = execution.places[part];
      for (auto result = dyn_cast<OpResult>(part); result;) {
        OpOperand *before = tiedOperand(result);
        if (!before)
          break;
        execution.places[before->get()] = place;
        result = dyn_cast<OpResult>(before->get());
      }
    }
  });
  std::vector<std::vector<float>> results;
  for (Operation &op : function.getBody().front()) {
    if (auto split = dyn_cast<SplitOp>(op)) {
      execution.placeParts(split.getX(), split.getParts());
    } else if (auto fill = dyn_cast<FillOp>(op)) {
      execution.fill(fill);
    } else if (auto launch = dyn_cast<LaunchOp>(op)) {
      std::vector<void *> places;
      for (Value v : launch.getInputs())
        places.push_back(execution.address(v));
      for (OpResult result : launch->getResults()) {
        if (OpOperand *tied = tiedOperand(result)) {
          execution.places[result] = execution.places[tied->get()];
          continue;
        }
        execution.place(result);
        places.push_back(execution.address(result));
      }
      abi::KernelFn kernel = kernels.at(launch.getKernel().getLeafReference().str());
      int64_t grid = launch.getGrid();
      for (int part = parts - 1; part >= 0; --part)
        kernel(places.data(), nullptr, grid * part / parts, grid * (part + 1) / parts);
    } else if (isa<func::ReturnOp>(op)) {
      for (Value v : op.getOperands()) {
        auto type = cast<RankedTensorType>(v.getType());
        std::vector<float> values;
        const float *base = static_cast<const float *>(execution.address(v));
        for (int64_t r = 0; r < rowCount(type); ++r)
          values.insert(values.end(), base + r * execution.places[v].rowStride,
                        base + r * execution.places[v].rowStride + rowLength(type));
        results.push_back(std::move(values));
      }
    } else if (!isa<ConcatOp>(op)) {
      ADD_FAILURE() << "cannot run " << op.getName().getStringRef().str();
    }
  }
  for (const auto &buffer : execution.buffers)
    EXPECT_TRUE(buffer->isIntact()) << "a kernel wrote outside its buffers";
  return results;
}

std::vector<Compiled::Timing> Compiled::time(int repetitions) {
  auto function = module->lookupSymbol<func::FuncOp>("main");
  Execution execution;
  std::mt19937 generator(1);
  for (Value value : function.getArguments()) {
    execution.place(value);
    auto data = randomVector(execution.places[value].buffer->bytes() / 4, generator);
    std::memcpy(execution.places[value].buffer->data(), data.data(), data.size() * 4);
  }
  std::vector<Timing> timings;
  for (Operation &op : function.getBody().front()) {
    if (auto split = dyn_cast<SplitOp>(op))
      execution.placeParts(split.getX(), split.getParts());
    if (auto fill = dyn_cast<FillOp>(op))
      execution.fill(fill);
    auto launch = dyn_cast<LaunchOp>(op);
    if (!launch)
      continue;
    std::vector<void *> places;
    for (Value v : launch.getInputs())
      places.push_back(execution.address(v));
    for (OpResult result : launch->getResults()) {
      if (OpOperand *tied = tiedOperand(result)) {
        execution.places[result] = execution.places[tied->get()];
        continue;
      }
      execution.place(result);
      places.push_back(execution.address(result));
    }
    abi::KernelFn kernel = kernels.at(launch.getKernel().getLeafReference().str());
    double best = 1e30;
    for (int i = 0; i < repetitions; ++i) {
      double start = threadSeconds();
      kernel(places.data(), nullptr, 0, launch.getGrid());
      best = std::min(best, threadSeconds() - start);
    }
    timings.push_back({launch.getLabel().str() + " " + launch.getKernel().getLeafReference().str(), int64_t(launch.getFlops()),
                       int64_t(launch.getGrid()), best});
  }
  return timings;
}

int64_t Compiled::launches() {
  int64_t count = 0;
  module->lookupSymbol<func::FuncOp>("main").walk([&](LaunchOp) { ++count; });
  return count;
}

} // namespace drawloom::test
