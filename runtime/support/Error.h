// The one exception of the runtime, the compiler driver and the tools: a message that a user can act on, an
// optional hint, and the exit code that a command line tool ends with.
#pragma once
#include <fmt/format.h>
#include <stdexcept>
#include <string>
#include <utility>

namespace drawloom {

/// The documented exit codes of every Drawloom tool (sysexits where one exists, 128 + signal after a signal).
enum ExitCode : int {
  kSuccess = 0,
  kFailed = 1,        // the work itself failed (a non-finite loss, a failed comparison)
  kUsage = 2,         // wrong command line
  kBadInput = 65,     // a spec, artifact, checkpoint or data file is malformed
  kMissingInput = 66, // a named input does not exist or cannot be read
  kInternal = 70,     // a bug in Drawloom
  kOutOfMemory = 71,  // the plan does not fit; the message says what takes the memory
  kIo = 74,           // writing or reading failed (disk full, permissions)
  kInterrupted = 130, // after SIGINT, with a checkpoint saved
  kTerminated = 143   // after SIGTERM, with a checkpoint saved
};

/// Thrown for every failure that a user can see. `what()` says what was expected and what was found; `hint`,
/// when not empty, says what to try.
class Error : public std::runtime_error {
public:
  Error(int exitCode, std::string message, std::string hint = {})
      : std::runtime_error(std::move(message)), exitCode(exitCode), hint(std::move(hint)) {}

  /// "message" or "message\nhint: ...", as tools print it after "error: ".
  std::string text() const {
    return hint.empty() ? std::string(what()) : std::string(what()) + "\nhint: " + hint;
  }

  int exitCode;
  std::string hint;
};

/// Throws Error with a formatted message: fail(kBadInput, "{}: expected {} bytes, found {}", path, want,
/// have).
template <class... Args>
[[noreturn]] void fail(int exitCode, fmt::format_string<Args...> format, Args &&...args) {
  throw Error(exitCode, fmt::format(format, std::forward<Args>(args)...));
}

/// As fail(), with a hint that is printed on a line of its own.
template <class... Args>
[[noreturn]] void failWithHint(int exitCode, std::string hint, fmt::format_string<Args...> format,
                               Args &&...args) {
  throw Error(exitCode, fmt::format(format, std::forward<Args>(args)...), std::move(hint));
}

/// Throws Error unless `condition` holds.
template <class... Args>
void require(bool condition, int exitCode, fmt::format_string<Args...> format, Args &&...args) {
  if (!condition) fail(exitCode, format, std::forward<Args>(args)...);
}

/// Throws Error for a failed system call: "MESSAGE: No space left on device". `code` is the value of errno.
/// The exit code is kMissingInput for ENOENT while reading (`reading`), kOutOfMemory for ENOMEM and kIo
/// otherwise; a full disk gets a hint.
[[noreturn]] void failErrno(int code, std::string message, bool reading = false);

} // namespace drawloom
