// Sound as bytes: mixed to one channel, brought to one rate, in mu-law codes (runtime/data/MuLaw.h). Files
// are decoded once into the cache and follow each other there.
//
// libsndfile and libsamplerate are loaded when sound is first read or written, so that programs run without
// them elsewhere.
#pragma once
#include "runtime/data/DataSet.h"
#include <span>

namespace drawloom {

/// A sound file, or all of a folder's. `rate` in samples a second. Throws Error: 65 that names a file which
/// is no sound, is damaged or holds nothing; 66 when the libraries are not there.
std::unique_ptr<DataSet> openAudio(const std::string &path, int64_t rate);

/// Writes codes as a WAV file with 16 bits a sample, whole or not at all. Throws Error(kIo).
void writeWav(const std::string &path, std::span<const uint8_t> codes, int64_t rate);

} // namespace drawloom
