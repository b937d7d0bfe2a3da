// A stand-in for CUPTI: whatever is traced, three kernels ran, of which one has no times. FAKE_CUPTI_ERROR is
// what it answers when it is turned on.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr size_t kRecord = 208; // longer than what is read of it
constexpr int kNoMore = 12;     // CUPTI_ERROR_MAX_LIMIT_REACHED

void (*request)(uint8_t **, size_t *, size_t *);
void (*complete)(void *, uint32_t, uint8_t *, size_t, size_t);
bool isOn = false, isTold = false;

template <class T> void put(uint8_t *record, size_t at, T value) {
  std::memcpy(record + at, &value, sizeof value);
}

void putKernel(uint8_t *record, const char *name, uint64_t start, uint64_t end) {
  put(record, 0, uint32_t(10));
  put(record, 6, uint16_t(168)); // registers
  put(record, 16, start), put(record, 24, end);
  put(record, 48, uint32_t(7)); // stream
  for (int d = 0; d < 3; ++d)
    put(record, 52 + 4 * d, int32_t(d + 1)), put(record, 64 + 4 * d, int32_t(d + 128));
  put(record, 76, int32_t(16)), put(record, 80, int32_t(1024)); // shared memory
  put(record, 104, name);
}

} // namespace

extern "C" {

int cuptiActivityRegisterCallbacks(decltype(request) r, decltype(complete) c) {
  request = r, complete = c;
  return 0;
}

int cuptiActivityEnable(int) {
  if (const char *error = std::getenv("FAKE_CUPTI_ERROR")) return std::atoi(error);
  isOn = true, isTold = false;
  return 0;
}

int cuptiActivityDisable(int) {
  isOn = false;
  return 0;
}

int cuptiGetTimestamp(uint64_t *now) {
  *now = 1'000'000;
  return 0;
}

int cuptiActivityFlushAll(uint32_t) {
  if (!isOn || isTold) return 0;
  isTold = true;
  uint8_t *buffer = nullptr;
  size_t size = 0, most = 0;
  request(&buffer, &size, &most);
  if (size < 4 * kRecord) return 1;
  std::memset(buffer, 0, 4 * kRecord);
  putKernel(buffer, "second", 1'005'000, 1'006'500);
  put(buffer + kRecord, 0, uint32_t(1)); // a copy
  putKernel(buffer + 2 * kRecord, "first", 1'002'000, 1'003'000);
  putKernel(buffer + 3 * kRecord, "without times", 0, 0);
  complete(nullptr, 0, buffer, size, 4 * kRecord);
  return 0;
}

int cuptiActivityGetNextRecord(uint8_t *buffer, size_t used, void **record) {
  auto *next = *record ? static_cast<uint8_t *>(*record) + kRecord : buffer;
  if (next >= buffer + used) return kNoMore;
  *record = next;
  return 0;
}
}
