// Artifacts: the bytes as they are, and with the plan's hash made right, so that the verifiers are reached.
#include "runtime/artifact/Artifact.h"
#include "runtime/abi/Abi.h"
#include "runtime/support/Hash.h"
#include "test/fuzz/Input.h"
#include <cstring>

using namespace drawloom;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto *bytes = reinterpret_cast<const std::byte *>(data);
  std::vector<std::byte> file(bytes, bytes + size);
  fuzz::accepting([&] { Artifact::fromBytes(file, "input"); });
  abi::FileHeader header;
  if (size < sizeof header) return 0;
  std::memcpy(&header, data, sizeof header);
  if (header.planOffset > size || header.planBytes > size - header.planOffset) return 0;
  header.planHash = hash64(std::span<const std::byte>(file).subspan(header.planOffset, header.planBytes));
  header.fileBytes = size;
  std::memcpy(file.data(), &header, sizeof header);
  fuzz::accepting([&] { Artifact::fromBytes(file, "input"); });
  return 0;
}
