#include "runtime/data/DataSet.h"
#include "runtime/data/Audio.h"
#include "runtime/data/Files.h"
#include "runtime/data/Images.h"
#include "runtime/data/Text.h"
#include "runtime/support/Error.h"
#include "runtime/support/Format.h"
#include "runtime/support/Hash.h"
#include <algorithm>
#include <vector>

namespace drawloom {

std::string DataFormat::amount(uint64_t bytes) const {
  if (wholeItems()) return fmt::format("{} {}s", bytes / itemBytes, item);
  if (rate > 0) return formatDuration(double(bytes) / double(rate));
  return formatBytes(bytes);
}

size_t DataSet::read(uint64_t start, std::span<uint8_t> out) const {
  if (start >= size()) return 0;
  size_t count = size_t(std::min<uint64_t>(out.size(), size() - start));
  copy(start, out.first(count));
  return count;
}

uint64_t DataSet::fingerprint() const {
  std::vector<uint8_t> part(size_t(std::min<uint64_t>(size(), uint64_t(1) << 20)));
  auto hashFrom = [&](uint64_t start) {
    read(start, part);
    return hash64(std::as_bytes(std::span(part)));
  };
  std::array<uint64_t, 3> summary{size(), hashFrom(0), hashFrom(size() - part.size())};
  return hash64(std::as_bytes(std::span(summary)));
}

void FlatData::copy(uint64_t start, std::span<uint8_t> out) const {
  std::copy_n(flat.begin() + ptrdiff_t(start), out.size(), out.begin());
}

std::unique_ptr<DataSet> openData(std::string_view kind, const std::string &path, int64_t rate) {
  requireExists(path);
  if (kind == "text") return std::make_unique<Text>(path);
  if (kind == "images") return openImages(path);
  if (kind == "audio") return openAudio(path, rate);
  fail(kUsage, "no kind of data is called '{}': expected text, images or audio", kind);
}

std::string_view guessKind(const std::string &path) {
  if (!cifarFiles(path).empty() || !filesNamed(path, kImageEndings).empty()) return "images";
  return filesNamed(path, kAudioEndings).empty() ? "text" : "audio";
}

Split splitData(const DataSet &data, const std::array<double, 3> &parts) {
  uint64_t bytes = data.format().itemBytes;
  auto scaled = [&](Range r) { return Range{r.begin * bytes, r.end * bytes}; };
  Split s = splitData(data.items(), parts, data.format().item);
  return {scaled(s.train), scaled(s.valid), scaled(s.test)};
}

} // namespace drawloom
