#include "test/runtime/TestArtifact.h"
#include "runtime/abi/Abi.h"
#include "runtime/artifact/Verify.h"
#include "runtime/support/Error.h"
#include "runtime/support/Hash.h"
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <initializer_list>

namespace drawloom::test {

// counts[i] += scalar for i in [begin, end): the elements of place 0 are i64, the scalar is scalar 0.
//   mov rdi,[rdi]; mov rsi,[rsi]; 1: cmp rdx,rcx; jge 2f; add [rdi+rdx*8],rsi; inc rdx; jmp 1b; 2: ret
static constexpr unsigned char kAddKernel[] = {0x48, 0x8b, 0x3f, 0x48, 0x8b, 0x36, 0x48,
                                               0x39, 0xca, 0x7d, 0x09, 0x48, 0x01, 0x34,
                                               0xd7, 0x48, 0xff, 0xc2, 0xeb, 0xf2, 0xc3};

static std::unique_ptr<plan::BufferT> buffer(std::string name, plan::DType dtype, std::vector<uint64_t> shape,
                                             plan::Arena arena, uint64_t offset, uint32_t first = 0,
                                             uint32_t last = 0) {
  auto b = std::make_unique<plan::BufferT>();
  b->name = std::move(name);
  b->dtype = dtype;
  b->bytes = elementBytes(dtype);
  for (uint64_t extent : shape) b->bytes *= extent;
  b->shape = std::move(shape);
  b->arena = arena;
  b->offset = offset;
  b->first = first;
  b->last = last;
  return b;
}

template <class Action> static std::unique_ptr<plan::CommandT> command(Action action, std::string label) {
  auto c = std::make_unique<plan::CommandT>();
  c->action.Set(std::move(action));
  c->label = std::move(label);
  c->flops = 1000;
  c->bytes = 100;
  return c;
}

/// c (5 x 4) = alpha * a (5 x 8) w^T + beta * c.
static plan::GemmT gemm(uint32_t a, uint32_t c, float alpha, float beta) {
  plan::GemmT g;
  g.trans_b = true;
  g.m = 5, g.n = 4, g.k = 8;
  g.alpha = alpha, g.beta = beta;
  g.a = std::make_unique<plan::Place>(a, 0, 0), g.lda = 8;
  g.b = std::make_unique<plan::Place>(kW, 0, 0), g.ldb = 8;
  g.c = std::make_unique<plan::Place>(c, 0, 0), g.ldc = 4;
  return g;
}

static plan::ZeroT zero(uint32_t buffer, uint64_t bytes) {
  plan::ZeroT z;
  z.place = std::make_unique<plan::Place>(buffer, 0, 0);
  z.bytes = bytes;
  return z;
}

static std::unique_ptr<plan::ParameterT> parameter(std::string name, uint32_t value) {
  auto p = std::make_unique<plan::ParameterT>();
  p->name = std::move(name);
  p->value = value, p->gradient = value + 1, p->moment1 = value + 2, p->moment2 = value + 3,
  p->ema = value + 4;
  p->init = plan::Init::Normal;
  p->stddev = 0.125;
  return p;
}

static void addBuffers(plan::PlanT &p) {
  using plan::Arena, plan::DType;
  auto parameter = [&](const std::string &name, std::vector<uint64_t> shape, uint64_t offset) {
    p.buffers.push_back(buffer(name, DType::F32, shape, Arena::Parameters, offset));
    p.buffers.push_back(buffer(name + ".grad", DType::F32, shape, Arena::Gradients, offset));
    p.buffers.push_back(buffer(name + ".m", DType::F32, shape, Arena::Optimizer, offset));
    p.buffers.push_back(buffer(name + ".v", DType::F32, shape, Arena::Optimizer, 256 + offset));
    p.buffers.push_back(buffer(name + ".ema", DType::F32, shape, Arena::Optimizer, 512 + offset));
  };
  parameter("w", {4, 8}, 0);
  parameter("b", {4}, 128);
  p.buffers.push_back(buffer("x", DType::F32, {5, 8}, Arena::Io, 0));
  p.buffers.push_back(buffer("y", DType::F32, {5, 4}, Arena::Io, 192));
  p.buffers.push_back(buffer("counts", DType::I64, {1000}, Arena::Io, 320));
  p.buffers.push_back(buffer("table", DType::I64, {4}, Arena::Constants, 0));
  p.arena_bytes = {256, 256, 768, 0, 8320, 448, 32};
}

static void addFunctions(plan::PlanT &p) {
  using plan::Arena, plan::DType;
  auto forward = std::make_unique<plan::FunctionT>();
  forward->name = "forward";
  forward->locals.push_back(buffer("h", DType::F32, {5, 4}, Arena::Activations, 0, 0, 2));
  forward->locals.push_back(buffer("", DType::F32, {5, 8}, Arena::Activations, 128, 1, 3));
  forward->locals.push_back(buffer("", DType::F32, {5, 4}, Arena::Activations, 0, 3, 3));
  forward->commands.push_back(command(gemm(kX, kPersistent, 1, 0), "h"));
  forward->commands.push_back(command(zero(kPersistent + 1, 160), "clear"));
  forward->commands.push_back(command(gemm(kX, kY, 2, 0), "y"));
  forward->commands.push_back(command(gemm(kPersistent + 1, kPersistent + 2, 1, 0), "nothing"));
  forward->activation_bytes = 448;
  p.functions.push_back(std::move(forward));

  auto count = std::make_unique<plan::FunctionT>();
  count->name = "count";
  plan::LaunchT launch;
  launch.kernel = 0;
  launch.grid = 1000;
  launch.places = {plan::Place(kCounts, 0, 0)};
  launch.scalars = {3};
  count->commands.push_back(command(launch, "count"));
  p.functions.push_back(std::move(count));
}

Parts valid() {
  Parts parts;
  auto &p = parts.plan;
  p.abi_version = abi::kAbiVersion;
  p.compiler = "test";
  p.target = "x86_64";
  p.cpu_features = {"sse2"};
  p.spec = R"({"model": {"n": 5}})";
  addBuffers(p);
  p.parameters.push_back(parameter("w", kW));
  p.parameters.push_back(parameter("b", kB));
  addFunctions(p);
  auto kernel = std::make_unique<plan::KernelT>();
  kernel->name = "add";
  kernel->places = 1;
  kernel->scalars = 1;
  p.kernels.push_back(std::move(kernel));
  parts.code.resize(sizeof(kAddKernel));
  std::memcpy(parts.code.data(), kAddKernel, sizeof(kAddKernel));
  const int64_t table[] = {1, 2, 3, 5};
  parts.constants.resize(sizeof(table));
  std::memcpy(parts.constants.data(), table, sizeof(table));
  return parts;
}

Parts validGpu() {
  auto parts = valid();
  auto &p = parts.plan;
  p.target = "sm_90a";
  parts.code = std::vector<std::byte>(200, std::byte('x'));
  parts.code.back() = std::byte(0);
  auto &k = *p.kernels[0];
  k.entry = 0, k.threads = 128, k.items = 4, k.shared_bytes = 1024;
  auto map = std::make_unique<plan::TensorMapT>();
  map->place = 0;
  map->dtype = plan::DType::I64;
  map->dims = {40, 25};
  map->strides = {320};
  map->box = {8, 16};
  map->swizzle = plan::Swizzle::B64;
  k.tensor_maps.push_back(std::move(map));
  return parts;
}

static uint64_t aligned(uint64_t bytes, uint64_t to) { return (bytes + to - 1) / to * to; }
static constexpr uint64_t kPlanOffset = 64;

std::vector<std::byte> pack(const plan::PlanT &plan) {
  flatbuffers::FlatBufferBuilder builder;
  plan::FinishPlanBuffer(builder, plan::Plan::Pack(builder, &plan));
  auto *begin = reinterpret_cast<const std::byte *>(builder.GetBufferPointer());
  return {begin, begin + builder.GetSize()};
}

std::vector<std::byte> assemble(Parts &parts) {
  auto &p = parts.plan;
  if (p.spec_hash == 0) p.spec_hash = hash64(p.spec);
  // Whether a segment is set does not change the plan's size: pack once with some, then with the right ones.
  bool given = p.code || p.constants || p.sass;
  if (!given) {
    p.code = std::make_unique<plan::Segment>(0, 0, 0);
    p.constants = std::make_unique<plan::Segment>(0, 0, 0);
    if (!parts.sass.empty()) p.sass = std::make_unique<plan::Segment>(0, 0, 0);
    uint64_t code = aligned(kPlanOffset + pack(p).size(), abi::kSegmentAlignment);
    uint64_t constants = aligned(code + parts.code.size(), abi::kSegmentAlignment);
    p.code = std::make_unique<plan::Segment>(code, parts.code.size(), hash64(parts.code));
    p.constants = std::make_unique<plan::Segment>(constants, parts.constants.size(), hash64(parts.constants));
    uint64_t sass = aligned(constants + parts.constants.size(), abi::kSegmentAlignment);
    if (p.sass) p.sass = std::make_unique<plan::Segment>(sass, parts.sass.size(), hash64(parts.sass));
  }
  return assemble(pack(p), parts);
}

std::vector<std::byte> assemble(const std::vector<std::byte> &plan, const Parts &parts) {
  std::vector<std::byte> file(kPlanOffset);
  file.insert(file.end(), plan.begin(), plan.end());
  for (auto *segment : {&parts.code, &parts.constants, &parts.sass}) {
    if (segment->empty()) continue;
    file.resize(aligned(file.size(), abi::kSegmentAlignment));
    file.insert(file.end(), segment->begin(), segment->end());
  }
  abi::FileHeader h{};
  std::memcpy(h.magic, abi::kMagic, sizeof(h.magic));
  h.abiVersion = abi::kAbiVersion;
  h.headerBytes = sizeof(h);
  h.fileBytes = file.size();
  h.planOffset = kPlanOffset;
  h.planBytes = plan.size();
  h.planHash = hash64(plan);
  std::memcpy(file.data(), &h, sizeof(h));
  return file;
}

void rehashPlan(std::vector<std::byte> &artifact) {
  abi::FileHeader h;
  std::memcpy(&h, artifact.data(), sizeof(h));
  h.planHash = hash64(std::span<const std::byte>(artifact).subspan(h.planOffset, h.planBytes));
  std::memcpy(artifact.data(), &h, sizeof(h));
}

std::string loadError(std::vector<std::byte> artifact, int *exitCode) {
  try {
    Artifact::fromBytes(std::move(artifact), "test.loom");
  } catch (const Error &e) {
    if (exitCode) *exitCode = e.exitCode;
    return e.what();
  }
  return "";
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "drawloom-test-XXXXXX").string();
  if (!::mkdtemp(name.data())) fail(kIo, "cannot make a temporary folder");
  path = name;
}
TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

} // namespace drawloom::test
