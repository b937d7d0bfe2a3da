#include "runtime/sample/Utf8.h"
#include <utility>

namespace drawloom {

static constexpr const char *kReplacement = "\xEF\xBF\xBD";

/// Continuation bytes behind a first byte; -1 when no character begins with it.
static int continuations(uint8_t first) {
  if (first < 0x80) return 0;
  if (first >= 0xC2 && first <= 0xDF) return 1;
  if (first >= 0xE0 && first <= 0xEF) return 2;
  if (first >= 0xF0 && first <= 0xF4) return 3;
  return -1;
}

/// Whether `byte` can follow what is pending. The second byte's range excludes overlong forms, surrogates and
/// what lies above U+10FFFF (Unicode, Table 3-7).
bool Utf8Stream::continues(uint8_t byte) const {
  uint8_t low = 0x80, high = 0xBF;
  if (pending.size() == 1) switch (uint8_t(pending[0])) {
    case 0xE0: low = 0xA0; break;
    case 0xED: high = 0x9F; break;
    case 0xF0: low = 0x90; break;
    case 0xF4: high = 0x8F; break;
    default: break;
    }
  return byte >= low && byte <= high;
}

std::string Utf8Stream::add(uint8_t byte) {
  std::string out;
  if (missing > 0) {
    if (continues(byte)) {
      pending.push_back(char(byte));
      return --missing == 0 ? std::exchange(pending, {}) : out;
    }
    out = finish(); // then `byte` begins anew
  }
  int more = continuations(byte);
  if (more < 0) return out + kReplacement;
  if (more == 0) return out + char(byte);
  pending.assign(1, char(byte));
  missing = more;
  return out;
}

std::string Utf8Stream::finish() {
  bool unfinished = missing > 0;
  missing = 0;
  pending.clear();
  return unfinished ? kReplacement : "";
}

std::string displayText(const std::string &bytes) {
  Utf8Stream stream;
  std::string out;
  for (char b : bytes) out += stream.add(uint8_t(b));
  return out + stream.finish();
}

} // namespace drawloom
