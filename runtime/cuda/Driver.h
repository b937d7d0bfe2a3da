// The CUDA driver as a table of functions, loaded when it is first asked for: nothing here needs CUDA's
// headers to build or its libraries to run. Types and numbers are those of the driver's documented binary
// interface. Tests put their own functions in the table.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace drawloom::cuda {

using Result = int; // CUresult
inline constexpr Result kCudaSuccess = 0, kCudaOutOfMemory = 2, kCudaNoDevice = 100;

using DeviceOrdinal = int;
using DevicePointer = unsigned long long; // CUdeviceptr
using ContextHandle = struct CUctx_st *;
using ModuleHandle = struct CUmod_st *;
using LibraryHandle = struct CUlib_st *;
using FunctionHandle = struct CUfunc_st *;
using StreamHandle = struct CUstream_st *;
using EventHandle = struct CUevent_st *;
using GraphHandle = struct CUgraph_st *;
using GraphExecHandle = struct CUgraphExec_st *;

/// CUtensorMap: an opaque description of a tiled tensor for the tensor memory accelerator.
struct alignas(64) TensorMapObject {
  uint64_t opaque[16];
};

/// CUdevice_attribute, the ones that are used.
enum class DeviceAttribute : int {
  Multiprocessors = 16,
  CapabilityMajor = 75,
  CapabilityMinor = 76,
  SharedBytesABlock = 97 // with the opt-in for more than 48 KiB
};
/// CUfunction_attribute.
enum class FunctionAttribute : int { MaxThreads = 0, LocalBytes = 3, Registers = 4, DynamicSharedBytes = 8 };
/// CUjit_option.
enum class JitOption : int { InfoLog = 3, InfoLogBytes = 4, ErrorLog = 5, ErrorLogBytes = 6 };
inline constexpr unsigned kStreamNonBlocking = 1;
inline constexpr int kCaptureThreadLocal = 1;
/// CUtensorMapDataType.
enum class TensorMapType : int { U8 = 0, I32 = 3, I64 = 5, F16 = 6, F32 = 7, F64 = 8, BF16 = 9 };
inline constexpr int kPromoteTo128Bytes = 2; // CU_TENSOR_MAP_L2_PROMOTION_L2_128B

