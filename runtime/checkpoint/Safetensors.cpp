#include "runtime/checkpoint/Safetensors.h"
#include "runtime/checkpoint/StrictJson.h"
#include "runtime/support/Error.h"
#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>

namespace drawloom {

static_assert(std::endian::native == std::endian::little,
              "safetensors data is little-endian, written as it lies in memory");

static constexpr uint64_t kMaxHeader = 100'000'000; // the limit of the format's reference reader
static constexpr const char *kMetadata = "__metadata__";

static std::optional<uint64_t> elementBytes(const std::string &dtype) {
  static const std::map<std::string, uint64_t> sizes{
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},
      {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},     {"I64", 8},     {"U64", 8}, {"F64", 8}};
  auto it = sizes.find(dtype);
  return it == sizes.end() ? std::nullopt : std::optional(it->second);
}

SafetensorsFile::SafetensorsFile(const std::string &path) : name(path), file(path) {
  auto bytes = file.bytes();
  require(bytes.size() >= 8, kBadInput, "{}: not a safetensors file: expected at least 8 bytes, found {}",
          name, bytes.size());
  uint64_t headerBytes;
  std::memcpy(&headerBytes, bytes.data(), 8);
  require(headerBytes <= kMaxHeader, kBadInput, "{}: not a safetensors file: header length {} exceeds {}",
          name, headerBytes, kMaxHeader);
  require(headerBytes <= bytes.size() - 8, kBadInput,
          "{}: truncated: the header has {} bytes, the file ends after {}", name, headerBytes,
          bytes.size() - 8);
  auto rest = bytes.subspan(8);
  readHeader({reinterpret_cast<const char *>(rest.data()), size_t(headerBytes)}, rest.subspan(headerBytes));
}

/// A whole number that is not negative, or nothing.
static std::optional<uint64_t> asCount(const Json &v) {
  if (v.is_number_unsigned()) return v.get<uint64_t>();
  if (v.is_number_integer() && v.get<int64_t>() >= 0) return uint64_t(v.get<int64_t>());
  return std::nullopt;
}

static std::vector<uint64_t> countsOf(const Json &entry, const char *key, const std::string &where) {
  require(entry.contains(key) && entry[key].is_array(), kBadInput, "{}: expected an array \"{}\"", where,
          key);
  std::vector<uint64_t> out;
  for (const Json &v : entry[key]) {
    auto count = asCount(v);
    require(count.has_value(), kBadInput, "{}: \"{}\" holds {}, expected whole numbers from 0 up", where, key,
            v.dump());
    out.push_back(*count);
  }
  return out;
}

void SafetensorsFile::readHeader(std::string_view header, std::span<const std::byte> data) {
  Json json = parseStrictJson(header, name);
  require(json.is_object(), kBadInput, "{}: expected a JSON object as header", name);
  for (const auto &[key, entry] : json.items()) {
    std::string where = fmt::format("{}: tensor '{}'", name, key);
    require(entry.is_object(), kBadInput, "{}: expected an object", where);
    if (key == kMetadata) {
      for (const auto &[k, v] : entry.items()) {
        require(v.is_string(), kBadInput, "{}: metadata \"{}\" is no text", name, k);
        meta[k] = v.get<std::string>();
      }
      continue;
    }
    require(entry.contains("dtype") && entry["dtype"].is_string(), kBadInput, "{}: no dtype", where);
    auto dtype = entry["dtype"].get<std::string>();
    auto size = elementBytes(dtype);
    require(size.has_value(), kBadInput, "{}: unknown dtype '{}'", where, dtype);
    auto shape = countsOf(entry, "shape", where), range = countsOf(entry, "data_offsets", where);
    require(range.size() == 2 && range[0] <= range[1], kBadInput, "{}: data_offsets is no [begin, end]",
            where);
    require(range[1] <= data.size(), kBadInput,
            "{}: truncated: its data ends at byte {}, the file holds {} bytes of data", where, range[1],
            data.size());
    uint64_t bytes = *size;
    for (uint64_t extent : shape)
      require(!__builtin_mul_overflow(bytes, extent, &bytes), kBadInput, "{}: its shape overflows", where);
    require(bytes == range[1] - range[0], kBadInput,
            "{}: dtype and shape call for {} bytes, data_offsets for {}", where, bytes, range[1] - range[0]);
    index[key] = list.size();
    ranges.emplace_back(range[0], range[1]);
    list.push_back({key, dtype, shape, data.subspan(range[0], bytes)});
  }
  checkRanges(data.size());
}

void SafetensorsFile::checkRanges(uint64_t dataBytes) {
  std::vector<size_t> order(list.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return ranges[a] < ranges[b]; });
  uint64_t at = 0;
  for (size_t k : order) {
    require(ranges[k].first >= at, kBadInput, "{}: tensor '{}' overlaps the one before it", name,
            list[k].name);
    require(ranges[k].first == at, kBadInput, "{}: {} unused bytes before tensor '{}'", name,
            ranges[k].first - at, list[k].name);
    at = ranges[k].second;
  }
  require(at == dataBytes, kBadInput, "{}: {} bytes of data belong to no tensor", name, dataBytes - at);
}

const StoredTensor *SafetensorsFile::find(const std::string &tensor) const {
  auto it = index.find(tensor);
  return it == index.end() ? nullptr : &list[it->second];
}

static std::string headerOf(const std::vector<StoredTensor> &tensors,
                            const std::map<std::string, std::string> &metadata) {
  Json json = Json::object();
  if (!metadata.empty()) json[kMetadata] = metadata;
  uint64_t at = 0;
  for (const StoredTensor &t : tensors) {
    json[t.name] = {{"dtype", t.dtype}, {"shape", t.shape}, {"data_offsets", {at, at + t.data.size()}}};
    at += t.data.size();
  }
  std::string header = json.dump();
  header.resize((header.size() + 7) / 8 * 8, ' '); // so that tensors are 8-byte aligned in a mapping
  return header;
}

uint64_t safetensorsBytes(const std::vector<StoredTensor> &tensors,
                          const std::map<std::string, std::string> &metadata) {
  uint64_t bytes = 8 + headerOf(tensors, metadata).size();
  for (const StoredTensor &t : tensors) bytes += t.data.size();
  return bytes;
}

Hash128 SafetensorsFile::hash() const {
  Hasher128 hasher;
  hasher.add(file.bytes());
  return hasher.result();
}

Hash128 writeSafetensors(const std::string &path, const std::vector<StoredTensor> &tensors,
                         const std::map<std::string, std::string> &metadata) {
  std::string header = headerOf(tensors, metadata);
  uint64_t length = header.size();
  AtomicFile file(path);
  file.reserve(safetensorsBytes(tensors, metadata));
  Hasher128 hasher;
  auto write = [&](std::span<const std::byte> bytes) {
    hasher.add(bytes);
    file.write(bytes);
  };
  write(std::as_bytes(std::span(&length, 1)));
  write(std::as_bytes(std::span(header)));
  for (const StoredTensor &t : tensors) write(t.data);
  file.commit();
  return hasher.result();
}

} // namespace drawloom
