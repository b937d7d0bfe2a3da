// Files: atomic writes, whole reads, read-only maps. Every function throws Error (66 missing, 74 I/O).
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace drawloom {

/// Writes a file so that a reader, or a machine that loses power, sees the old content or the new content and
/// nothing between: a temporary name in the same folder, fsync, rename, fsync of the folder. Buffered.
///   AtomicFile f(path);  f.write(bytes);  f.commit();
/// Destruction without commit() removes the temporary file.
class AtomicFile {
public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Reserves blocks for `bytes` bytes, so that a full disk is seen before anything is written. A file system
  /// that cannot reserve is no error.
  void reserve(uint64_t bytes);
  void commit();
  uint64_t bytesWritten() const { return written; }

private:
  void flush();
  std::string path, temporary;
  std::vector<std::byte> pending;
  uint64_t written = 0;
  int fd = -1;
};

/// One call for small files.
void writeFileAtomically(const std::string &path, std::span<const std::byte> bytes);
void writeFileAtomically(const std::string &path, std::string_view text);

/// fsync of a folder: makes creations, renames and removals in it durable.
void syncFolder(const std::string &folder);

/// The whole content of a file.
std::vector<std::byte> readFile(const std::string &path);
std::string readTextFile(const std::string &path);

/// A whole file mapped read-only. An empty file gives an empty span.
class MappedFile {
public:
  MappedFile() = default;
  explicit MappedFile(const std::string &path);
  ~MappedFile();
  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;

  std::span<const std::byte> bytes() const { return {base, size}; }
  /// Tells the kernel that pages will be read at random (true) or in order (false).
  void adviseRandom(bool random) const;

private:
  const std::byte *base = nullptr;
  size_t size = 0;
};

} // namespace drawloom
