#include "test/gpu/DeviceRun.h"
#include "runtime/cuda/Card.h"
#include "test/codegen/OpHarness.h"
#include "test/gpu/Guarded.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <llvm/ADT/APFloat.h>

namespace drawloom::test {

static constexpr std::byte kZoneByte{0xA5}, kPoisonByte{0xFF}; // 0xFF…: NaN in every float type, and -1

static std::string &chosenDevice() {
  static std::string name = "cuda";
  return name;
}
const std::string &deviceName() { return chosenDevice(); }
void setDeviceName(std::string name) { chosenDevice() = std::move(name); }

Target deviceTarget() { return deviceName() == "cpu" ? Target::native() : Target::byName(cuda::machineTarget()); }

//===-- element types -----------------------------------------------------------------------------===//

static const llvm::fltSemantics &semantics(plan::DType type) {
  switch (type) {
  case plan::DType::BF16: return llvm::APFloat::BFloat();
  case plan::DType::F16: return llvm::APFloat::IEEEhalf();
  case plan::DType::F32: return llvm::APFloat::IEEEsingle();
  default: return llvm::APFloat::IEEEdouble();
  }
}

static llvm::APFloat converted(plan::DType type, double x) {
  llvm::APFloat value(x);
  bool losesInfo;
  value.convert(semantics(type), llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return value;
}

double roundTo(plan::DType type, double x) {
  if (type != plan::DType::BF16 && type != plan::DType::F16) return converted(type, x).convertToDouble();
  if (x == 0 || !std::isfinite(x)) return x;
  // By arithmetic, since references round each probability: nearbyint rounds halves to even.
  bool isHalf = type == plan::DType::F16;
  int digits = isHalf ? 10 : 7, least = isHalf ? -14 : -126;
  double unit = std::ldexp(1.0, std::max(std::ilogb(x), least) - digits), rounded = std::nearbyint(x / unit) * unit;
  double limit = isHalf ? 65504.0 : 3.3895313892515355e38;
  return std::abs(rounded) > limit ? std::copysign(std::numeric_limits<double>::infinity(), x) : rounded;
}

template <class T> static void append(std::vector<std::byte> &bytes, T value) {
  auto *p = reinterpret_cast<const std::byte *>(&value);
  bytes.insert(bytes.end(), p, p + sizeof(T));
}

static std::vector<std::byte> encode(const Tensor &t, plan::DType type) {
  std::vector<std::byte> bytes;
  for (int64_t i = 0; i < t.size(); ++i) {
    double x = t.isInteger ? double(t.integers[i]) : t.values[i];
    switch (type) {
    case plan::DType::F32: append(bytes, float(x)); break;
    case plan::DType::F64: append(bytes, x); break;
    case plan::DType::I32: append(bytes, int32_t(t.isInteger ? t.integers[i] : int64_t(x))); break;
    case plan::DType::I64: append(bytes, t.isInteger ? t.integers[i] : int64_t(x)); break;
    case plan::DType::U8: append(bytes, uint8_t(x)); break;
    case plan::DType::BF16:
    case plan::DType::F16: append(bytes, uint16_t(converted(type, x).bitcastToAPInt().getZExtValue())); break;
    }
  }
  return bytes;
}

static double decode(const std::byte *p, plan::DType type) {
  auto as = [&]<class T>(T) {
    T value;
    std::memcpy(&value, p, sizeof(T));
    return value;
  };
  switch (type) {
  case plan::DType::F32: return as(float());
  case plan::DType::F64: return as(double());
  case plan::DType::I32: return as(int32_t());
  case plan::DType::I64: return double(as(int64_t()));
  case plan::DType::U8: return as(uint8_t());
  default: return llvm::APFloat(semantics(type), llvm::APInt(16, as(uint16_t()))).convertToDouble();
  }
}

static uint64_t elementBytes(plan::DType type) { return encode(Tensor::full({}, 0), type).size(); }

//===-- a program between zones -------------------------------------------------------------------===//

std::unique_ptr<DeviceRun> DeviceRun::make(mlir::ModuleOp module, CompileOptions options) {
  options.target = deviceTarget();
  options.verifyEach = true;
  mlir::OwningOpRef<mlir::ModuleOp> copy = module.clone();
  auto artifact = compileToArtifact(*copy, options);
  if (failed(artifact)) {
    ADD_FAILURE() << "the module does not compile";
    return nullptr;
  }
  Guarded guardedArtifact = guarded(*artifact);
  std::unique_ptr<DeviceRun> result(new DeviceRun);
  result->program = Program::fromBytes(std::move(guardedArtifact.artifact), {});
  result->zones = std::move(guardedArtifact.zones);
  for (auto *buffer : *result->program->plan().buffers())
    if (std::string name = buffer->name()->str(); !name.starts_with(kZonePrefix)) result->others.push_back(name);
  return result;
}

std::unique_ptr<DeviceRun> DeviceRun::make(const std::string &text, CompileOptions options) {
  auto module = parse(text);
  return module ? make(*module, options) : nullptr;
}

void DeviceRun::put(const std::string &name, const Tensor &tensor) {
  if (!program->hasBuffer(name)) return;
  BufferRef buffer = program->buffer(name);
  std::vector<std::byte> bytes = encode(tensor, buffer.dtype);
  ASSERT_EQ(bytes.size(), buffer.bytes) << name;
  inputs[name] = std::move(bytes);
}

Tensor DeviceRun::get(const std::string &name) const {
  BufferRef buffer = program->buffer(name);
  Tensor result = Tensor::zeros(std::vector<int64_t>(buffer.shape.begin(), buffer.shape.end()));
  for (int64_t i = 0; i < result.size(); ++i)
    result.values[i] = decode(buffer.data + uint64_t(i) * elementBytes(buffer.dtype), buffer.dtype);
  return result;
}

std::vector<std::byte> DeviceRun::bits(const std::string &name) const {
  BufferRef buffer = program->buffer(name);
  return {buffer.data, buffer.data + buffer.bytes};
}

void DeviceRun::run(const std::string &function) {
  for (const std::string &name : zones) {
    BufferRef zone = program->buffer(name);
    std::memset(zone.data, int(kZoneByte), zone.bytes);
  }
  for (const std::string &name : others) {
    BufferRef buffer = program->buffer(name);
    auto input = inputs.find(name);
    if (input == inputs.end())
      std::memset(buffer.data, int(kPoisonByte), buffer.bytes);
    else
      std::memcpy(buffer.data, input->second.data(), buffer.bytes);
  }
  constexpr plan::Arena moved[] = {plan::Arena::Parameters, plan::Arena::Gradients, plan::Arena::Optimizer, plan::Arena::State};
  for (plan::Arena arena : moved) program->upload(arena);
  program->run(function);
  for (plan::Arena arena : moved) program->download(arena);
  for (const std::string &name : zones) {
    BufferRef zone = program->buffer(name);
    EXPECT_TRUE(std::all_of(zone.data, zone.data + zone.bytes, [](std::byte b) { return b == kZoneByte; }))
        << "something was written outside the buffers, at " << name;
  }
}

//===-- what was seen -----------------------------------------------------------------------------===//

static std::map<std::pair<std::string, std::string>, double> &worstErrors() {
  static std::map<std::pair<std::string, std::string>, double> table;
  return table;
}

void noteError(const std::string &what, const std::string &type, double error) {
  double &worst = worstErrors()[{what, type}];
  if (!(error <= worst)) worst = error;
}

void forEachWorstError(llvm::function_ref<void(const std::string &, const std::string &, double)> visit) {
  for (auto &[key, error] : worstErrors()) visit(key.first, key.second, error);
}

void printWorstErrors() {
  printf("\nworst error against float64, relative in norm\n");
  for (auto &[key, error] : worstErrors())
    printf("%-44s %-5s %9.2e\n", key.first.c_str(), key.second.c_str(), error);
}

} // namespace drawloom::test
