#include "runtime/data/AudioLibraries.h"
#include "runtime/support/Error.h"
#include <dlfcn.h>

namespace drawloom {
namespace {

/// A shared library that stays loaded.
class Library {
public:
  Library(const char *file, const char *package) : file(file), handle(::dlopen(file, RTLD_NOW | RTLD_LOCAL)) {
    if (!handle)
      failWithHint(kMissingInput, fmt::format("install it: apt install {}", package),
                   "sound needs {}, which is not there ({})", file, ::dlerror());
  }
  template <class Function> void find(Function &f, const char *name) const {
    f = reinterpret_cast<Function>(::dlsym(handle, name));
    require(f != nullptr, kMissingInput, "{} has no function '{}': it is too old", file, name);
  }

private:
  const char *file;
  void *handle;
};

AudioLibraries load() {
  AudioLibraries a{};
  Library files("libsndfile.so.1", "libsndfile1"), rates("libsamplerate.so.0", "libsamplerate0");
  files.find(a.open, "sf_open");
  files.find(a.close, "sf_close");
  files.find(a.readFrames, "sf_readf_float");
  files.find(a.writeFrames, "sf_writef_float");
  files.find(a.error, "sf_error");
  files.find(a.message, "sf_strerror");
  rates.find(a.newResampler, "src_new");
  rates.find(a.deleteResampler, "src_delete");
  rates.find(a.resample, "src_process");
  rates.find(a.resamplerMessage, "src_strerror");
  return a;
}

} // namespace

const AudioLibraries &AudioLibraries::get() {
  static const AudioLibraries libraries = load();
  return libraries;
}

} // namespace drawloom
