// What a warp-specialized backward kernel computes, and how it is cut.
#pragma once
#include "passes/attention/TileKernel.h"

namespace drawloom::attention {

/// The gradients that an owner of a tile makes. With rows of the tile as M and S = Q K^T, P = exp(S scale -
/// lse), dP = dO V^T, dS = P (dP - delta):
///   queries  dQ = scale dS K          keys  dK = scale dS^T Q, dV = P^T dO (one of them or both)
/// KeysAndRelay makes dK and dV and adds its keys' share to the dQ of every tile of queries that it meets.
enum class Owner { Queries, Keys, KeysOfK, KeysOfV, KeysAndRelay };

inline bool ownsKeys(Owner owner) { return owner != Owner::Queries; }
/// Whether it makes the gradient with d_qk channels (dQ or dK).
inline bool makesFirst(Owner owner) { return owner != Owner::KeysOfV; }
/// Whether it makes dV.
inline bool makesValues(Owner owner) { return owner != Owner::Queries && owner != Owner::KeysOfK; }
inline bool relaysQueries(Owner owner) { return owner == Owner::KeysAndRelay; }

/// Arguments of a kernel whose owners relay dQ.
struct RelayArguments {
  unsigned queries; ///< dQ
  unsigned words;   ///< f32 zeros [sequences * pairs + 1]: of each pair of query tiles the owners that have
                    ///< added, then the items taken
  unsigned sums;    ///< [sequences * pairs * 2, 64 * d_qk] f32: a tile's dQ / scale, as fragments lie
  int64_t pairs;    ///< of a slice
  /// The owner of a slice's first keys also writes zeros to the dQ of queries that nobody meets.
  bool clearsQueries = false;
  /// Owners also write zeros to dK and dV of positions between their keys and the next ones.
  bool clearsKeys = false;
};

/// How an owner's kernel is cut.
struct OwnerCut {
  int64_t groups;  ///< consumer warp groups, each with 64 rows of the tile
  int64_t columns; ///< rows of a streamed tile
  int64_t stages;  ///< of the ring of streamed tiles

  int64_t blocks; ///< that share a multiprocessor: with two, one computes while the other begins or ends

  int64_t ownRows() const { return groups * 64; }
  /// Whether the warp groups share a block's registers out anew. One consumer group alone on a multiprocessor
  /// has enough.
  bool movesRegisters() const { return groups + blocks > 2; }
  /// Registers of a thread; `gathers`: producers compute addresses.
  int64_t producerRegisters(bool gathers) const { return gathers ? 40 : 24; }
  int64_t consumerRegisters(bool gathers) const { return groups == 1 && gathers ? 216 : 232; }
};

/// Whether a thread's registers hold the accumulators of dK and dV together.
bool canOwnBoth(const Shape &shape);

/// Registers that a consumer's thread needs.
int64_t registersOf(const Shape &shape, Owner owner, const OwnerCut &cut);

/// Bytes of shared memory that a block takes.
int64_t sharedBytes(const Shape &shape, Owner owner, const OwnerCut &cut);

/// A cut that fits 64 Ki registers and `shared` bytes of a multiprocessor's shared memory; `longest` is the
/// most rows that a slice's owned side has, `met` how many of the streamed side a row meets on average.
OwnerCut chooseOwnerCut(const Shape &shape, Owner owner, int64_t longest, int64_t met, int64_t shared);

} // namespace drawloom::attention
