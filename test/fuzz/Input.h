// What the fuzz targets share: an input as a file, and which exceptions are answers.
#pragma once
#include "runtime/support/Error.h"
#include <cstddef>
#include <cstdint>
#include <sys/mman.h>
#include <unistd.h>

namespace drawloom::fuzz {

/// The input as a file in memory with a path.
class InputFile {
public:
  InputFile(const uint8_t *data, size_t size) : fd(::memfd_create("input", MFD_CLOEXEC)) {
    if (fd < 0 || ::write(fd, data, size) != ssize_t(size)) __builtin_trap();
  }
  ~InputFile() { ::close(fd); }
  InputFile(const InputFile &) = delete;
  InputFile &operator=(const InputFile &) = delete;
  std::string path() const { return fmt::format("/proc/self/fd/{}", fd); }

private:
  int fd;
};

/// Runs `read`, which may say that the input is wrong; anything else that it throws ends the program.
template <class Read> void accepting(Read &&read) {
  try {
    read();
  } catch (const Error &e) {
    if (e.exitCode == kInternal || !*e.what()) __builtin_trap();
  }
}

} // namespace drawloom::fuzz
