// Images as bytes, row by row, pixel by pixel, R G B: the binary batches of CIFAR-10, mapped as they are, or
// PNG files of one size, decoded once into the cache.
#pragma once
#include "runtime/data/DataSet.h"
#include "runtime/support/File.h"
#include <vector>

namespace drawloom {

/// Batches of CIFAR-10's binary version: records of a label and 32 x 32 values of R, of G and of B.
class CifarImages final : public DataSet {
public:
  /// Throws Error(kBadInput) when a file's size is no multiple of a record's.
  CifarImages(std::string path, const std::vector<std::string> &batches);
  uint64_t size() const override;
  uint64_t files() const override { return parts.size(); }
  /// Every label must be below 10.
  void verify() const override;

private:
  void copy(uint64_t start, std::span<uint8_t> out) const override;
  std::span<const uint8_t> record(uint64_t image) const;

  struct Part {
    std::string path;
    MappedFile file;
    uint64_t first = 0, count = 0; // images
  };
  std::vector<Part> parts;
};

/// The files data_batch_N.bin of a folder in the order of N, or `path` itself when it is a file named *.bin.
std::vector<std::string> cifarFiles(const std::string &path);

/// CIFAR-10's batches, or all PNG files of a folder. Throws Error(kBadInput) when there are none, when a file
/// is damaged, or when sizes differ.
std::unique_ptr<DataSet> openImages(const std::string &path);

} // namespace drawloom
