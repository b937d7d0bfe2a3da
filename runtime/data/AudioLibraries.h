// libsndfile and libsamplerate, loaded at run time.
#pragma once
#include <samplerate.h>
#include <sndfile.h>

namespace drawloom {

/// Their functions, under their names there.
struct AudioLibraries {
  decltype(&::sf_open) open;
  decltype(&::sf_close) close;
  decltype(&::sf_readf_float) readFrames;
  decltype(&::sf_writef_float) writeFrames;
  decltype(&::sf_error) error;
  decltype(&::sf_strerror) message;
  decltype(&::src_new) newResampler;
  decltype(&::src_delete) deleteResampler;
  decltype(&::src_process) resample;
  decltype(&::src_strerror) resamplerMessage;

  /// Loads them on the first call. Throws Error(kMissingInput) that names the Debian package to install.
  static const AudioLibraries &get();
};

} // namespace drawloom
