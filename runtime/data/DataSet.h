// A data set as one long row of bytes, which the examples of training and evaluation are cut from: a text as
// it lies in its file, images pixel after pixel, sound as mu-law codes.
#pragma once
#include "runtime/data/Split.h"
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace drawloom {

/// Extents of an image whose pixels have three bytes, R G B.
struct ImageShape {
  uint64_t rows = 0, columns = 0;
  uint64_t bytes() const { return rows * columns * 3; }
  bool operator==(const ImageShape &) const = default;
};

/// What a data set is made of, and the words for it.
struct DataFormat {
  std::string_view kind = "text"; // as data.kind has it
  std::string_view item = "byte"; // what data.split counts: "byte", "image", "sample"
  std::string_view unit = "byte"; // bits per what: "byte", or "dim" for images
  uint64_t itemBytes = 1;         // above 1: an example is one whole item, else n bytes from anywhere
  ImageShape image = {};          // of images
  int64_t rate = 0;               // samples a second, of sound

  bool wholeItems() const { return itemBytes > 1; }
  /// "bits/byte", "bits/dim".
  std::string bits() const { return "bits/" + std::string(unit); }
  /// "bits_per_byte", "bits_per_dim": the key in JSON and in TensorBoard.
  std::string bitsKey() const { return "bits_per_" + std::string(unit); }
  /// An amount of data for people: "3.5 MiB", "2000 images", "1m 05s".
  std::string amount(uint64_t bytes) const;
};

class DataSet {
public:
  virtual ~DataSet() = default;
  DataSet(const DataSet &) = delete;
  DataSet &operator=(const DataSet &) = delete;

  /// File or folder, as it was given.
  const std::string &path() const { return name; }
  const DataFormat &format() const { return form; }
  virtual uint64_t size() const = 0; // bytes
  uint64_t items() const { return size() / form.itemBytes; }
  /// Copies the bytes from `start` on: as many as `out` takes, at most those up to the end. Returns how many.
  size_t read(uint64_t start, std::span<uint8_t> out) const;
  /// A hash of the size, the first and the last MiB: tells whether a resumed run reads the same data.
  uint64_t fingerprint() const;
  /// The files that it was made from.
  virtual uint64_t files() const { return 1; }
  /// Looks at what opening does not, which may take long. Throws Error(kBadInput) that names the file.
  virtual void verify() const {}

protected:
  DataSet(std::string path, DataFormat format) : name(std::move(path)), form(format) {}
  /// As read(), for a range inside the data.
  virtual void copy(uint64_t start, std::span<uint8_t> out) const = 0;

private:
  std::string name;
  DataFormat form;
};

/// A data set whose bytes lie in memory as they are read; they must outlive it.
class FlatData : public DataSet {
public:
  FlatData(std::string path, DataFormat format, std::span<const uint8_t> bytes)
      : DataSet(std::move(path), format), flat(bytes) {}
  uint64_t size() const override { return flat.size(); }

protected:
  void copy(uint64_t start, std::span<uint8_t> out) const override;
  std::span<const uint8_t> flat;
};

/// Opens a data set. `kind` is "text", "images" or "audio"; `rate` is that of decoded sound. Throws Error: 66
/// when no path is given or nothing is there, 65 when it is not of that kind.
std::unique_ptr<DataSet> openData(std::string_view kind, const std::string &path, int64_t rate);

/// The kind that a file or folder seems to be, by the names of its files; "text" when nothing tells.
std::string_view guessKind(const std::string &path);

/// splitData (runtime/data/Split.h) by items, as ranges of bytes.
Split splitData(const DataSet &data, const std::array<double, 3> &parts);

} // namespace drawloom
