#include "runtime/device/ResidentMemory.h"
#include <fstream>
#include <unistd.h>

namespace drawloom {

uint64_t residentMemory() {
  std::ifstream in("/proc/self/statm");
  uint64_t all = 0, resident = 0, ofFiles = 0; // pages
  return in >> all >> resident >> ofFiles ? (resident - ofFiles) * uint64_t(sysconf(_SC_PAGESIZE)) : 0;
}

} // namespace drawloom
