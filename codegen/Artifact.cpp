#include "codegen/Artifact.h"
#include "runtime/abi/Abi.h"
#include "runtime/support/Hash.h"
#include <cstring>

namespace drawloom {

static constexpr uint64_t kPlanOffset = 64;

static uint64_t alignTo(uint64_t bytes, uint64_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

static std::vector<std::byte> pack(const plan::PlanT &plan) {
  flatbuffers::FlatBufferBuilder builder;
  plan::FinishPlanBuffer(builder, plan::Plan::Pack(builder, &plan));
  auto *begin = reinterpret_cast<const std::byte *>(builder.GetBufferPointer());
  return {begin, begin + builder.GetSize()};
}

std::vector<std::byte> assembleArtifact(plan::PlanT &plan, const std::vector<std::byte> &code) {
  plan.spec_hash = hash64(plan.spec);
  // The plan holds offsets behind itself. Its size does not depend on their values, so it is packed twice.
  plan.code = std::make_unique<plan::Segment>(0, 0, 0);
  plan.constants = std::make_unique<plan::Segment>(0, 0, 0);
  uint64_t codeOffset = alignTo(kPlanOffset + pack(plan).size(), abi::kSegmentAlignment);
  uint64_t end = alignTo(codeOffset + code.size(), abi::kSegmentAlignment);
  plan.code = std::make_unique<plan::Segment>(codeOffset, code.size(), hash64(code));
  plan.constants = std::make_unique<plan::Segment>(end, 0, hash64(std::string_view()));
  std::vector<std::byte> packed = pack(plan);

  abi::FileHeader header{};
  std::memcpy(header.magic, abi::kMagic, sizeof(header.magic));
  header.abiVersion = abi::kAbiVersion;
  header.headerBytes = sizeof(header);
  header.fileBytes = end;
  header.planOffset = kPlanOffset;
  header.planBytes = packed.size();
  header.planHash = hash64(packed);

  std::vector<std::byte> file(end);
  std::memcpy(file.data(), &header, sizeof(header));
  std::memcpy(file.data() + kPlanOffset, packed.data(), packed.size());
  if (!code.empty()) std::memcpy(file.data() + codeOffset, code.data(), code.size());
  return file;
}

} // namespace drawloom
