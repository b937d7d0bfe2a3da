#include "runtime/data/Audio.h"
#include "runtime/data/AudioLibraries.h"
#include "runtime/data/Cache.h"
#include "runtime/data/Files.h"
#include "runtime/data/MuLaw.h"
#include "runtime/support/Error.h"
#include <cmath>
#include <filesystem>
#include <optional>
#include <unistd.h>
#include <vector>

namespace drawloom {
namespace {

constexpr sf_count_t kBlock = 1 << 14; // frames that are decoded at once
constexpr double kMaxRatio = 256;      // libsamplerate's limit

/// Reads a sound file as one channel.
class SoundFile {
public:
  explicit SoundFile(const std::string &path) : path(path), library(AudioLibraries::get()) {
    file = library.open(path.c_str(), SFM_READ, &info);
    if (!file) bad(library.message(nullptr));
  }
  ~SoundFile() { library.close(file); }
  SoundFile(const SoundFile &) = delete;
  SoundFile &operator=(const SoundFile &) = delete;

  int rate() const { return info.samplerate; }
  /// The next samples, the mean of all channels; none at the end.
  std::vector<float> read() {
    size_t channels = size_t(info.channels);
    std::vector<float> frames(size_t(kBlock) * channels);
    sf_count_t got = library.readFrames(file, frames.data(), kBlock);
    if (library.error(file) != 0) bad(library.message(file));
    std::vector<float> mono(size_t(got), 0);
    for (size_t k = 0; k < mono.size(); ++k) {
      for (size_t c = 0; c < channels; ++c) mono[k] += frames[k * channels + c];
      mono[k] /= float(channels);
      if (!std::isfinite(mono[k])) bad(fmt::format("a sample is {}", mono[k]));
    }
    return mono;
  }

private:
  [[noreturn]] void bad(const std::string &why) const {
    failWithHint(kBadInput, "repair the file or take it out", "cannot read the sound file '{}': {}", path,
                 why);
  }
  std::string path;
  const AudioLibraries &library;
  SF_INFO info{};
  SNDFILE *file = nullptr;
};

/// Changes the rate of one file's samples (band-limited interpolation, libsamplerate's best).
class Resampler {
public:
  Resampler(const std::string &path, double ratio)
      : path(path), ratio(ratio), library(AudioLibraries::get()) {
    // Before memory is taken for what comes out: a damaged head may name any rate.
    require(ratio >= 1 / kMaxRatio && ratio <= kMaxRatio, kBadInput,
            "cannot change the rate of '{}' by a factor of {:.4g}: at most {} and at least its inverse", path,
            ratio, kMaxRatio);
    int code = 0;
    state = library.newResampler(SRC_SINC_BEST_QUALITY, 1, &code);
    check(code);
  }
  ~Resampler() { library.deleteResampler(state); }
  Resampler(const Resampler &) = delete;
  Resampler &operator=(const Resampler &) = delete;

  /// What comes out after `in`; an empty `in` is the end, and gives the rest.
  std::vector<float> operator()(const std::vector<float> &in) {
    std::vector<float> all, block(size_t(double(kBlock) * ratio) + 64);
    SRC_DATA data{};
    float nothing = 0; // the library gives no rest when it is given no address
    data.data_in = in.empty() ? &nothing : in.data();
    data.input_frames = long(in.size());
    data.data_out = block.data();
    data.output_frames = long(block.size());
    data.src_ratio = ratio;
    data.end_of_input = in.empty();
    do {
      check(library.resample(state, &data));
      all.insert(all.end(), block.begin(), block.begin() + data.output_frames_gen);
      data.data_in += data.input_frames_used;
      data.input_frames -= data.input_frames_used;
    } while (data.output_frames_gen > 0 || data.input_frames > 0);
    return all;
  }

private:
  void check(int code) const {
    require(code == 0, kBadInput, "cannot change the rate of '{}' by a factor of {:.4g}: {}", path, ratio,
            library.resamplerMessage(code));
  }
  std::string path;
  double ratio;
  const AudioLibraries &library;
  SRC_STATE *state = nullptr;
};

void decodeFile(const std::string &path, int64_t rate, AtomicFile &out) {
  SoundFile sound(path);
  std::optional<Resampler> resampler;
  if (sound.rate() != rate) resampler.emplace(path, double(rate) / sound.rate());
  uint64_t before = out.bytesWritten();
  for (bool more = true; more;) {
    std::vector<float> samples = sound.read();
    more = !samples.empty();
    if (resampler) samples = (*resampler)(samples);
    std::vector<uint8_t> codes(samples.size());
    for (size_t k = 0; k < codes.size(); ++k) codes[k] = encodeMuLaw(samples[k]);
    out.write(std::as_bytes(std::span(codes)));
  }
  require(out.bytesWritten() > before, kBadInput, "the sound file '{}' holds no samples", path);
}

class Audio final : public FlatData {
public:
  Audio(std::string path, int64_t rate, uint64_t count, MappedFile codes)
      : FlatData(std::move(path), {.kind = "audio", .item = "sample", .rate = rate}, {}),
        mapped(std::move(codes)), count(count) {
    mapped.adviseRandom(true);
    flat = {reinterpret_cast<const uint8_t *>(mapped.bytes().data()), mapped.bytes().size()};
  }
  uint64_t files() const override { return count; }

private:
  MappedFile mapped;
  uint64_t count;
};

} // namespace

std::unique_ptr<DataSet> openAudio(const std::string &path, int64_t rate) {
  std::vector<std::string> files{path}; // a file may have any name
  if (std::filesystem::is_directory(path)) files = filesNamed(path, kAudioEndings);
  if (files.empty())
    failWithHint(kBadInput, "give a sound file (WAV, FLAC, Ogg, MP3, ...) or a folder with some",
                 "'{}' holds no sound files: it has {}", path, listFolder(path));
  MappedFile codes = cachedDecoding(fmt::format("mulaw-{}", rate), files, 0, [&](AtomicFile &out) {
    for (const std::string &f : files) decodeFile(f, rate, out);
  });
  return std::make_unique<Audio>(path, rate, files.size(), std::move(codes));
}

void writeWav(const std::string &path, std::span<const uint8_t> codes, int64_t rate) {
  const AudioLibraries &library = AudioLibraries::get();
  std::string temporary = fmt::format("{}.tmp.{}", path, ::getpid());
  SF_INFO info{};
  info.samplerate = int(rate);
  info.channels = 1;
  info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
  SNDFILE *file = library.open(temporary.c_str(), SFM_WRITE, &info);
  require(file != nullptr, kIo, "cannot create '{}': {}", temporary, library.message(nullptr));
  std::vector<float> samples(codes.size());
  for (size_t k = 0; k < codes.size(); ++k) samples[k] = decodeMuLaw(codes[k]);
  bool good =
      library.writeFrames(file, samples.data(), sf_count_t(samples.size())) == sf_count_t(samples.size());
  good = library.close(file) == 0 && good;
  if (good && ::rename(temporary.c_str(), path.c_str()) == 0) return;
  ::unlink(temporary.c_str());
  fail(kIo, "cannot write '{}'", path);
}

} // namespace drawloom
