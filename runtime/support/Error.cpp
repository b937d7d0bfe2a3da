#include "runtime/support/Error.h"
#include <cerrno>
#include <system_error>

namespace drawloom {

void failErrno(int code, std::string message, bool reading) {
  int exitCode = code == ENOMEM                                   ? kOutOfMemory
                 : reading && (code == ENOENT || code == ENOTDIR) ? kMissingInput
                                                                  : kIo;
  std::string hint;
  if (code == ENOSPC || code == EDQUOT) hint = "free some space on that file system, or write to another one";
  if (code == EROFS) hint = "that file system is read-only; write to another folder";
  if (code == EACCES || code == EPERM)
    hint = "check the owner and the permissions of the file and of its folder";
  throw Error(exitCode, message + ": " + std::generic_category().message(code), std::move(hint));
}

} // namespace drawloom
