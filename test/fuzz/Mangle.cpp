// drawloom-mangle: cuts a real artifact or checkpoint off at every byte and flips random bytes of it, and
// sees that each is refused with a clear error or loads as what it was. Built with sanitizers, it finds what
// reads too far.
//
//   drawloom-mangle artifact MODEL.loom [--flips N] [--every K] [--seed S]
//   drawloom-mangle checkpoint MODEL.loom FOLDER [--flips N] [--every K] [--seed S]
#include "runtime/abi/Abi.h"
#include "runtime/artifact/Artifact.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/support/Error.h"
#include "runtime/support/Hash.h"
#include <charconv>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <filesystem>
#include <random>
#include <unistd.h>

namespace drawloom {
namespace {

namespace fs = std::filesystem;

struct Options {
  uint64_t flips = 2000, every = 1, seed = 1;
};

/// How often which happened.
struct Tally {
  uint64_t cuts = 0, flips = 0, refused = 0, loaded = 0;
};

void print(const std::string &what, const Tally &t, const char *loaded) {
  fmt::print("{}: {} truncations and {} flips: {} refused, {} {}\n", what, t.cuts, t.flips, t.refused,
             t.loaded, loaded);
}
constexpr const char *kAsBefore = "loaded as what they were";

/// Runs `load`; true if it succeeds. Anything but an Error that says what is wrong with the input goes on to
/// end the program.
template <class Load> bool loads(Tally &tally, Load &&load) {
  try {
    load();
    ++tally.loaded;
    return true;
  } catch (const Error &e) {
    if ((e.exitCode != kBadInput && e.exitCode != kOutOfMemory) || !*e.what()) throw;
    ++tally.refused;
    return false;
  }
}

/// A place and what is XORed to the byte there.
struct Flip {
  uint64_t at;
  std::byte bits;
};

/// Half of the flips anywhere, half among the first bytes, which say how the rest is read.
Flip randomFlip(std::mt19937_64 &random, uint64_t size) {
  constexpr uint64_t kHead = 8192;
  uint64_t range = random() % 2 ? size : std::min(size, kHead);
  return {random() % range, std::byte(1 + random() % 255)};
}

std::string placeOf(uint64_t at) { return fmt::format("byte {}", at); }

//===-- artifacts --------------------------------------------------------------------------------===//

class Artifacts {
public:
  Artifacts(std::vector<std::byte> bytes, const Options &o)
      : good(std::move(bytes)), options(o), random(o.seed) {
    std::memcpy(&header, good.data(), sizeof header);
    Artifact artifact = Artifact::fromBytes(good, "the artifact");
    meaningful = {{0, sizeof header}, {header.planOffset, header.planOffset + header.planBytes}};
    const plan::Plan &p = artifact.plan();
    for (const plan::Segment *s : {p.code(), p.constants(), p.sass()})
      if (s) meaningful.push_back({s->offset(), s->offset() + s->bytes()});
  }

  void run() {
    cut();
    flip();
    print("artifact", std::exchange(tally, {}), kAsBefore);
    flipBehindTheHash();
    print("plan behind a right hash", tally, "verified");
  }

private:
  void cut() {
    for (uint64_t size = 0; size < good.size(); size += options.every, ++tally.cuts)
      if (loads(tally, [&] { Artifact::fromBytes({good.begin(), good.begin() + ptrdiff_t(size)}, "cut"); }))
        fail(kFailed, "an artifact cut off at {} loads", placeOf(size));
  }

  void flip() {
    for (uint64_t k = 0; k < options.flips; ++k, ++tally.flips) {
      auto [at, bits] = randomFlip(random, good.size());
      std::vector<std::byte> bad = good;
      bad[at] ^= bits;
      bool loaded = loads(tally, [&] { Artifact::fromBytes(std::move(bad), "flipped"); });
      for (auto [begin, end] : meaningful)
        require(!loaded || at < begin || at >= end, kFailed, "an artifact with {} changed loads",
                placeOf(at));
    }
  }

  /// A plan with a changed byte and the hash that belongs to it: only the verifiers stand between it and the
  /// runtime. What they let through gets its memory, but is not run.
  void flipBehindTheHash() {
    for (uint64_t k = 0; k < options.flips; ++k, ++tally.flips) {
      uint64_t at = header.planOffset + random() % header.planBytes;
      std::vector<std::byte> bad = good;
      bad[at] ^= std::byte(1 + random() % 255);
      abi::FileHeader h = header;
      h.planHash = hash64(std::span<const std::byte>(bad).subspan(h.planOffset, h.planBytes));
      std::memcpy(bad.data(), &h, sizeof h);
      std::optional<Artifact> artifact;
      if (!loads(tally, [&] { artifact = Artifact::fromBytes(bad, "flipped"); }) || k % 16 != 0) continue;
      try {
        Program::fromBytes(std::move(bad), {.threads = 1}, "flipped");
      } catch (const Error &e) {
        if (e.exitCode == kInternal) throw;
      }
    }
  }

