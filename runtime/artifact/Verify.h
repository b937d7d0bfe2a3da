// The second verification of a plan: FlatBuffers has proved that every table, vector and string lies inside
// the plan; here every value is proved to be one that the executor can use without looking again. Rules carry
// labels (PLAN1, BUFFER3, ...) that messages and tests repeat.
//
//   PLAN1     vectors of 8-byte elements are 8-aligned (flatbuffers 2.0.8 does not check)
//   PLAN2     the plan's ABI version is the header's
//   PLAN3     the spec matches its hash
//   PLAN4     arena_bytes has one entry a kind of memory; their sum and every one is below 2^47
//   PLAN5     names of functions, persistent buffers and parameters are not empty and unique
//   SEGMENT1  4096-aligned range of the file after the plan
//   SEGMENT2  segments do not overlap
//   SEGMENT3  content matches its hash
//   BUFFER1   element type and kind of memory are known ones; at most 8 dimensions
//   BUFFER2   bytes >= product of shape times the element size
//   BUFFER3   offset is a multiple of 64 and [offset, offset + bytes) lies in the buffer's arena
//   BUFFER4   persistent buffers do not lie in Activations, locals lie nowhere else
//   BUFFER5   persistent buffers of one arena do not overlap
//   BUFFER6   locals that overlap in bytes have disjoint [first, last], and last is a command of the function
//   FUNCTION1 activation_bytes holds every local; arena Activations is the largest of them
//   COMMAND1  the action is a launch, a GEMM or a zero
//   PLACE1    the buffer exists, and a local is used within its [first, last] only
//   PLACE2    the offset lies in the buffer and is a multiple of the element size
//   LAUNCH1   the kernel exists; places and scalars are as many as it takes
//   LAUNCH2   at most 2^40 work items
//   GEMM1     m, n, k and the leading dimensions are in [1, 2^31); a leading dimension is at least its row's
//             length
//   GEMM2     A, B and C have the types that the GEMM says and lie inside their buffers
//   GEMM3     C is not read-only memory and does not overlap A or B
//   GEMM4     alpha and beta are finite
//   GEMM5     all types are f32; on a GPU A and B may both be bf16 or f16, and C is of their type or f32
//   ZERO1     the range lies inside its buffer, which is not read-only memory
//   KERNEL1   on a CPU the entry lies in the code segment; at most 65535 places and scalars
//   KERNEL2   on a CPU a kernel has no threads, shared memory or tensor maps of its own
//   KERNEL3   on a GPU the code of a module is text that ends in a NUL, and names of kernels are unique
//   KERNEL4   on a GPU a block has one thread or up to 32 warps of 32, at least one work item, and no more
//             shared memory than the target's largest (227 KiB for sm_90a, 163 KiB for sm_80)
//   KERNEL5   on a GPU the parameters take at most 32764 bytes
//   MODULE1   only a GPU's artifact has modules; they lie in the code and, if they have a cubin, in the sass
//   MODULE2   on a GPU a kernel's module exists
//   TMAP1     a tensor map is of a place of its kernel, with a known element type and swizzle
//   TMAP2     it has 1 to 5 dimensions, one stride fewer and as many box extents
//   TMAP3     dimensions are in [1, 2^32], strides positive multiples of 16 below 2^40, box extents in [1,
//   256] TMAP4     a row of the box is a multiple of 16 bytes, and no longer than the swizzle's span if there
//   is one TMAP5     in every launch the map's place is of the map's type, 16-aligned, and holds all of the
//   tensor LAUNCH3   on a GPU there are at most 2^31 - 1 blocks PARAM1    value, gradient, moments and ema
//   are f32 buffers of one shape, each in its arena PARAM2    value and gradient have the same offset; the
//   moments and the ema lie each in a slot of the same
//             layout
//   PARAM3    initialization is a known one, its stddev finite and not negative
//   SEGMENT4  only a GPU's artifact has the segment 'sass'
#pragma once
#include "runtime/schema/plan_generated.h"
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace drawloom {

/// What verification needs to know about the file around the plan.
struct ArtifactFile {
  std::string name;                 // for messages
  std::span<const std::byte> bytes; // the whole file
  uint64_t planEnd = 0;             // segments begin here or later
};

/// Checks every rule above. The plan must have passed FlatBuffers' verifier. Throws Error(kBadInput) that
/// names the file, the thing at fault and the rule.
void verifyPlan(const plan::Plan &plan, const ArtifactFile &file);

/// Bytes of one element; 0 for an unknown type.
uint64_t elementBytes(plan::DType dtype);

} // namespace drawloom
