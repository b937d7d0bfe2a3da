// One test for each rule of runtime/artifact/Verify.h: a valid plan, one value changed, the rule's label in
// the message.
#include "runtime/abi/Abi.h"
#include "runtime/artifact/VerifyParts.h"
#include "runtime/support/Error.h"
#include "runtime/support/Hash.h"
#include "test/runtime/TestArtifact.h"
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <random>

namespace drawloom::test {
namespace {

TEST(Verify, AcceptsAValidPlan) {
  auto parts = valid();
  EXPECT_EQ(loadError(assemble(parts)), "");
}

struct Case {
  const char *name, *rule;
  std::function<void(Parts &)> change;
};
void PrintTo(const Case &c, std::ostream *out) { *out << c.name; }

class VerifyRule : public testing::TestWithParam<Case> {};

TEST_P(VerifyRule, Rejects) {
  auto parts = valid();
  GetParam().change(parts);
  int exitCode = 0;
  auto message = loadError(assemble(parts), &exitCode);
  EXPECT_NE(message.find(std::string("[") + GetParam().rule + "]"), std::string::npos)
      << "message: " << message;
  EXPECT_EQ(message.rfind("test.loom: ", 0), 0u) << message;
  EXPECT_EQ(exitCode, kBadInput);
}

plan::FunctionT &forward(Parts &p) { return *p.plan.functions[0]; }
plan::GemmT &gemm(Parts &p) { return *forward(p).commands[0]->action.AsGemm(); }
plan::ZeroT &zero(Parts &p) { return *forward(p).commands[1]->action.AsZero(); }
plan::LaunchT &launch(Parts &p) { return *p.plan.functions[1]->commands[0]->action.AsLaunch(); }
plan::BufferT &buffer(Parts &p, uint32_t i) { return *p.plan.buffers[i]; }
plan::Place place(uint32_t buffer, uint64_t offset) { return plan::Place(buffer, 0, offset); }
constexpr uint64_t kHuge = std::numeric_limits<uint64_t>::max();

/// Sets a segment by hand after laying out the file.
void setSegment(Parts &p, std::unique_ptr<plan::Segment> plan::PlanT::*which,
                std::function<void(uint64_t &, uint64_t &, uint64_t &)> change) {
  assemble(p);
  auto &s = p.plan.*which;
  uint64_t offset = s->offset(), bytes = s->bytes(), hash = s->xxh64();
  change(offset, bytes, hash);
  s = std::make_unique<plan::Segment>(offset, bytes, hash);
}

const Case kCases[] = {
    {"OtherAbiVersion", "PLAN2", [](Parts &p) { p.plan.abi_version = 99; }},
    {"SpecHash", "PLAN3", [](Parts &p) { p.plan.spec_hash = 1; }},
    {"TooFewArenas", "PLAN4", [](Parts &p) { p.plan.arena_bytes.pop_back(); }},
    {"NoArenas", "PLAN4", [](Parts &p) { p.plan.arena_bytes.clear(); }},
    {"ArenaTooLarge", "PLAN4", [](Parts &p) { p.plan.arena_bytes[3] = kHuge; }},
    {"ArenasTooLargeTogether", "PLAN4",
     [](Parts &p) { p.plan.arena_bytes[3] = p.plan.arena_bytes[4] = (uint64_t(1) << 47) - 1; }},
    {"BufferWithoutName", "PLAN5", [](Parts &p) { buffer(p, kX).name = ""; }},
    {"BuffersOfOneName", "PLAN5", [](Parts &p) { buffer(p, kX).name = "y"; }},
    {"FunctionsOfOneName", "PLAN5", [](Parts &p) { p.plan.functions[1]->name = "forward"; }},
    {"ParametersOfOneName", "PLAN5", [](Parts &p) { p.plan.parameters[1]->name = "w"; }},

    {"SegmentNotAligned", "SEGMENT1",
     [](Parts &p) { setSegment(p, &plan::PlanT::code, [](auto &o, auto &, auto &) { o += 64; }); }},
    {"SegmentBehindTheFile", "SEGMENT1",
     [](Parts &p) { setSegment(p, &plan::PlanT::constants, [](auto &, auto &b, auto &) { b = kHuge; }); }},
    {"SegmentOverThePlan", "SEGMENT1",
     [](Parts &p) { setSegment(p, &plan::PlanT::code, [](auto &o, auto &, auto &) { o = 0; }); }},
    {"SegmentsOverlap", "SEGMENT2",
     [](Parts &p) {
       assemble(p);
       p.plan.constants = std::make_unique<plan::Segment>(*p.plan.code);
     }},
    {"CodeHash", "SEGMENT3",
     [](Parts &p) { setSegment(p, &plan::PlanT::code, [](auto &, auto &, auto &h) { h ^= 1; }); }},
    {"ConstantsHash", "SEGMENT3",
     [](Parts &p) { setSegment(p, &plan::PlanT::constants, [](auto &, auto &, auto &h) { h ^= 1; }); }},

    {"UnknownElementType", "BUFFER1", [](Parts &p) { buffer(p, kX).dtype = plan::DType(77); }},
    {"UnknownMemory", "BUFFER1", [](Parts &p) { buffer(p, kX).arena = plan::Arena(7); }},
    {"TooManyDimensions", "BUFFER1", [](Parts &p) { buffer(p, kX).shape.assign(9, 1); }},
    {"TooFewBytes", "BUFFER2", [](Parts &p) { buffer(p, kX).bytes = 159; }},
    {"ShapeOverflows", "BUFFER2",
     [](Parts &p) { buffer(p, kX).shape = {uint64_t(1) << 32, uint64_t(1) << 32}; }},
    {"OffsetNotAligned", "BUFFER3", [](Parts &p) { buffer(p, kX).offset = 4; }},
    {"BufferBehindItsArena", "BUFFER3", [](Parts &p) { buffer(p, kCounts).offset += 64; }},
    {"BufferEndOverflows", "BUFFER3", [](Parts &p) { buffer(p, kCounts).offset = kHuge - 63; }},
    {"MoreConstantsThanTheSegment", "BUFFER3", [](Parts &p) { p.plan.arena_bytes[6] = 64; }},
    {"LocalBehindItsFunctionsMemory", "BUFFER3", [](Parts &p) { forward(p).locals[1]->offset = 320; }},
    {"PersistentBufferAmongActivations", "BUFFER4",
     [](Parts &p) { buffer(p, kX).arena = plan::Arena::Activations; }},
    {"LocalAmongParameters", "BUFFER4",
     [](Parts &p) { forward(p).locals[0]->arena = plan::Arena::Parameters; }},
    {"PersistentBuffersOverlap", "BUFFER5", [](Parts &p) { buffer(p, kY).offset = 128; }},
    {"LocalsOverlapWhileInUse", "BUFFER6", [](Parts &p) { forward(p).locals[2]->first = 2; }},
    {"LocalUsedAfterTheEnd", "BUFFER6", [](Parts &p) { forward(p).locals[2]->last = 4; }},
    {"LocalDiesBeforeItIsBorn", "BUFFER6", [](Parts &p) { forward(p).locals[1]->last = 0; }},
    {"ActivationMemoryTooSmall", "FUNCTION1", [](Parts &p) { p.plan.arena_bytes[5] = 64; }},

    {"PlaceWithoutBuffer", "PLACE1", [](Parts &p) { *gemm(p).a = place(kPersistent + 3, 0); }},
    {"PlaceOfALocalInAFunctionWithout", "PLACE1",
     [](Parts &p) { launch(p).places[0] = place(kPersistent, 0); }},
    {"LocalUsedAfterItsLife", "PLACE1",
     [](Parts &p) { *forward(p).commands[3]->action.AsGemm()->c = place(kPersistent, 0); }},
    {"PlaceBehindItsBuffer", "PLACE2", [](Parts &p) { launch(p).places[0] = place(kCounts, 8008); }},
    {"PlaceBetweenElements", "PLACE2", [](Parts &p) { launch(p).places[0] = place(kCounts, 4); }},
    {"NoSuchKernel", "LAUNCH1", [](Parts &p) { launch(p).kernel = 1; }},
    {"WrongNumberOfPlaces", "LAUNCH1", [](Parts &p) { launch(p).places.clear(); }},
    {"WrongNumberOfScalars", "LAUNCH1", [](Parts &p) { launch(p).scalars.push_back(1); }},
    {"GridTooLarge", "LAUNCH2", [](Parts &p) { launch(p).grid = (uint64_t(1) << 40) + 1; }},
    {"GemmOfNothing", "GEMM1", [](Parts &p) { gemm(p).m = 0; }},
    {"GemmTooLarge", "GEMM1", [](Parts &p) { gemm(p).k = gemm(p).lda = gemm(p).ldb = uint64_t(1) << 31; }},
    {"LeadingDimensionTooSmall", "GEMM1", [](Parts &p) { gemm(p).ldc = 3; }},
    {"GemmReadsPastItsBuffer", "GEMM2", [](Parts &p) { *gemm(p).a = place(kX, 4); }},
    {"GemmWritesPastItsBuffer", "GEMM2", [](Parts &p) { gemm(p).ldc = 5; }},
    {"GemmOfIntegers", "GEMM2", [](Parts &p) { *gemm(p).a = place(kCounts, 0); }},
    {"GemmWithoutA", "GEMM2", [](Parts &p) { gemm(p).a = nullptr; }},
    {"GemmWritesConstants", "GEMM3",
     [](Parts &p) {
       buffer(p, kTable).dtype = plan::DType::F32;
       gemm(p).n = 2, gemm(p).m = 4, gemm(p).ldc = 2;
       *gemm(p).c = place(kTable, 0);
     }},
    {"GemmOverItsInput", "GEMM3", [](Parts &p) { *gemm(p).c = place(kX, 64); }},
    {"GemmWithABiasOnACpu", "GEMM6",
     [](Parts &p) { gemm(p).bias = std::make_unique<plan::Place>(place(kX, 0)); }},
    {"GemmAlphaNotFinite", "GEMM4",
     [](Parts &p) { gemm(p).alpha = std::numeric_limits<float>::quiet_NaN(); }},
    {"ZeroPastItsBuffer", "ZERO1", [](Parts &p) { zero(p).bytes = 161; }},
    {"ZeroOverflows", "ZERO1", [](Parts &p) { zero(p).bytes = kHuge; }},
    {"ZeroWithoutPlace", "ZERO1", [](Parts &p) { zero(p).place = nullptr; }},
    {"ZeroOfConstants", "ZERO1",
     [](Parts &p) {
       *zero(p).place = place(kTable, 0);
       zero(p).bytes = 8;
     }},
    {"KernelBehindTheCode", "KERNEL1", [](Parts &p) { p.plan.kernels[0]->entry = p.code.size(); }},
    {"KernelOfACpuWithThreads", "KERNEL2", [](Parts &p) { p.plan.kernels[0]->threads = 32; }},
    {"GemmOfHalves", "GEMM5",
     [](Parts &p) { gemm(p).a_type = gemm(p).b_type = gemm(p).c_type = plan::DType::F16; }},
    {"SassOfACpu", "SEGMENT4",
     [](Parts &p) {
       assemble(p);
       p.plan.sass = std::make_unique<plan::Segment>(*p.plan.code);
     }},
    {"ModulesOfACpu", "MODULE1", [](Parts &p) { p.plan.modules = {{0, 1, 0, 0}}; }},
    {"KernelWithTooManyArguments", "KERNEL1", [](Parts &p) { p.plan.kernels[0]->places = 65536; }},

    {"ParameterWithoutValue", "PARAM1", [](Parts &p) { p.plan.parameters[0]->value = abi::kNoBuffer; }},
    {"ParameterInOtherMemory", "PARAM1", [](Parts &p) { p.plan.parameters[0]->value = kX; }},
    {"GradientOfOtherShape", "PARAM1", [](Parts &p) { buffer(p, kWGradient).shape = {8, 4}; }},
    {"ParameterOfIntegers", "PARAM1", [](Parts &p) { buffer(p, kB).dtype = plan::DType::I32; }},
    {"OneMomentOfTwo", "PARAM1", [](Parts &p) { p.plan.parameters[0]->moment2 = abi::kNoBuffer; }},
    {"GradientAtOtherOffset", "PARAM2", [](Parts &p) { buffer(p, kBGradient).offset = 192; }},
    {"MomentOutsideItsSlot", "PARAM2", [](Parts &p) { buffer(p, kBMoment2).offset = 256 + 192; }},
    {"UnknownInitialization", "PARAM3", [](Parts &p) { p.plan.parameters[0]->init = plan::Init(3); }},
    {"NegativeDeviation", "PARAM3", [](Parts &p) { p.plan.parameters[0]->stddev = -1; }},
};

TEST(Verify, AcceptsAValidPlanOfAGpu) {
  auto parts = validGpu();
  EXPECT_EQ(loadError(assemble(parts)), "");
  auto bf16 = validGpu();
  for (uint32_t i : {uint32_t(kX), uint32_t(kW)}) buffer(bf16, i).dtype = plan::DType::BF16;
  bf16.plan.parameters.clear();
  forward(bf16).locals[1]->dtype = plan::DType::BF16;
  for (int at : {0, 2, 3}) {
    auto &g = *forward(bf16).commands[at]->action.AsGemm();
    g.a_type = g.b_type = plan::DType::BF16;
  }
  EXPECT_EQ(loadError(assemble(bf16)), "");
}

plan::KernelT &kernel(Parts &p) { return *p.plan.kernels[0]; }
plan::TensorMapT &tensorMap(Parts &p) { return *kernel(p).tensor_maps[0]; }

class VerifyGpuRule : public testing::TestWithParam<Case> {};

TEST_P(VerifyGpuRule, Rejects) {
  auto parts = validGpu();
  GetParam().change(parts);
  auto message = loadError(assemble(parts));
  EXPECT_NE(message.find(std::string("[") + GetParam().rule + "]"), std::string::npos)
      << "message: " << message;
}

const Case kGpuCases[] = {
    {"MoreThreadsThanABlockHas", "KERNEL4", [](Parts &p) { kernel(p).threads = 1056; }},
    {"ThreadsAreNoWarps", "KERNEL4", [](Parts &p) { kernel(p).threads = 48; }},
    {"NoThreads", "KERNEL4", [](Parts &p) { kernel(p).threads = 0; }},
    {"NoItems", "KERNEL4", [](Parts &p) { kernel(p).items = 0; }},
    {"TooMuchSharedMemory", "KERNEL4", [](Parts &p) { kernel(p).shared_bytes = 227 * 1024 + 1; }},
    {"TooMuchSharedMemoryForAnOlderGpu", "KERNEL4",
     [](Parts &p) { p.plan.target = "sm_80", kernel(p).shared_bytes = 164 * 1024; }},
    {"TooManyParameters", "KERNEL5", [](Parts &p) { kernel(p).scalars = 5000; }},
    {"CodeWithoutNul", "KERNEL3", [](Parts &p) { p.code.back() = std::byte('x'); }},
    {"CodeWithTwoNuls", "KERNEL3", [](Parts &p) { p.code.front() = std::byte(0); }},
    {"ModuleBehindTheCode", "MODULE1", [](Parts &p) { p.plan.modules = {{0, p.code.size() + 1, 0, 0}}; }},
    {"ModuleWhoseEndOverflows", "MODULE1", [](Parts &p) { p.plan.modules = {{1, kHuge, 0, 0}}; }},
    {"CubinBehindTheSass", "MODULE1", [](Parts &p) { p.plan.modules = {{0, p.code.size(), 0, 1}}; }},
    {"ModuleWithoutCode", "KERNEL3", [](Parts &p) { p.plan.modules = {{0, 0, 0, 0}}; }},
    {"ModuleWithoutItsNul", "KERNEL3", [](Parts &p) { p.plan.modules = {{0, p.code.size() - 1, 0, 0}}; }},
    {"KernelOfNoModule", "MODULE2", [](Parts &p) { kernel(p).code_module = 1; }},
    {"KernelBehindTheModules", "MODULE2",
     [](Parts &p) { p.plan.modules = {{0, p.code.size(), 0, 0}}, kernel(p).code_module = 1; }},
    {"KernelsOfOneName", "PLAN5",
     [](Parts &p) {
       p.plan.kernels.push_back(std::make_unique<plan::KernelT>());
       auto &k = *p.plan.kernels.back();
       k.name = kernel(p).name, k.threads = 32;
     }},
    {"GridTooLargeForAGpu", "LAUNCH3",
     [](Parts &p) { kernel(p).items = 1, launch(p).grid = uint64_t(1) << 31; }},

    {"MapOfNoPlace", "TMAP1", [](Parts &p) { tensorMap(p).place = 1; }},
    {"MapOfUnknownType", "TMAP1", [](Parts &p) { tensorMap(p).dtype = plan::DType(9); }},
    {"MapOfUnknownSwizzle", "TMAP1", [](Parts &p) { tensorMap(p).swizzle = plan::Swizzle(4); }},
    {"MapWithoutDimensions", "TMAP2",
     [](Parts &p) { tensorMap(p).dims.clear(), tensorMap(p).strides.clear(), tensorMap(p).box.clear(); }},
    {"MapWithTooManyStrides", "TMAP2", [](Parts &p) { tensorMap(p).strides.push_back(320); }},
    {"MapWithTooFewBoxExtents", "TMAP2", [](Parts &p) { tensorMap(p).box.pop_back(); }},
    {"MapOfAnEmptyDimension", "TMAP3", [](Parts &p) { tensorMap(p).dims[1] = 0; }},
    {"MapWithAnUnalignedStride", "TMAP3", [](Parts &p) { tensorMap(p).strides[0] = 328; }},
    {"MapWithAHugeStride", "TMAP3", [](Parts &p) { tensorMap(p).strides[0] = uint64_t(1) << 40; }},
    {"MapWithALargeBox", "TMAP3", [](Parts &p) { tensorMap(p).box[1] = 257; }},
    {"MapWithAnEmptyBox", "TMAP3", [](Parts &p) { tensorMap(p).box[1] = 0; }},
    {"MapWhoseBoxExceedsItsSwizzle", "TMAP4", [](Parts &p) { tensorMap(p).box[0] = 10; }},
    {"MapWithARaggedBox", "TMAP4", [](Parts &p) { tensorMap(p).box[0] = 3; }},
    {"MapOfAnotherType", "TMAP5", [](Parts &p) { tensorMap(p).dtype = plan::DType::F64; }},
    {"MapOfAnUnalignedPlace", "TMAP5",
     [](Parts &p) { launch(p).places[0] = place(kCounts, 8), tensorMap(p).dims[1] = 24; }},
    {"MapBehindItsBuffer", "TMAP5", [](Parts &p) { tensorMap(p).dims[1] = 26; }},
    {"MapBehindItsBufferFromItsPlace", "TMAP5", [](Parts &p) { launch(p).places[0] = place(kCounts, 16); }},

    {"GemmWithABiasPastItsBuffer", "GEMM2",
     [](Parts &p) { gemm(p).bias = std::make_unique<plan::Place>(place(kX, 152)); }},
    {"GemmWithABiasOfAnotherType", "GEMM2",
     [](Parts &p) { gemm(p).bias = std::make_unique<plan::Place>(place(kCounts, 0)); }},
    {"GemmOverItsBias", "GEMM3", [](Parts &p) { gemm(p).bias = std::make_unique<plan::Place>(*gemm(p).c); }},
    {"GemmOfMixedFactors", "GEMM5", [](Parts &p) { gemm(p).a_type = plan::DType::BF16; }},
    {"GemmOfIntegersOnAGpu", "GEMM5",
     [](Parts &p) { gemm(p).a_type = gemm(p).b_type = gemm(p).c_type = plan::DType::I64; }},
    {"GemmOfAnotherTypeThanItsBuffer", "GEMM2",
     [](Parts &p) { gemm(p).a_type = gemm(p).b_type = plan::DType::BF16; }},
};

INSTANTIATE_TEST_SUITE_P(Plan, VerifyGpuRule, testing::ValuesIn(kGpuCases),
                         [](auto &info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(Plan, VerifyRule, testing::ValuesIn(kCases),
                         [](auto &info) { return info.param.name; });

TEST(Verify, AcceptsModulesOfAGpu) {
  auto parts = validGpu();
  uint64_t half = parts.code.size() / 2;
  parts.code[half - 1] = std::byte(0);
  parts.plan.modules = {{0, half, 0, 0}, {half, parts.code.size() - half, 0, 0}};
  kernel(parts).code_module = 1;
  EXPECT_EQ(loadError(assemble(parts)), "");
}

TEST(Verify, NamesTheBufferAtFault) {
  auto parts = valid();
  buffer(parts, kX).name = "x\033[31m";
  buffer(parts, kX).offset = 4;
  auto message = loadError(assemble(parts));
  EXPECT_NE(message.find("buffer 'x?[31m' (offset 4, 160 bytes)"), std::string::npos) << message;
}

TEST(Verify, NamesTheCommandAtFault) {
  auto parts = valid();
  gemm(parts).ldc = 3;
  auto message = loadError(assemble(parts));
  EXPECT_NE(message.find("function 'forward', command 0 'h': C is 5 x 4 with leading dimension 3"),
            std::string::npos)
      << message;
}

TEST(Verify, AcceptsAParameterWithoutTraining) {
  auto parts = valid();
  for (auto &p : parts.plan.parameters) p->gradient = p->moment1 = p->moment2 = p->ema = abi::kNoBuffer;
  EXPECT_EQ(loadError(assemble(parts)), "");
}

TEST(Verify, RejectsUnknownActions) {
  auto parts = valid();
  assemble(parts);
  auto bytes = pack(parts.plan);
  auto *command = plan::GetPlan(bytes.data())->functions()->Get(0)->commands()->Get(1);
  auto *type =
      reinterpret_cast<const flatbuffers::Table *>(command)->GetAddressOf(plan::Command::VT_ACTION_TYPE);
  for (int unknown : {0, 9}) {
    const_cast<uint8_t &>(*type) = uint8_t(unknown);
    auto message = loadError(assemble(bytes, parts));
    EXPECT_NE(message.find(fmt::format("command 1 'clear': unknown action {} [COMMAND1]", unknown)),
              std::string::npos)
        << message;
  }
}

/// A plan with little in it, whose arena_bytes lie on an address that is 4 modulo 8.
std::vector<std::byte> planWithMisalignedArenas() {
  for (int padding = 0; padding < 4; ++padding) {
    flatbuffers::FlatBufferBuilder b;
    auto compiler = b.CreateString("test"), target = b.CreateString("x86_64"), spec = b.CreateString("{}");
    for (int i = 0; i < padding; ++i) b.PushElement<uint32_t>(0);
    b.StartVector(14, sizeof(uint32_t)); // seven 8-byte elements, pushed as if they were 4-byte ones
    for (int i = 0; i < 14; ++i) b.PushElement<uint32_t>(0);
    flatbuffers::Offset<flatbuffers::Vector<uint64_t>> arenas(b.EndVector(7));
    plan::PlanBuilder p(b);
    p.add_abi_version(abi::kAbiVersion);
    p.add_compiler(compiler);
    p.add_target(target);
    p.add_spec(spec);
    p.add_spec_hash(hash64("{}"));
    p.add_arena_bytes(arenas);
    plan::FinishPlanBuffer(b, p.Finish());
    auto *begin = reinterpret_cast<const std::byte *>(b.GetBufferPointer());
    auto *data =
        reinterpret_cast<const std::byte *>(plan::GetPlan(b.GetBufferPointer())->arena_bytes()->Data());
    if ((data - begin) % 8 == 4) return {begin, begin + b.GetSize()};
  }
  return {};
}

TEST(Verify, RejectsMisalignedVectorsOf8ByteElements) {
  auto plan = planWithMisalignedArenas();
  ASSERT_FALSE(plan.empty());
  auto message = loadError(assemble(plan, Parts{}));
  EXPECT_NE(message.find("[PLAN1]"), std::string::npos) << message;
}

TEST(FindOverlap, AgreesWithAllPairs) {
  std::mt19937 random(7);
  auto pick = [&](uint32_t n) { return uint32_t(random() % n); };
  int found = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<verify::LiveRange> ranges(1 + pick(12));
    for (uint32_t i = 0; i < ranges.size(); ++i) {
      uint64_t begin = pick(40);
      uint32_t first = pick(20);
      ranges[i] = {begin, begin + pick(8), first, first + pick(5), i};
    }
    auto meet = [&](const verify::LiveRange &x, const verify::LiveRange &y) {
      return x.begin < y.end && y.begin < x.end && x.begin < x.end && y.begin < y.end && x.first <= y.last &&
             y.first <= x.last;
    };
    bool expected = false;
    for (auto &x : ranges)
      for (auto &y : ranges) expected |= x.index < y.index && meet(x, y);
    uint32_t a = 0, b = 0;
    bool actual = verify::findOverlap(ranges, a, b);
    ASSERT_EQ(actual, expected) << "round " << round;
    if (actual) {
      ASSERT_NE(a, b);
      EXPECT_TRUE(meet(ranges[a], ranges[b]));
    }
    found += actual;
  }
  EXPECT_GT(found, 100);
  EXPECT_LT(found, 2900);
}

} // namespace
} // namespace drawloom::test