  std::vector<std::byte> good;
  Options options;
  abi::FileHeader header;
  std::vector<std::pair<uint64_t, uint64_t>> meaningful;
  std::mt19937_64 random;
  Tally tally;
};

//===-- checkpoints ------------------------------------------------------------------------------===//

/// A copy of a file that is changed and mended in place.
class Victim {
public:
  explicit Victim(std::string p) : path(std::move(p)), good(readFile(path)) {
    fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) failErrno(errno, fmt::format("cannot open '{}'", path));
  }
  ~Victim() { ::close(fd); }
  Victim(const Victim &) = delete;
  Victim &operator=(const Victim &) = delete;

  uint64_t size() const { return good.size(); }
  void cut(uint64_t bytes) { check(::ftruncate(fd, off_t(bytes))); }
  void set(uint64_t at, std::byte value) { check(::pwrite(fd, &value, 1, off_t(at)) == 1 ? 0 : -1); }
  void flip(const Flip &f) { set(f.at, good[f.at] ^ f.bits); }
  void mend(const Flip &f) { set(f.at, good[f.at]); }
  void mend() { check(::pwrite(fd, good.data(), good.size(), 0) == ssize_t(good.size()) ? 0 : -1); }
  const std::string path;

private:
  void check(int result) const {
    if (result != 0) failErrno(errno, fmt::format("cannot change '{}'", path));
  }
  std::vector<std::byte> good;
  int fd;
};

class Checkpoints {
public:
  Checkpoints(Program &p, const std::string &from, const Options &o)
      : program(p), options(o), random(o.seed) {
    std::string name = (fs::temp_directory_path() / "drawloom-mangle-XXXXXX").string();
    require(mkdtemp(name.data()) != nullptr, kIo, "cannot create a temporary folder");
    folder = name;
    for (const char *file : {kStateFile, kWeightsFile, kOptimizerFile})
      fs::copy_file(fs::path(from) / file, fs::path(folder) / file);
    state = loadCheckpoint(folder, program);
    values = contents();
  }
  ~Checkpoints() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }

  void run() {
    std::deque<Victim> files;
    for (const char *file : {kStateFile, kWeightsFile, kOptimizerFile})
      files.emplace_back((fs::path(folder) / file).string());
    for (Victim &file : files) cut(file);
    for (uint64_t k = 0; k < options.flips; ++k, ++tally.flips) {
      Victim &file = files[random() % files.size()];
      Flip f = randomFlip(random, file.size());
      file.flip(f);
      load(fmt::format("with {} of {} changed", placeOf(f.at), file.path));
      file.mend(f);
    }
    print("checkpoint", tally, kAsBefore);
  }

private:
  void cut(Victim &file) {
    for (uint64_t left = file.size(); left > 0; left -= std::min(left, options.every), ++tally.cuts) {
      file.cut(left - 1);
      load(fmt::format("with {} cut off at {}", file.path, placeOf(left - 1)));
    }
    file.mend();
  }

  /// What loads must be what was saved: a state that says the same and the same bits in every tensor.
  void load(const std::string &how) {
    Json found;
    if (!loads(tally, [&] { found = loadCheckpoint(folder, program); })) return;
    require(found == state && contents() == values, kFailed, "a checkpoint {} loads as something else", how);
  }

  uint64_t contents() const {
    uint64_t sum = 0;
    for (const ParameterRef &p : program.parameters())
      for (auto span : {p.value, p.moment1, p.moment2, p.ema}) sum = sum * 31 + hash64(std::as_bytes(span));
    return sum;
  }

  ProgramAdapter program;
  Options options;
  std::mt19937_64 random;
  std::string folder;
  Json state;
  uint64_t values = 0;
  Tally tally;
};

uint64_t number(const char *text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  require(error == std::errc() && *end == 0, kUsage, "'{}' is no number", text);
  return value;
}

int run(int argc, char **argv) {
  Options o;
  std::vector<std::string> words;
  for (int k = 1; k < argc; ++k) {
    std::string_view word = argv[k];
    uint64_t *option = word == "--flips"   ? &o.flips
                       : word == "--every" ? &o.every
                       : word == "--seed"  ? &o.seed
                                           : nullptr;
    if (option && k + 1 < argc)
      *option = number(argv[++k]);
    else
      words.push_back(argv[k]);
  }
  bool artifact = words.size() == 2 && words[0] == "artifact",
       checkpoint = words.size() == 3 && words[0] == "checkpoint";
  require((artifact || checkpoint) && o.every > 0, kUsage,
          "usage: drawloom-mangle artifact MODEL.loom | checkpoint MODEL.loom FOLDER, with --flips N, "
          "--every K, --seed S");
  if (artifact) {
    Artifacts(readFile(words[1]), o).run();
  } else {
    auto program = Program::fromBytes(readFile(words[1]), {.threads = 1}, words[1]);
    Checkpoints(*program, words[2], o).run();
  }
  return kSuccess;
}

} // namespace
} // namespace drawloom

int main(int argc, char **argv) {
  try {
    return drawloom::run(argc, argv);
  } catch (const drawloom::Error &e) {
    fmt::print(stderr, "error: {}\n", e.text());
    return e.exitCode;
  }
}
