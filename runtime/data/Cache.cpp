#include "runtime/data/Cache.h"
#include "runtime/support/Clock.h"
#include "runtime/support/Error.h"
#include "runtime/support/Format.h"
#include "runtime/support/Hash.h"
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <sys/stat.h>

namespace drawloom {
namespace fs = std::filesystem;

std::string cacheFolder() {
  auto variable = [](const char *name) {
    const char *value = std::getenv(name);
    return fs::path(value ? value : "");
  };
  if (auto own = variable("DRAWLOOM_CACHE"); !own.empty()) return own;
  if (auto shared = variable("XDG_CACHE_HOME"); !shared.empty()) return shared / "drawloom";
  if (auto home = variable("HOME"); !home.empty()) return home / ".cache" / "drawloom";
  return fs::temp_directory_path() / "drawloom-cache";
}

/// What tells a file from a later version of it.
static std::string identity(const std::string &path) {
  struct stat s{};
  if (::stat(path.c_str(), &s) != 0) failErrno(errno, fmt::format("cannot read '{}'", path), true);
  return fmt::format("{}\n{} {}.{}\n", fs::absolute(path).lexically_normal().string(), s.st_size,
                     s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
}

static void makeFolder(const std::string &folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code)
    failWithHint(kIo, "set DRAWLOOM_CACHE to a folder that can be written",
                 "cannot create the cache folder '{}': {}", folder, code.message());
}

/// Whether an earlier run has left the whole file.
static bool isThere(const std::string &path, uint64_t bytes) {
  std::error_code none;
  uint64_t size = fs::file_size(path, none);
  return !none && size > 0 && (bytes == 0 || size == bytes);
}

MappedFile cachedDecoding(const std::string &way, const std::vector<std::string> &sources, uint64_t bytes,
                          const std::function<void(AtomicFile &)> &decode) {
  std::string recipe = way + "\n";
  for (const std::string &s : sources) recipe += identity(s);
  std::string path = fmt::format("{}/{}-{:016x}.bytes", cacheFolder(), way, hash64(recipe));
  if (!isThere(path, bytes)) {
    makeFolder(cacheFolder());
    Stopwatch watch;
    AtomicFile file(path);
    file.reserve(bytes);
    decode(file);
    file.commit();
    fmt::print(stderr, "decoded {} {} in {} into {} ({})\n", sources.size(),
               sources.size() == 1 ? "file" : "files", formatDuration(watch.seconds()), path,
               formatBytes(file.bytesWritten()));
  }
  return MappedFile(path);
}

} // namespace drawloom
