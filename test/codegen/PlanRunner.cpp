#include "test/codegen/PlanRunner.h"
#include "runtime/abi/Abi.h"
#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <sys/mman.h>

namespace drawloom::test {

static constexpr std::byte kZoneByte{0xA5}, kPoisonByte{0xFF}; // 0xFFFFFFFF is a NaN, and -1

GuardedBuffer::GuardedBuffer(uint64_t bytes)
    : storage(bytes + 2 * kZone + abi::kBufferAlignment, kZoneByte), bytes(bytes) {
  auto address = reinterpret_cast<uintptr_t>(storage.data()) + kZone;
  address = (address + abi::kBufferAlignment - 1) / abi::kBufferAlignment * abi::kBufferAlignment;
  base = reinterpret_cast<std::byte *>(address);
  poison();
}

void GuardedBuffer::poison() { std::fill_n(base, bytes, kPoisonByte); }

bool GuardedBuffer::isIntact() const {
  auto intact = [](std::byte b) { return b == kZoneByte; };
  const std::byte *begin = storage.data(), *end = begin + storage.size();
  const std::byte *first = base;
  return std::all_of(begin, first, intact) && std::all_of(first + bytes, end, intact);
}

PlanRunner::PlanRunner(const std::vector<std::byte> &artifact) {
  abi::FileHeader header;
  std::memcpy(&header, artifact.data(), sizeof(header));
  plan::GetPlan(artifact.data() + header.planOffset)->UnPackTo(&plan);
  for (auto &buffer : plan.buffers) buffers.emplace_back(buffer->bytes);
  codeBytes = plan.code->bytes();
  if (codeBytes == 0) return;
  void *memory = mmap(nullptr, codeBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory for code");
  code = static_cast<std::byte *>(memory);
  std::memcpy(code, artifact.data() + plan.code->offset(), codeBytes);
  mprotect(code, codeBytes, PROT_READ | PROT_EXEC);
}

PlanRunner::~PlanRunner() {
  if (code) munmap(code, codeBytes);
}

static size_t indexOf(const plan::PlanT &plan, const std::string &name) {
  for (size_t i = 0; i < plan.buffers.size(); ++i)
    if (plan.buffers[i]->name == name) return i;
  throw std::runtime_error("no buffer named " + name);
}

bool PlanRunner::has(const std::string &name) const {
  return std::any_of(plan.buffers.begin(), plan.buffers.end(), [&](auto &b) { return b->name == name; });
}
const plan::BufferT &PlanRunner::info(const std::string &name) const {
  return *plan.buffers[indexOf(plan, name)];
}
GuardedBuffer &PlanRunner::buffer(const std::string &name) { return buffers[indexOf(plan, name)]; }

void PlanRunner::launch(const plan::LaunchT &launch, const std::vector<std::byte *> &bases,
                        std::mt19937_64 *random) {
  auto kernel = reinterpret_cast<abi::KernelFn>(code + plan.kernels[launch.kernel]->entry);
  std::vector<void *> places;
  for (const plan::Place &place : launch.places) places.push_back(bases[place.buffer()] + place.offset());
  std::vector<std::pair<int64_t, int64_t>> pieces;
  int64_t grid = int64_t(launch.grid);
  for (int64_t begin = 0; begin < grid;) {
    int64_t size = random ? 1 + int64_t((*random)() % uint64_t(std::min<int64_t>(grid - begin, 5))) : grid;
    pieces.push_back({begin, begin + size});
    begin += size;
  }
  if (random) std::shuffle(pieces.begin(), pieces.end(), *random);
  for (auto [begin, end] : pieces) kernel(places.data(), launch.scalars.data(), begin, end);
}

void PlanRunner::gemm(const plan::GemmT &g, const std::vector<std::byte *> &bases) {
  auto matrix = [&](const plan::Place &place) {
    return reinterpret_cast<float *>(bases[place.buffer()] + place.offset());
  };
  float *a = matrix(*g.a), *b = matrix(*g.b), *c = matrix(*g.c);
  for (uint64_t i = 0; i < g.m; ++i)
    for (uint64_t j = 0; j < g.n; ++j) {
      double sum = 0;
      for (uint64_t k = 0; k < g.k; ++k)
        sum += double(g.trans_a ? a[k * g.lda + i] : a[i * g.lda + k]) *
               double(g.trans_b ? b[j * g.ldb + k] : b[k * g.ldb + j]);
      double old = g.beta == 0 ? 0 : double(g.beta) * c[i * g.ldc + j];
      c[i * g.ldc + j] = float(double(g.alpha) * sum + old);
    }
}

std::string PlanRunner::run(const std::string &name, uint64_t seed) {
  auto it =
      std::find_if(plan.functions.begin(), plan.functions.end(), [&](auto &f) { return f->name == name; });
  if (it == plan.functions.end()) return "there is no function " + name;
  std::vector<GuardedBuffer> locals;
  for (auto &local : (*it)->locals) locals.emplace_back(local->bytes);
  std::vector<std::byte *> bases;
  for (auto &buffer : buffers) bases.push_back(buffer.data());
  for (auto &local : locals) bases.push_back(local.data());
  std::mt19937_64 random(seed);
  auto complaint = [&](const std::string &label) -> std::string {
    for (size_t i = 0; i < buffers.size(); ++i)
      if (!buffers[i].isIntact()) return label + " wrote outside buffer " + plan.buffers[i]->name;
    for (size_t i = 0; i < locals.size(); ++i)
      if (!locals[i].isIntact()) return label + " wrote outside local " + std::to_string(i);
    return "";
  };
  for (auto &command : (*it)->commands) {
    if (auto *launched = command->action.AsLaunch()) launch(*launched, bases, seed ? &random : nullptr);
    if (auto *product = command->action.AsGemm()) gemm(*product, bases);
    if (auto *zero = command->action.AsZero())
      std::memset(bases[zero->place->buffer()] + zero->place->offset(), 0, zero->bytes);
    if (std::string problem = complaint(command->label); !problem.empty()) return problem;
  }
  return "";
}

} // namespace drawloom::test
