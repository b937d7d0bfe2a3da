#include "runtime/support/File.h"
#include "runtime/support/Error.h"
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace drawloom {

static constexpr size_t kWriteBuffer = size_t(1) << 20;

namespace {
/// A file descriptor that closes itself.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};
} // namespace

/// The folder that holds `path`; "." for a bare name.
static std::string folderOf(const std::string &path) {
  auto parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

static void writeFully(int fd, std::span<const std::byte> bytes, const std::string &path) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) failErrno(n < 0 ? errno : EIO, fmt::format("cannot write '{}'", path));
    bytes = bytes.subspan(size_t(n));
  }
}

AtomicFile::AtomicFile(std::string p) : path(std::move(p)) {
  static std::atomic<unsigned> serial{0};
  temporary = fmt::format("{}.tmp.{}.{}", path, ::getpid(), serial++);
  fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) failErrno(errno, fmt::format("cannot create '{}'", temporary));
}

AtomicFile::~AtomicFile() {
  if (fd < 0) return;
  ::close(fd);
  ::unlink(temporary.c_str());
}

void AtomicFile::flush() {
  writeFully(fd, pending, temporary);
  pending.clear();
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  written += bytes.size();
  if (pending.size() + bytes.size() <= kWriteBuffer) {
    pending.insert(pending.end(), bytes.begin(), bytes.end());
    return;
  }
  flush();
  writeFully(fd, bytes, temporary);
}

void AtomicFile::reserve(uint64_t bytes) {
  if (bytes == 0) return;
  int code = ::posix_fallocate(fd, 0, off_t(bytes));
  if (code == ENOSPC || code == EFBIG || code == EDQUOT)
    failErrno(code, fmt::format("cannot reserve {} bytes for '{}'", bytes, temporary));
}

void AtomicFile::commit() {
  flush();
  // A reservation may have been larger than what was written.
  if (::ftruncate(fd, off_t(written)) != 0)
    failErrno(errno, fmt::format("cannot set the size of '{}'", temporary));
  if (::fsync(fd) != 0) failErrno(errno, fmt::format("cannot write '{}' to disk", temporary));
  int closing = std::exchange(fd, -1);
  // Some file systems report a full quota only here.
  if (::close(closing) != 0) {
    int code = errno;
    ::unlink(temporary.c_str());
    failErrno(code, fmt::format("cannot write '{}' to disk", temporary));
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    int code = errno;
    ::unlink(temporary.c_str());
    failErrno(code, fmt::format("cannot rename '{}' to '{}'", temporary, path));
  }
  syncFolder(folderOf(path));
}

void writeFileAtomically(const std::string &path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void writeFileAtomically(const std::string &path, std::string_view text) {
  writeFileAtomically(path, std::as_bytes(std::span(text)));
}

void syncFolder(const std::string &folder) {
  Descriptor d{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (d.fd < 0) failErrno(errno, fmt::format("cannot open folder '{}'", folder));
  // EINVAL: a file system without durable folders; nothing more can be done.
  if (::fsync(d.fd) != 0 && errno != EINVAL)
    failErrno(errno, fmt::format("cannot write folder '{}' to disk", folder));
}

/// Opens a regular file for reading and gives its size.
static std::pair<int, uint64_t> openForReading(const std::string &path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) failErrno(errno, fmt::format("cannot open '{}'", path), true);
  struct stat s{};
  if (::fstat(fd, &s) != 0) {
    int code = errno;
    ::close(fd);
    failErrno(code, fmt::format("cannot read '{}'", path), true);
  }
  if (!S_ISREG(s.st_mode)) {
    ::close(fd);
    fail(kBadInput, "'{}' is not a regular file", path);
  }
  return {fd, uint64_t(s.st_size)};
}

/// Reads a whole file into a container of bytes.
template <class Container> static Container readInto(const std::string &path) {
  auto [fd, size] = openForReading(path);
  Descriptor d{fd};
  Container content;
  content.resize(size);
  size_t have = 0;
  while (have < content.size()) {
    ssize_t n = ::read(fd, content.data() + have, content.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) failErrno(errno, fmt::format("cannot read '{}'", path), true);
    if (n == 0) break; // the file shrank while it was read
    have += size_t(n);
  }
  content.resize(have);
  return content;
}

std::vector<std::byte> readFile(const std::string &path) { return readInto<std::vector<std::byte>>(path); }
std::string readTextFile(const std::string &path) { return readInto<std::string>(path); }

MappedFile::MappedFile(const std::string &path) {
  auto [fd, bytes] = openForReading(path);
  Descriptor d{fd};
  if (bytes == 0) return;
  void *p = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
  if (p == MAP_FAILED) failErrno(errno, fmt::format("cannot map '{}'", path), true);
  base = static_cast<const std::byte *>(p);
  size = bytes;
}

MappedFile::~MappedFile() {
  if (base) ::munmap(const_cast<std::byte *>(base), size);
}

MappedFile::MappedFile(MappedFile &&other) noexcept
    : base(std::exchange(other.base, nullptr)), size(std::exchange(other.size, 0)) {}

MappedFile &MappedFile::operator=(MappedFile &&other) noexcept {
  std::swap(base, other.base);
  std::swap(size, other.size);
  return *this;
}

void MappedFile::adviseRandom(bool random) const {
  if (base) ::madvise(const_cast<std::byte *>(base), size, random ? MADV_RANDOM : MADV_SEQUENTIAL);
}

} // namespace drawloom
