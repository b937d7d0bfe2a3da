// The verb "data".
#include "runtime/abi/Abi.h"
#include "runtime/artifact/Artifact.h"
#include "runtime/data/Statistics.h"
#include "runtime/support/Format.h"
#include "runtime/train/Commands.h"
#include "runtime/train/ModelData.h"
#include <cmath>
#include <cstring>
#include <fstream>

namespace drawloom {
namespace {

struct Part {
  std::string name;
  Range range;
  std::vector<Histogram> channels;
};

/// A data set that was read from end to end, and what the model makes of it.
struct Report {
  ModelData data;
  std::vector<Part> parts;                      // those that are not empty
  uint64_t n = 0, windows = 0, stepWindows = 0; // of a model, else 0
};

Report read(ModelData data, std::vector<Part> parts) {
  Report r{std::move(data), {}};
  r.data.set->verify();
  for (Part &p : parts) {
    if (p.range.size() == 0) continue;
    p.channels = measure(*r.data.set, p.range);
    r.parts.push_back(std::move(p));
  }
  return r;
}

Report ofModel(TrainSpec spec, const DataOptions &o) {
  require(!o.kind && !o.rate, kUsage, "--kind and --rate are for data files; a model's spec says both");
  if (!o.data.empty()) spec.data.path = o.data;
  ModelData data = openModelData(spec);
  WindowOrder order = data.order(spec);
  Split s = data.split;
  Report r = read(std::move(data), {{"train", s.train, {}}, {"valid", s.valid, {}}, {"test", s.test, {}}});
  r.n = uint64_t(spec.model.n);
  r.windows = order.windows();
  r.stepWindows = uint64_t(spec.data.batch * spec.train.accumulation);
  return r;
}

Report ofFile(const DataOptions &o) {
  require(o.data.empty(), kUsage, "--data is for models; '{}' is data itself", o.input);
  std::string kind = o.kind ? *o.kind : std::string(guessKind(o.input));
  ModelData data{openData(kind, o.input, o.rate.value_or(TrainSpec().data.rate)), {}};
  Range all{0, data.set->size()};
  return read(std::move(data), {{"all", all, {}}});
}

std::string describe(const DataSet &set) {
  const DataFormat &f = set.format();
  std::string files = fmt::format(" in {} {}", set.files(), set.files() == 1 ? "file" : "files");
  if (f.wholeItems())
    return fmt::format("{} images of {} x {} pixels, R G B,{}", set.items(), f.image.rows, f.image.columns,
                       files);
  if (f.rate > 0)
    return fmt::format("{} samples at {} Hz, {} of sound{}", set.size(), f.rate, f.amount(set.size()), files);
  return fmt::format("{} bytes of text", set.size());
}

/// "R 125.3 ± 63.0, ...", "rms -20.1 dB, ...": what matters of this kind of data.
std::string characterOf(const DataFormat &f, const Part &p) {
  const Histogram &h = p.channels[0];
  if (f.wholeItems()) {
    std::string text;
    for (size_t c = 0; c < 3; ++c)
      text += fmt::format("{}{} {:.1f} ± {:.1f}", c ? ", " : "", "RGB"[c], p.channels[c].mean(),
                          p.channels[c].deviation());
    return text;
  }
  if (f.rate > 0) {
    Loudness l = loudness(h);
    return fmt::format("rms {:.1f} dB, peak {:.1f} dB, {:.3f} % at full scale", l.rms, l.peak,
                       100 * (h.share(0, 0) + h.share(255, 255)));
  }
  return fmt::format("{} lines, {:.2f} % printable ASCII, {} byte values", h.counts['\n'],
                     100 * (h.share(32, 126) + h.share('\t', '\n') + h.share('\r', '\r')),
                     256 - std::count(h.counts.begin(), h.counts.end(), 0u));
}

void printText(const Report &r) {
  const DataSet &set = *r.data.set;
  const DataFormat &f = set.format();
  fmt::print("{}: {}\n\n", set.path(), describe(set));
  fmt::print("{:<6} {:>14} {:>24}  {}\n", "part", fmt::format("{}s", f.item),
             fmt::format("{} by frequencies", f.bits()), "values");
  for (const Part &p : r.parts)
    fmt::print("{:<6} {:>14} {:>24.4f}  {}\n", p.name, p.range.size() / f.itemBytes,
               together(p.channels).entropy(), characterOf(f, p));
  if (r.n > 0)
    fmt::print("\n{} windows of {} bytes an epoch, {:.6g} steps of {}\n", r.windows, r.n,
               double(r.windows) / double(r.stepWindows), r.stepWindows);
}

Json partJson(const DataFormat &f, const Part &p) {
  Json j{{"items", p.range.size() / f.itemBytes}, {"bytes", p.range.size()}};
  j["entropy"] = together(p.channels).entropy();
  j["channels"] = Json::array();
  for (const Histogram &h : p.channels)
    j["channels"].push_back({{"mean", h.mean()}, {"deviation", h.deviation()}, {"entropy", h.entropy()}});
  if (f.rate == 0) return j;
  Loudness l = loudness(p.channels[0]);
  j["seconds"] = double(p.range.size()) / double(f.rate);
  j["rms_db"] = std::isfinite(l.rms) ? Json(l.rms) : Json(nullptr); // silence has none
  j["peak_db"] = std::isfinite(l.peak) ? Json(l.peak) : Json(nullptr);
  return j;
}

void printJson(const Report &r) {
  const DataSet &set = *r.data.set;
  const DataFormat &f = set.format();
  Json j{{"path", set.path()},   {"kind", f.kind},
         {"item", f.item},       {"unit", f.unit},
         {"items", set.items()}, {"bytes", set.size()},
         {"files", set.files()}, {"fingerprint", fmt::format("{:016x}", set.fingerprint())}};
  if (f.wholeItems()) j["image"] = {f.image.rows, f.image.columns, 3};
  if (f.rate > 0) j["rate"] = f.rate;
  if (r.n > 0) j.update(Json{{"n", r.n}, {"windows", r.windows}, {"windows_a_step", r.stepWindows}});
  for (const Part &p : r.parts) j["parts"][p.name] = partJson(f, p);
  fmt::print("{}\n", j.dump(1));
}

int print(const Report &r, const DataOptions &o) {
  o.json ? printJson(r) : printText(r);
  return kSuccess;
}

bool isArtifact(const std::string &path) {
  char magic[sizeof abi::kMagic] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
  return path.ends_with(".loom") || std::memcmp(magic, abi::kMagic, sizeof magic) == 0;
}

} // namespace

int dataCommand(const std::string &specJson, const DataOptions &o) {
  return print(ofModel(TrainSpec::parse(specJson), o), o);
}

int dataCommand(const DataOptions &o) {
  if (!isArtifact(o.input)) return print(ofFile(o), o);
  return dataCommand(Artifact::open(o.input).plan().spec()->str(), o);
}

} // namespace drawloom
