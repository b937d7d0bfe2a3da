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

namespace {

/// The file behind the plan, segment by segment.
class Layout {
public:
  explicit Layout(uint64_t begin) : end(alignTo(begin, abi::kSegmentAlignment)) {}

  std::unique_ptr<plan::Segment> add(const std::vector<std::byte> &content) {
    auto segment = std::make_unique<plan::Segment>(end, content.size(), hash64(content));
    parts.push_back({end, &content});
    end = alignTo(end + content.size(), abi::kSegmentAlignment);
    return segment;
  }
  void write(std::vector<std::byte> &file) const {
    for (auto &[offset, content] : parts) std::copy(content->begin(), content->end(), file.begin() + offset);
  }
  uint64_t end;

private:
  std::vector<std::pair<uint64_t, const std::vector<std::byte> *>> parts;
};

} // namespace

std::vector<std::byte> assembleArtifact(plan::PlanT &plan, const std::vector<std::byte> &code,
                                        const std::vector<std::byte> &cubin) {
  plan.spec_hash = hash64(plan.spec);
  // The plan holds offsets behind itself. Its size does not depend on their values, so it is packed twice.
  const std::vector<std::byte> constants;
  plan.code = std::make_unique<plan::Segment>(0, 0, 0);
  plan.constants = std::make_unique<plan::Segment>(0, 0, 0);
  if (!cubin.empty()) plan.sass = std::make_unique<plan::Segment>(0, 0, 0);
  Layout layout(kPlanOffset + pack(plan).size());
  plan.code = layout.add(code);
  plan.constants = layout.add(constants);
  if (!cubin.empty()) plan.sass = layout.add(cubin);
  std::vector<std::byte> packed = pack(plan);

  abi::FileHeader header{};
  std::memcpy(header.magic, abi::kMagic, sizeof(header.magic));
  header.abiVersion = abi::kAbiVersion;
  header.headerBytes = sizeof(header);
  header.fileBytes = layout.end;
  header.planOffset = kPlanOffset;
  header.planBytes = packed.size();
  header.planHash = hash64(packed);

  std::vector<std::byte> file(layout.end);
  std::memcpy(file.data(), &header, sizeof(header));
  std::memcpy(file.data() + kPlanOffset, packed.data(), packed.size());
  layout.write(file);
  return file;
}

} // namespace drawloom
