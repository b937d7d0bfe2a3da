#include "runtime/train/EventFile.h"
#include "runtime/support/Error.h"
#include "runtime/train/Crc32c.h"
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <unistd.h>

namespace drawloom {

// Protobuf's wire types.
enum Wire : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

template <class T> static void putRaw(std::string &to, T value) {
  to.append(reinterpret_cast<const char *>(&value),
            sizeof value); // the format and every host we run on are little-endian
}
static void putVarint(std::string &to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(char(value | 0x80));
  to.push_back(char(value));
}
static void putKey(std::string &to, uint32_t field, Wire wire) { putVarint(to, field << 3 | wire); }
static void putBytes(std::string &to, uint32_t field, std::string_view bytes) {
  putKey(to, field, kBytes);
  putVarint(to, bytes.size());
  to.append(bytes);
}

static std::string eventHead(double wallTime, int64_t step) {
  std::string e;
  putKey(e, 1, kFixed64);
  putRaw(e, wallTime);
  putKey(e, 2, kVarint);
  putVarint(e, uint64_t(step));
  return e;
}

std::string tensorboardRecord(std::string_view message) {
  std::string r;
  putRaw(r, uint64_t(message.size()));
  putRaw(r, maskedCrc32c(r));
  r.append(message);
  putRaw(r, maskedCrc32c(message));
  return r;
}

std::string scalarEvent(double wallTime, int64_t step,
                        const std::vector<std::pair<std::string, float>> &scalars) {
  std::string summary;
  for (const auto &[tag, number] : scalars) {
    std::string value;
    putBytes(value, 1, tag);
    putKey(value, 2, kFixed32);
    putRaw(value, number);
    putBytes(summary, 1, value);
  }
  std::string e = eventHead(wallTime, step);
  putBytes(e, 5, summary);
  return e;
}

static double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

EventFile::EventFile(const std::string &folder, int64_t startStep)
    : path(fmt::format("{}/events.out.tfevents.{:010}.drawloom.{}", folder, int64_t(now()), ::getpid())),
      file(path, std::ios::binary | std::ios::app) {
  if (!file) failErrno(errno, fmt::format("cannot create '{}'", path));
  std::string version = eventHead(now(), 0);
  putBytes(version, 3, "brain.Event:2");
  write(version);
  if (startStep == 0) return;
  std::string
      status; // SessionLog { status = START }: TensorBoard drops later steps of a run that was cut off
  putKey(status, 1, kVarint);
  putVarint(status, 1);
  std::string restart = eventHead(now(), startStep);
  putBytes(restart, 7, status);
  write(restart);
}

void EventFile::add(int64_t step, const std::vector<std::pair<std::string, float>> &scalars) {
  write(scalarEvent(now(), step, scalars));
}

void EventFile::write(std::string_view message) {
  file << tensorboardRecord(message);
  file.flush();
  if (!file) failErrno(errno ? errno : EIO, fmt::format("cannot write '{}'", path));
}

} // namespace drawloom
