#include "runtime/sample/SampleOutput.h"
#include "runtime/data/Audio.h"
#include "runtime/sample/Sheet.h"
#include "runtime/support/Error.h"
#include "runtime/support/File.h"
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <unistd.h>

namespace drawloom {
namespace fs = std::filesystem;

Streamer::Streamer() : terminal(::isatty(STDOUT_FILENO) == 1) {}

void Streamer::show(const std::string &s) {
  std::fwrite(s.data(), 1, s.size(), stdout);
  if (!s.empty()) std::fflush(stdout);
  require(!std::ferror(stdout), kIo, "cannot write to stdout");
}

void DrawingProgress::show(uint64_t done, uint64_t position) {
  bool terminal = ::isatty(STDERR_FILENO) == 1;
  if (sinceLine.seconds() < (terminal ? 0.1 : 10)) return;
  sinceLine.restart();
  fmt::print(stderr, "{}{} of {} samples, {} of {} bytes of the next{}", terminal ? "\r" : "", done, samples,
             position, bytes, terminal ? "\x1b[K" : "\n");
  std::fflush(stderr);
  open = terminal;
}

DrawingProgress::~DrawingProgress() {
  if (open) fmt::print(stderr, "\r\x1b[K");
}

std::string numberedPath(const std::string &path, uint64_t number, uint64_t count) {
  if (count == 1) return path;
  fs::path p(path);
  size_t digits = fmt::formatted_size("{}", count);
  return p.replace_filename(
      fmt::format("{}-{:0{}}{}", p.stem().string(), number, digits, p.extension().string()));
}

void requireWritable(const std::string &path) {
  fs::path folder = fs::path(path).parent_path();
  if (::access(folder.empty() ? "." : folder.c_str(), W_OK) == 0) return;
  failErrno(errno, fmt::format("cannot write '{}'", path));
}

void writeSamples(const std::string &path, const TrainSpec &spec, const std::vector<Sample> &samples) {
  for (size_t k = 0; k < samples.size(); ++k) {
    std::string file = numberedPath(path, k + 1, samples.size()), bytes = samples[k].whole();
    if (spec.data.kind == "images")
      writePng(file, imageOf(bytes, spec.model.image));
    else if (spec.data.kind == "audio")
      writeWav(file, {reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()}, spec.data.rate);
    else
      writeFileAtomically(file, bytes);
  }
}

void writeSheet(const std::string &path, ImageShape shape, const std::vector<Sample> &samples) {
  std::vector<Image> cells;
  bool completed = !samples[0].original.empty();
  for (const Sample &s : samples) {
    if (completed) cells.push_back(imageOf(s.given, shape));
    cells.push_back(imageOf(s.whole(), shape));
    if (completed) cells.push_back(imageOf(s.original, shape));
  }
  writePng(path, contactSheet(cells, sheetColumns(cells.size(), completed ? 3 : 1, shape)));
}

} // namespace drawloom
