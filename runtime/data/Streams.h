// Philox sites of everything but dropout. Dropout owns the sites from 0 up with step = micro-step; initial
// weights have a step of their own; the others take sites from the top, so that no two uses ever read the
// same random words.
#pragma once
#include <cstdint>

namespace drawloom {

/// Step of initial weights; their site is the parameter's index.
inline constexpr uint64_t kInitStep = ~uint64_t(0);
/// Window order of training: the site of Feistel round r is kOrderSite + r, step = epoch.
inline constexpr uint32_t kOrderSite = 0xFFFF0000u;
/// Offset of an epoch's first window, step = epoch.
inline constexpr uint32_t kOffsetSite = 0xFFFF0100u;
/// Bytes that are drawn while sampling, step = position, element = row.
inline constexpr uint32_t kSampleSite = 0xFFFF0200u;

/// A number in [0, 1) with 53 random bits.
inline double uniform53(uint32_t high, uint32_t low) {
  return double((uint64_t(high) << 21) | (low >> 11)) * 0x1p-53;
}

} // namespace drawloom
