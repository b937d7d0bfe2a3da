#include "runtime/cuda/Card.h"
#include "runtime/support/Error.h"
#include "runtime/support/Phases.h"
#include <utility>

namespace drawloom::cuda {

CardFacts factsOf(const Driver &driver, DeviceOrdinal device) {
  CardFacts f;
  char name[256] = {};
  check(driver, driver.deviceGetName(name, sizeof(name) - 1, device), "cannot read the card's name");
  f.name = name;
  auto attribute = [&](DeviceAttribute a) {
    int value = 0;
    check(driver, driver.deviceGetAttribute(&value, a, device), "cannot read the card's attributes");
    return value;
  };
  f.major = attribute(DeviceAttribute::CapabilityMajor);
  f.minor = attribute(DeviceAttribute::CapabilityMinor);
  f.multiprocessors = attribute(DeviceAttribute::Multiprocessors);
  f.sharedBytesABlock = uint64_t(attribute(DeviceAttribute::SharedBytesABlock));
  size_t bytes = 0;
  check(driver, driver.deviceTotalMem(&bytes, device), "cannot read the size of the card's memory");
  f.memoryBytes = bytes;
  return f;
}

std::string targetOf(const CardFacts &facts) {
  for (const char *target : {"sm_90a", "sm_80"})
    if (runsTarget(facts, target)) return target;
  return "";
}

std::string machineTarget() {
  const Driver &driver = machineDriver();
  DeviceOrdinal device = 0;
  check(driver, driver.deviceGet(&device, 0), "cannot open the first CUDA card");
  CardFacts facts = factsOf(driver, device);
  std::string target = targetOf(facts);
  if (target.empty())
    failWithHint(kFailed, "run on the processor with --device cpu",
                 "the card '{}' has compute capability {}.{}; Drawloom compiles for 8.0 and later",
                 facts.name, facts.major, facts.minor);
  return target;
}

bool runsTarget(const CardFacts &facts, std::string_view target) {
  if (target == "sm_90a") return facts.major == 9 && facts.minor == 0;
  return target == "sm_80" && facts.major >= 8;
}

bool runsCubin(const CardFacts &facts, std::string_view target) {
  return runsTarget(facts, target) && (target == "sm_90a" || facts.major == 8);
}

Card::Card(const Driver &driver) : driver(driver) {
  PhaseTimer phase("context");
  check(driver, driver.deviceGet(&device, 0), "cannot open the first CUDA card");
  facts = factsOf(driver, device);
  check(driver, driver.primaryCtxRetain(&context, device), "cannot use the card '" + facts.name + "'");
  try {
    use();
    freeAtStart = freeBytes();
    check(driver, driver.streamCreate(&stream, kStreamNonBlocking), "cannot make a CUDA stream");
  } catch (...) {
    driver.primaryCtxRelease(device);
    throw;
  }
}

Card::~Card() {
  driver.ctxSetCurrent(context);
  driver.streamDestroy(stream);
  driver.primaryCtxRelease(device);
}

void Card::synchronize() const { check(driver, driver.streamSynchronize(stream), "work on the card failed"); }

uint64_t Card::freeBytes() const {
  size_t free = 0, total = 0;
  check(driver, driver.memGetInfo(&free, &total), "cannot read the card's free memory");
  return free;
}

uint64_t Card::usedBytes() const {
  uint64_t now = freeBytes();
  return now < freeAtStart ? freeAtStart - now : 0;
}

Event::Event(const Driver &d) : driver(&d) {
  check(d, d.eventCreate(&handle, 0), "cannot make a CUDA event");
}
Event::~Event() {
  if (handle) driver->eventDestroy(handle);
}
Event::Event(Event &&other) noexcept : driver(other.driver), handle(std::exchange(other.handle, nullptr)) {}

void Event::record(StreamHandle stream) const {
  check(*driver, driver->eventRecord(handle, stream), "cannot time the card's work");
}

double Event::secondsSince(const Event &start) const {
  float ms = 0;
  check(*driver, driver->eventElapsedTime(&ms, start.handle, handle), "cannot time the card's work");
  return double(ms) * 1e-3;
}

} // namespace drawloom::cuda
