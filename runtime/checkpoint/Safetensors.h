// The safetensors format: u64 little-endian header length, a JSON header, then the tensors' bytes.
//   {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {"key":
//   "text"}}
// Offsets count from the end of the header; ranges are disjoint and cover the rest of the file without holes.
#pragma once
#include "runtime/support/File.h"
#include "runtime/support/Hash.h"
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace drawloom {

struct StoredTensor {
  std::string name;
  std::string dtype; // "F32", "I32", ...
  std::vector<uint64_t> shape;
  std::span<const std::byte> data;
};

/// A tensor over memory of the caller's, for writing.
template <class T> StoredTensor tensorOf(std::string name, std::vector<uint64_t> shape, std::span<T> data);

/// A safetensors file, mapped and checked as a whole when it is opened.
class SafetensorsFile {
public:
  /// Throws Error: 66 no such file, 65 with what is wrong (truncation, header, dtype, shape, overlap, holes).
  explicit SafetensorsFile(const std::string &path);

  const std::vector<StoredTensor> &tensors() const { return list; }
  /// nullptr when there is none of that name.
  const StoredTensor *find(const std::string &name) const;
  const std::map<std::string, std::string> &metadata() const { return meta; }
  const std::string &path() const { return name; }
  /// Of the whole file.
  Hash128 hash() const;

private:
  void readHeader(std::string_view header, std::span<const std::byte> data);
  void checkRanges(uint64_t dataBytes);

  std::string name;
  MappedFile file;
  std::vector<StoredTensor> list;
  std::vector<std::pair<uint64_t, uint64_t>> ranges; // data_offsets, in the order of `list`
  std::map<std::string, size_t> index;
  std::map<std::string, std::string> meta;
};

/// Writes the tensors in the given order (temporary name, fsync, rename) and returns the file's hash. Throws
/// Error(kIo).
Hash128 writeSafetensors(const std::string &path, const std::vector<StoredTensor> &tensors,
                         const std::map<std::string, std::string> &metadata = {});
/// Bytes that the file will have.
uint64_t safetensorsBytes(const std::vector<StoredTensor> &tensors,
                          const std::map<std::string, std::string> &metadata = {});

template <class T> constexpr const char *safetensorsType();
template <> constexpr const char *safetensorsType<float>() { return "F32"; }
template <> constexpr const char *safetensorsType<double>() { return "F64"; }
template <> constexpr const char *safetensorsType<int32_t>() { return "I32"; }
template <> constexpr const char *safetensorsType<int64_t>() { return "I64"; }
template <> constexpr const char *safetensorsType<uint8_t>() { return "U8"; }

template <class T> StoredTensor tensorOf(std::string name, std::vector<uint64_t> shape, std::span<T> data) {
  return {std::move(name), safetensorsType<std::remove_const_t<T>>(), std::move(shape), std::as_bytes(data)};
}

} // namespace drawloom
