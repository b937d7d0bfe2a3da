// PNG files by libpng.
#pragma once
#include "runtime/data/DataSet.h"
#include <string>
#include <vector>

namespace drawloom {

/// Pixels row by row, R G B.
struct Image {
  ImageShape shape;
  std::vector<uint8_t> rgb;
};

/// Size of an image, from the head of its file. Throws Error(kBadInput) when it is no PNG file.
ImageShape pngShape(const std::string &path);

/// Decodes any PNG: grey becomes R = G = B, 16 bits become 8, transparent pixels are laid on black. Throws
/// Error(kBadInput) that names the file when it is damaged.
Image readPng(const std::string &path);

/// Writes a PNG file, whole or not at all. Throws Error(kIo).
void writePng(const std::string &path, const Image &image);

} // namespace drawloom
