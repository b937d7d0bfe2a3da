// Dense matrix products on the CPU: C = alpha op(A) op(B) + beta C in fp32, row-major.
//
// Products of some size run in our own kernels (GemmKernel.h): B is packed once by all threads together, then
// rows of C are shared out, each with its rows of A. Nothing is packed twice, so that many small work items
// balance threads for free, which a BLAS called a chunk at a time cannot offer. Every element's sum is one
// chain in a fixed order: the bits depend neither on the number of threads nor on which rows and columns are
// computed together.
//
// Products with few rows or columns (decoding) stream a matrix once, and go to OpenBLAS on one thread a call,
// in chunks that depend on the shape only; so do all products on processors without FMA.
#pragma once
#include <cstdint>

namespace drawloom {

class ThreadPool;
struct GemmKernel;

struct GemmArguments {
  bool transA = false, transB = false;
  int64_t m = 0, n = 0, k = 0;
  float alpha = 1, beta = 0;
  const float *a = nullptr;
  int64_t lda = 0;
  const float *b = nullptr;
  int64_t ldb = 0;
  float *c = nullptr;
  int64_t ldc = 0;
};

/// How a product is computed. A function of its shape and of the processor's instruction set.
struct GemmPlan {
  const GemmKernel *kernel = nullptr; // null: BLAS
  int64_t rows = 0, columns = 0;      // of C in one work item; multiples of the kernel's tile
  int64_t depth = 0;                  // of k in one chain of additions
  int64_t depthBlocks = 0;            // chains whose part of B is packed at a time
  int64_t bandColumns = 0;            // columns of B that are packed at a time
  uint64_t scratchFloats = 0;         // 64-aligned memory that the packed B needs
  bool shared = true;                 // worth more than one thread
};

GemmPlan planGemm(int64_t m, int64_t n, int64_t k);
/// The same with a given kernel, or with BLAS for null.
GemmPlan planGemm(int64_t m, int64_t n, int64_t k, const GemmKernel *kernel);

/// `scratch` has plan.scratchFloats floats and is in use until the call returns.
void gemm(ThreadPool &pool, const GemmArguments &g, const GemmPlan &plan, float *scratch);

/// The same for callers outside a Program: plans, and allocates the scratch memory, on every call.
void gemm(ThreadPool &pool, const GemmArguments &g);

/// The part that OpenBLAS does (runtime/device/GemmBlas.cpp).
void gemmBlas(ThreadPool &pool, const GemmArguments &g, const GemmPlan &plan);

} // namespace drawloom
