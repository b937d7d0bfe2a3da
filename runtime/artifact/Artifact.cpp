#include "runtime/artifact/Artifact.h"
#include "runtime/abi/Abi.h"
#include "runtime/artifact/Verify.h"
#include "runtime/support/Error.h"
#include "runtime/support/Hash.h"
#include "runtime/support/Phases.h"
#include <cstring>

namespace drawloom {

// Far above any model's plan and low enough that a hostile file cannot keep the verifier busy.
static constexpr uint32_t kMaxTables = 4'000'000, kMaxDepth = 16;
static constexpr uint64_t kPlanAlignment = 64, kMaxPlanBytes = uint64_t(1) << 30;
static constexpr const char *kRecompile = "compile the model again with 'drawloom compile'";

Artifact Artifact::open(const std::string &path) {
  Artifact a;
  a.label = path;
  a.file = MappedFile(path);
  a.check();
  return a;
}

Artifact Artifact::fromBytes(std::vector<std::byte> bytes, std::string name) {
  Artifact a;
  a.label = std::move(name);
  a.memory = std::move(bytes);
  a.check();
  return a;
}

std::span<const std::byte> Artifact::bytes() const { return memory.empty() ? file.bytes() : memory; }

std::span<const std::byte> Artifact::segment(const plan::Segment *s) const {
  return s ? bytes().subspan(s->offset(), s->bytes()) : std::span<const std::byte>();
}

std::vector<CodeModule> Artifact::modules() const {
  if (!root->modules()) return {{code(), sass()}};
  std::vector<CodeModule> all;
  for (const plan::CodeModule *m : *root->modules())
    all.push_back({code().subspan(m->code(), m->code_bytes()), sass().subspan(m->sass(), m->sass_bytes())});
  return all;
}

/// Reads the header and checks what it says about the file against the file.
static abi::FileHeader checkHeader(const std::string &name, std::span<const std::byte> bytes) {
  abi::FileHeader h;
  size_t magic = std::min(bytes.size(), sizeof(h.magic));
  if (magic == 0) fail(kBadInput, "{}: the file is empty; expected a Drawloom artifact", name);
  if (std::memcmp(bytes.data(), abi::kMagic, magic) != 0)
    failWithHint(kBadInput, "artifacts are made by 'drawloom compile SPEC -o MODEL.loom'",
                 "{}: not a Drawloom artifact (it does not start with \"DRAWLOOM\")", name);
  if (bytes.size() < sizeof(h))
    fail(kBadInput, "{}: truncated: the header has {} bytes, the file {}", name, sizeof(h), bytes.size());
  std::memcpy(&h, bytes.data(), sizeof(h));
  if (h.abiVersion != abi::kAbiVersion)
    failWithHint(kBadInput, kRecompile,
                 "{}: made for version {} of the artifact format; this runtime reads version {}", name,
                 h.abiVersion, abi::kAbiVersion);
  if (h.headerBytes != sizeof(h))
    fail(kBadInput, "{}: the header says it has {} bytes; expected {}", name, h.headerBytes, sizeof(h));
  if (h.fileBytes > bytes.size())
    failWithHint(kBadInput, "copy the file again, or " + std::string(kRecompile),
                 "{}: truncated: expected {} bytes, found {}", name, h.fileBytes, bytes.size());
  if (h.fileBytes < bytes.size())
    fail(kBadInput, "{}: {} unexpected bytes after the artifact's {}", name, bytes.size() - h.fileBytes,
         h.fileBytes);
  if (h.planOffset < sizeof(h) || h.planOffset % kPlanAlignment != 0 || h.planOffset > bytes.size() ||
      h.planBytes > bytes.size() - h.planOffset || h.planBytes > kMaxPlanBytes)
    fail(kBadInput, "{}: the plan's place (offset {}, {} bytes) is not a {}-aligned range of the file", name,
         h.planOffset, h.planBytes, kPlanAlignment);
  return h;
}

void Artifact::check() {
  PhaseTimer phase("check artifact");
  auto h = checkHeader(label, bytes());
  auto planBytes = bytes().subspan(h.planOffset, h.planBytes);
  if (hash64(planBytes) != h.planHash)
    failWithHint(kBadInput, kRecompile, "{}: corrupted: the plan does not match its hash", label);
  auto *data = reinterpret_cast<const uint8_t *>(planBytes.data());
  flatbuffers::Verifier verifier(data, planBytes.size(), kMaxDepth, kMaxTables);
  if (!plan::VerifyPlanBuffer(verifier))
    failWithHint(kBadInput, kRecompile, "{}: corrupted: the plan is not a well-formed FlatBuffer", label);
  root = plan::GetPlan(data);
  verifyPlan(*root, {label, bytes(), h.planOffset + h.planBytes});
}

} // namespace drawloom
