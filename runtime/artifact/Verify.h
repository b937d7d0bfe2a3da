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
//   length GEMM2     A, B and C are f32 and lie inside their buffers GEMM3     C is not read-only memory and
//   does not overlap A or B GEMM4     alpha and beta are finite ZERO1     the range lies inside its buffer,
//   which is not read-only memory KERNEL1   the entry lies in the code segment; at most 65535 places and
//   scalars PARAM1    value, gradient, moments and ema are f32 buffers of one shape, each in its arena PARAM2
//   value and gradient have the same offset; the moments and the ema lie each in a slot of the same layout
//   PARAM3    initialization is a known one, its stddev finite and not negative
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
