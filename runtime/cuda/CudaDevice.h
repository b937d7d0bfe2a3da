// A Program's device that is a card.
#pragma once
#include "runtime/cuda/CudaExecutable.h"
#include "runtime/cuda/Cupti.h"
#include "runtime/program/ProgramDevice.h"
#include <optional>

namespace drawloom::cuda {

class CudaDevice final : public ProgramDevice {
public:
  /// `options.driver` and `options.blasLt` stand for the machine's if they are set. Throws Error: 1 no card
  /// or no library, 65 the card does not run the artifact's target, 71 the plan does not fit.
  CudaDevice(const Artifact &artifact, const ProgramOptions &options);
  ~CudaDevice() override;

  void run(size_t function) override;
  void runTimed(size_t function, std::span<CommandTiming> timings) override;
  double measure(size_t function) override;
  std::byte *host(const plan::Buffer &buffer) override { return memory.host(buffer); }
  void upload(plan::Arena arena) override;
  void download(plan::Arena arena) override;
  void clear(plan::Arena arena) override;
  double denseGflops() override;

  DeviceKind kind() const override { return DeviceKind::Cuda; }
  std::string name() const override;
  int threads() const override { return 1; }
  uint64_t otherBytes() const override;
  uint64_t measuredBytes() const override;
  void traceKernels(bool on, std::vector<KernelSpan> &spans, std::string &problem) override;

private:
  void prepare(size_t function);
  /// Functions that decode are prepared when they are first run.
  CudaExecutable &executable(size_t function);

  const Artifact &artifact;
  Card card;
  CudaMemory memory;
  Module module;
  std::unique_ptr<KernelTrace> kernelTrace; ///< while kernels are traced
  std::optional<Products> products;
  std::vector<std::unique_ptr<CudaExecutable>> executables;
  std::string cachePath;
  bool stepwise = false;
};

} // namespace drawloom::cuda
