// cuBLASLt as a table of functions, like the driver (Driver.h). Its library is found where the CUDA toolkit,
// the system or Python's packages keep it.
#pragma once
#include "runtime/cuda/Driver.h"
#include <string>
#include <vector>

namespace drawloom::cuda {

using BlasStatus = int; // cublasStatus_t
inline constexpr BlasStatus kBlasSuccess = 0;
using BlasHandle = struct cublasLtContext *;
using MatmulDescHandle = struct cublasLtMatmulDescOpaque *;
using MatrixLayoutHandle = struct cublasLtMatrixLayoutOpaque *;
using MatmulPreferenceHandle = struct cublasLtMatmulPreferenceOpaque *;

/// cublasLtMatmulAlgo_t: opaque, and the same bytes mean the same to the same version of the library.
struct MatmulAlgorithm {
  uint64_t data[8];
};
/// cublasLtMatmulHeuristicResult_t.
struct MatmulChoice {
  MatmulAlgorithm algorithm;
  size_t workspaceBytes;
  BlasStatus state;
  float waves;
  int reserved[4];
};

/// cudaDataType.
enum class BlasType : int { F32 = 0, F16 = 2, BF16 = 14 };
inline constexpr int kComputeF32 = 68; // CUBLAS_COMPUTE_32F: no TF32
/// cublasLtMatmulDescAttributes_t.
enum class MatmulDescAttribute : int { TransA = 3, TransB = 4, Epilogue = 7, BiasPointer = 8 };
inline constexpr int kEpilogueBias =
    4; // CUBLASLT_EPILOGUE_BIAS: a vector of D's type is added to each column
/// cublasLtMatmulPreferenceAttributes_t.
enum class MatmulPreferenceAttribute : int {
  WorkspaceBytes = 1,
  AlignmentA = 5,
  AlignmentB = 6,
  AlignmentC = 7,
  AlignmentD = 8
};

// X(member, symbol in libcublasLt.so, result, parameters)
#define DRAWLOOM_BLAS_LT(X)                                                                                  \
  X(getVersion, "cublasLtGetVersion", size_t, (void))                                                        \
  X(create, "cublasLtCreate", BlasStatus, (BlasHandle *))                                                    \
  X(destroy, "cublasLtDestroy", BlasStatus, (BlasHandle))                                                    \
  X(matmulDescCreate, "cublasLtMatmulDescCreate", BlasStatus,                                                \
    (MatmulDescHandle *, int computeType, BlasType scaleType))                                               \
  X(matmulDescDestroy, "cublasLtMatmulDescDestroy", BlasStatus, (MatmulDescHandle))                          \
  X(matmulDescSetAttribute, "cublasLtMatmulDescSetAttribute", BlasStatus,                                    \
    (MatmulDescHandle, MatmulDescAttribute, const void *, size_t))                                           \
  X(matrixLayoutCreate, "cublasLtMatrixLayoutCreate", BlasStatus,                                            \
    (MatrixLayoutHandle *, BlasType, uint64_t rows, uint64_t columns, int64_t leadingDimension))             \
  X(matrixLayoutDestroy, "cublasLtMatrixLayoutDestroy", BlasStatus, (MatrixLayoutHandle))                    \
  X(matmulPreferenceCreate, "cublasLtMatmulPreferenceCreate", BlasStatus, (MatmulPreferenceHandle *))        \
  X(matmulPreferenceDestroy, "cublasLtMatmulPreferenceDestroy", BlasStatus, (MatmulPreferenceHandle))        \
  X(matmulPreferenceSetAttribute, "cublasLtMatmulPreferenceSetAttribute", BlasStatus,                        \
    (MatmulPreferenceHandle, MatmulPreferenceAttribute, const void *, size_t))                               \
  X(matmulAlgoGetHeuristic, "cublasLtMatmulAlgoGetHeuristic", BlasStatus,                                    \
    (BlasHandle, MatmulDescHandle, MatrixLayoutHandle a, MatrixLayoutHandle b, MatrixLayoutHandle c,         \
     MatrixLayoutHandle d, MatmulPreferenceHandle, int wanted, MatmulChoice *, int *found))                  \
  X(matmulAlgoCheck, "cublasLtMatmulAlgoCheck", BlasStatus,                                                  \
    (BlasHandle, MatmulDescHandle, MatrixLayoutHandle a, MatrixLayoutHandle b, MatrixLayoutHandle c,         \
     MatrixLayoutHandle d, const MatmulAlgorithm *, MatmulChoice *))                                         \
  X(matmul, "cublasLtMatmul", BlasStatus,                                                                    \
    (BlasHandle, MatmulDescHandle, const void *alpha, const void *a, MatrixLayoutHandle, const void *b,      \
     MatrixLayoutHandle, const void *beta, const void *c, MatrixLayoutHandle, void *d, MatrixLayoutHandle,   \
     const MatmulAlgorithm *, void *workspace, size_t workspaceBytes, StreamHandle))

struct BlasLt {
#define X(member, symbol, result, parameters) result(*member) parameters = nullptr;
  DRAWLOOM_BLAS_LT(X)
#undef X
  std::string path; // where it was found
};

/// This machine's cuBLASLt, loaded once. Throws Error(kFailed) that says where it was looked for.
const BlasLt &machineBlasLt();
/// The same, or nothing and the reason.
const BlasLt *findMachineBlasLt(std::string &reason);

/// Names to try, in order: $DRAWLOOM_CUBLASLT alone if it is set, else the loader's own search (which follows
/// LD_LIBRARY_PATH), the usual places of the toolkit, and Python's packages.
std::vector<std::string> blasLtCandidates();

} // namespace drawloom::cuda
