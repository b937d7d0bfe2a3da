// FUNCTION, COMMAND, PLACE, LAUNCH, GEMM and ZERO rules, and TMAP5.
#include "runtime/artifact/VerifyParts.h"
#include <algorithm>
#include <cmath>
#include <initializer_list>

namespace drawloom::verify {

static constexpr uint64_t kMaxBlocks = (uint64_t(1) << 31) - 1;

namespace {

/// One function under verification.
struct FunctionVerifier {
  const Context &c;
  const plan::Function &f;
  uint32_t persistent = sizeOf(c.plan.buffers());
  uint32_t locals = sizeOf(f.locals());
  uint32_t commands = sizeOf(f.commands());
  uint32_t at = 0; // the command being verified

  std::string here() const {
    auto *label = f.commands()->Get(at)->label();
    return fmt::format("function {}, command {}{}", quote(f.name()), at, label ? " " + quote(label) : "");
  }
  template <class... Args>
  void require(bool ok, std::string_view rule, fmt::format_string<Args...> format, Args &&...args) const {
    if (!ok) c.reject(rule, here() + ": " + fmt::format(format, std::forward<Args>(args)...));
  }

  const plan::Buffer &bufferOf(const plan::Place &p) const {
    return *(p.buffer() < persistent ? c.plan.buffers()->Get(p.buffer())
                                     : f.locals()->Get(p.buffer() - persistent));
  }