// X(member, symbol in libcuda.so.1, parameters)
#define DRAWLOOM_CUDA_DRIVER(X)                                                                              \
  X(init, "cuInit", (unsigned flags))                                                                        \
  X(driverGetVersion, "cuDriverGetVersion", (int *version))                                                  \
  X(getErrorName, "cuGetErrorName", (Result, const char **))                                                 \
  X(getErrorString, "cuGetErrorString", (Result, const char **))                                             \
  X(deviceGetCount, "cuDeviceGetCount", (int *))                                                             \
  X(deviceGet, "cuDeviceGet", (DeviceOrdinal *, int ordinal))                                                \
  X(deviceGetName, "cuDeviceGetName", (char *, int bytes, DeviceOrdinal))                                    \
  X(deviceGetAttribute, "cuDeviceGetAttribute", (int *, DeviceAttribute, DeviceOrdinal))                     \
  X(deviceTotalMem, "cuDeviceTotalMem_v2", (size_t *, DeviceOrdinal))                                        \
  X(primaryCtxRetain, "cuDevicePrimaryCtxRetain", (ContextHandle *, DeviceOrdinal))                          \
  X(primaryCtxRelease, "cuDevicePrimaryCtxRelease_v2", (DeviceOrdinal))                                      \
  X(ctxSetCurrent, "cuCtxSetCurrent", (ContextHandle))                                                       \
  X(moduleLoadDataEx, "cuModuleLoadDataEx",                                                                  \
    (ModuleHandle *, const void *image, unsigned options, JitOption *, void **values))                       \
  X(moduleUnload, "cuModuleUnload", (ModuleHandle))                                                          \
  X(libraryLoadData, "cuLibraryLoadData",                                                                    \
    (LibraryHandle *, const void *image, JitOption *, void **values, unsigned options, int *libraryOptions,  \
     void **libraryValues, unsigned libraryOptionCount))                                                     \
  X(libraryUnload, "cuLibraryUnload", (LibraryHandle))                                                       \
  X(libraryGetModule, "cuLibraryGetModule", (ModuleHandle *, LibraryHandle))                                 \
  X(moduleGetFunction, "cuModuleGetFunction", (FunctionHandle *, ModuleHandle, const char *name))            \
  X(funcSetAttribute, "cuFuncSetAttribute", (FunctionHandle, FunctionAttribute, int value))                  \
  X(funcGetAttribute, "cuFuncGetAttribute", (int *, FunctionAttribute, FunctionHandle))                      \
  X(launchKernel, "cuLaunchKernel",                                                                          \
    (FunctionHandle, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,       \
     unsigned blockZ, unsigned sharedBytes, StreamHandle, void **parameters, void **extra))                  \
  X(memGetInfo, "cuMemGetInfo_v2", (size_t *free, size_t *total))                                            \
  X(memAlloc, "cuMemAlloc_v2", (DevicePointer *, size_t bytes))                                              \
  X(memFree, "cuMemFree_v2", (DevicePointer))                                                                \
  X(memHostAlloc, "cuMemHostAlloc", (void **, size_t bytes, unsigned flags))                                 \
  X(memFreeHost, "cuMemFreeHost", (void *))                                                                  \
  X(memcpyHtoDAsync, "cuMemcpyHtoDAsync_v2", (DevicePointer, const void *, size_t bytes, StreamHandle))      \
  X(memcpyDtoHAsync, "cuMemcpyDtoHAsync_v2", (void *, DevicePointer, size_t bytes, StreamHandle))            \
  X(memsetD8Async, "cuMemsetD8Async", (DevicePointer, unsigned char, size_t bytes, StreamHandle))            \
  X(streamCreate, "cuStreamCreate", (StreamHandle *, unsigned flags))                                        \
  X(streamDestroy, "cuStreamDestroy_v2", (StreamHandle))                                                     \
  X(streamSynchronize, "cuStreamSynchronize", (StreamHandle))                                                \
  X(streamBeginCapture, "cuStreamBeginCapture_v2", (StreamHandle, int mode))                                 \
  X(streamEndCapture, "cuStreamEndCapture", (StreamHandle, GraphHandle *))                                   \
  X(eventCreate, "cuEventCreate", (EventHandle *, unsigned flags))                                           \
  X(eventDestroy, "cuEventDestroy_v2", (EventHandle))                                                        \
  X(eventRecord, "cuEventRecord", (EventHandle, StreamHandle))                                               \
  X(eventElapsedTime, "cuEventElapsedTime", (float *milliseconds, EventHandle start, EventHandle end))       \
  X(graphInstantiate, "cuGraphInstantiateWithFlags", (GraphExecHandle *, GraphHandle, unsigned long long))   \
  X(graphDestroy, "cuGraphDestroy", (GraphHandle))                                                           \
  X(graphExecDestroy, "cuGraphExecDestroy", (GraphExecHandle))                                               \
  X(graphLaunch, "cuGraphLaunch", (GraphExecHandle, StreamHandle))                                           \
  X(tensorMapEncodeTiled, "cuTensorMapEncodeTiled",                                                          \
    (TensorMapObject *, TensorMapType, uint32_t rank, void *address, const uint64_t *dims,                   \
     const uint64_t *strides, const uint32_t *box, const uint32_t *elementStrides, int interleave,           \
     int swizzle, int l2Promotion, int outOfBoundsFill))

struct Driver {
#define X(member, symbol, parameters) Result(*member) parameters = nullptr;
  DRAWLOOM_CUDA_DRIVER(X)
#undef X
};

/// This machine's driver, loaded and initialized. Throws Error(kFailed) with a hint where there is none, it
/// is too old, or it sees no card.
const Driver &machineDriver();

/// The same, or nothing and the reason.
const Driver *findMachineDriver(std::string &reason);

/// Throws Error unless `result` is success: "WHAT: out of memory (CUDA_ERROR_OUT_OF_MEMORY)". kOutOfMemory
/// when the card's memory has run out, kFailed otherwise.
void check(const Driver &driver, Result result, const std::string &what);

} // namespace drawloom::cuda