  void verifyLocals() const;
  void verifyPlace(const plan::Place &p) const;
  void verifyLaunch(const plan::Launch &l) const;
  void verifyTensorMapPlace(const plan::TensorMap &m, const plan::Place &p) const;
  void verifyGemmTypes(const plan::Gemm &g) const;
  void verifyGemm(const plan::Gemm &g) const;
  void verifyZero(const plan::Zero &z) const;
  void verifyCommand() const;
};

/// A matrix of a GEMM as a range of bytes of its buffer.
struct MatrixBytes {
  const plan::Buffer *buffer;
  uint64_t begin, end;
  bool overlaps(const MatrixBytes &o) const {
    return buffer->arena() == o.buffer->arena() && begin < o.end && o.begin < end;
  }
};

} // namespace

void FunctionVerifier::verifyLocals() const {
  std::vector<LiveRange> ranges;
  for (uint32_t i = 0; i < locals; ++i) {
    auto &b = *f.locals()->Get(i);
    auto name = fmt::format("function {}, local {} {}", quote(f.name()), i, quote(b.name()));
    c.require(b.arena() == plan::Arena::Activations, "BUFFER4", "{} does not lie in activation memory", name);
    verifyBuffer(c, b, name, f.activation_bytes());
    c.require(b.first() <= b.last() && b.last() < commands, "BUFFER6",
              "{} is in use during commands [{}, {}] of a function of {}", name, b.first(), b.last(),
              commands);
    ranges.push_back({b.offset(), b.offset() + b.bytes(), b.first(), b.last(), i});
  }
  uint32_t i = 0, k = 0;
  if (findOverlap(std::move(ranges), i, k))
    c.reject("BUFFER6", fmt::format("function {}: locals {} {} and {} {} share bytes while both are in use",
                                    quote(f.name()), i, quote(f.locals()->Get(i)->name()), k,
                                    quote(f.locals()->Get(k)->name())));
}

void FunctionVerifier::verifyPlace(const plan::Place &p) const {
  require(p.buffer() < uint64_t(persistent) + locals, "PLACE1", "buffer {} of {} does not exist", p.buffer(),
          uint64_t(persistent) + locals);
  auto &b = bufferOf(p);
  if (p.buffer() >= persistent)
    require(b.first() <= at && at <= b.last(), "PLACE1",
            "uses local {} {}, which is in use during [{}, {}] only", p.buffer() - persistent,
            quote(b.name()), b.first(), b.last());
  require(p.offset() <= b.bytes() && p.offset() % elementBytes(b.dtype()) == 0, "PLACE2",
          "offset {} is not that of an element of buffer {} ({} bytes)", p.offset(), quote(b.name()),
          b.bytes());
}

void FunctionVerifier::verifyLaunch(const plan::Launch &l) const {
  require(l.kernel() < sizeOf(c.plan.kernels()), "LAUNCH1", "kernel {} of {} does not exist", l.kernel(),
          sizeOf(c.plan.kernels()));
  auto &k = *c.plan.kernels()->Get(l.kernel());
  c.requireAligned(l.places(), "a launch's places");
  c.requireAligned(l.scalars(), "a launch's scalars");
  require(sizeOf(l.places()) == k.places() && sizeOf(l.scalars()) == k.scalars(), "LAUNCH1",
          "kernel {} takes {} places and {} scalars, the launch has {} and {}", quote(k.name()), k.places(),
          k.scalars(), sizeOf(l.places()), sizeOf(l.scalars()));
  require(l.grid() <= kMaxGrid, "LAUNCH2", "a grid of {} work items is too large", l.grid());
  if (l.places())
    for (auto *p : *l.places()) verifyPlace(*p);
  if (!isForGpu(c.plan)) return;
  uint64_t blocks = (l.grid() + k.items() - 1) / k.items();
  require(blocks <= kMaxBlocks, "LAUNCH3", "{} blocks are too many", blocks);
  for (uint32_t i = 0; i < sizeOf(k.tensor_maps()); ++i) {
    auto &m = *k.tensor_maps()->Get(i);
    verifyTensorMapPlace(m, *l.places()->Get(m.place()));
  }
}

/// Below 2^75: the sums and products cannot overflow 128 bits.
static unsigned __int128 tensorBytes(const plan::TensorMap &m) {
  unsigned __int128 bytes = (unsigned __int128)(m.dims()->Get(0)) * elementBytes(m.dtype());
  for (uint32_t i = 1; i < m.dims()->size(); ++i)
    bytes += (unsigned __int128)(m.dims()->Get(i) - 1) * m.strides()->Get(i - 1);
  return bytes;
}

void FunctionVerifier::verifyTensorMapPlace(const plan::TensorMap &m, const plan::Place &p) const {
  auto &b = bufferOf(p);
  require(m.dtype() == b.dtype(), "TMAP5", "a tensor map of {} sees buffer {} of {}",
          plan::EnumNameDType(m.dtype()), quote(b.name()), plan::EnumNameDType(b.dtype()));
  require(p.offset() % 16 == 0, "TMAP5", "a tensor map sees buffer {} from offset {}, no multiple of 16",
          quote(b.name()), p.offset());
  require(tensorBytes(m) <= b.bytes() - p.offset(), "TMAP5",
          "a tensor map sees more than the {} bytes of buffer {} from offset {}", b.bytes(), quote(b.name()),
          p.offset());
}

void FunctionVerifier::verifyGemmTypes(const plan::Gemm &g) const {
  auto is = [](plan::DType type, std::initializer_list<plan::DType> allowed) {
    return std::find(allowed.begin(), allowed.end(), type) != allowed.end();
  };
  using enum plan::DType;
  bool gpu = isForGpu(c.plan);
  require(gpu ? is(g.a_type(), {F32, BF16, F16}) && g.b_type() == g.a_type() &&
                    is(g.c_type(), {F32, g.a_type()})
              : g.a_type() == F32 && g.b_type() == F32 && g.c_type() == F32,
          "GEMM5", "no GEMM of {} is for types {}, {} and {}", quote(c.plan.target()), int(g.a_type()),
          int(g.b_type()), int(g.c_type()));
}

void FunctionVerifier::verifyGemm(const plan::Gemm &g) const {
  require(g.a() && g.b() && g.c(), "GEMM2", "a GEMM without A, B or C");
  verifyGemmTypes(g);
  // Returns the bytes of a matrix of `rows` rows of `cols` elements.
  auto matrix = [&](const plan::Place &p, const char *name, uint64_t rows, uint64_t cols, uint64_t ld,
                    plan::DType dtype) {
    require(rows >= 1 && rows <= kMaxGemmExtent && cols >= 1 && cols <= ld && ld <= kMaxGemmExtent, "GEMM1",
            "{} is {} x {} with leading dimension {}", name, rows, cols, ld);
    verifyPlace(p);
    auto &b = bufferOf(p);
    require(b.dtype() == dtype, "GEMM2", "{} is {}; expected {}", name, plan::EnumNameDType(b.dtype()),
            plan::EnumNameDType(dtype));
    uint64_t bytes = ((rows - 1) * ld + cols) * elementBytes(dtype); // below 2^64: extents are below 2^31
    require(inside(p.offset(), bytes, b.bytes()), "GEMM2",
            "{} ({} x {}, leading dimension {}) exceeds buffer {} ({} bytes)", name, rows, cols, ld,
            quote(b.name()), b.bytes());
    return MatrixBytes{&b, b.offset() + p.offset(), b.offset() + p.offset() + bytes};
  };
  auto a = g.trans_a() ? matrix(*g.a(), "A", g.k(), g.m(), g.lda(), g.a_type())
                       : matrix(*g.a(), "A", g.m(), g.k(), g.lda(), g.a_type());
  auto b = g.trans_b() ? matrix(*g.b(), "B", g.n(), g.k(), g.ldb(), g.b_type())
                       : matrix(*g.b(), "B", g.k(), g.n(), g.ldb(), g.b_type());
  auto out = matrix(*g.c(), "C", g.m(), g.n(), g.ldc(), g.c_type());
  require(out.buffer->arena() != plan::Arena::Constants, "GEMM3", "C is read-only memory");
  require(!out.overlaps(a) && !out.overlaps(b), "GEMM3", "C overlaps A or B");
  if (g.bias()) {
    require(isForGpu(c.plan), "GEMM6", "no GEMM of {} adds a bias", quote(c.plan.target()));
    auto bias = matrix(*g.bias(), "bias", 1, g.n(), g.n(), g.c_type());
    require(!out.overlaps(bias), "GEMM3", "C overlaps the bias");
  }
  require(std::isfinite(g.alpha()) && std::isfinite(g.beta()), "GEMM4", "alpha or beta is not finite");
}

void FunctionVerifier::verifyZero(const plan::Zero &z) const {
  require(z.place() != nullptr, "ZERO1", "a zero without place");
  verifyPlace(*z.place());
  auto &b = bufferOf(*z.place());
  require(inside(z.place()->offset(), z.bytes(), b.bytes()), "ZERO1",
          "{} bytes at {} exceed buffer {} ({} bytes)", z.bytes(), z.place()->offset(), quote(b.name()),
          b.bytes());
  require(b.arena() != plan::Arena::Constants, "ZERO1", "buffer {} is read-only memory", quote(b.name()));
}

void FunctionVerifier::verifyCommand() const {
  auto &command = *f.commands()->Get(at);
  switch (command.action_type()) {
  case plan::Action::Launch: return verifyLaunch(*command.action_as_Launch());
  case plan::Action::Gemm: return verifyGemm(*command.action_as_Gemm());
  case plan::Action::Zero: return verifyZero(*command.action_as_Zero());
  case plan::Action::NONE: break;
  }
  require(false, "COMMAND1", "unknown action {}", int(command.action_type()));
}

void verifyFunctions(const Context &c) {
  auto *functions = c.plan.functions();
  std::vector<const flatbuffers::String *> names;
  uint64_t largest = 0;
  for (uint32_t i = 0; i < sizeOf(functions); ++i) {
    FunctionVerifier v{c, *functions->Get(i)};
    names.push_back(v.f.name());
    c.require(uint64_t(v.persistent) + v.locals < UINT32_MAX, "PLACE1", "function {} has too many locals",
              quote(v.f.name()));
    v.verifyLocals();
    for (; v.at < v.commands; ++v.at) v.verifyCommand();
    largest = std::max(largest, v.f.activation_bytes());
  }
  requireUniqueNames(c, "function", std::move(names));
  uint64_t arena = c.plan.arena_bytes()->Get(uint32_t(plan::Arena::Activations));
  c.require(arena == largest, "FUNCTION1",
            "the activation memory has {} bytes, its largest function needs {}", arena, largest);
}

} // namespace drawloom::verify
