// All gradients from five products a pair of tiles: blocks own tiles of keys, and dQ goes from one to the
// next.
#pragma once
#include "passes/attention/gpu/OwnerKernel.h"
#include "passes/attention/gpu/RelayPlan.h"

namespace drawloom::attention {

/// Builds the kernel at its insertion point.
///
/// An owner of 128 keys makes dK and dV of 64 keys a warp group, and besides the share that its keys have in
/// the dQ of each tile of queries. The shares of a pair of query tiles are added in f32 in global memory, in
/// the order of their keys: a word counts the owners that have added theirs, and the next one waits for it.
/// The first one stores in place of adding; the last one adds its share to what it reads, and stores dQ.
///
/// - Queries come from the last to the first, two tiles of 64 at a time, so that owners that start together
///   meet a pair one after the other without waiting long.
/// - dS^T goes to shared memory, where all keys of a query tile meet. While the first scores of a pair are
///   made, each group makes the share of one of the two tiles before. Two pairs have places: a group that has
///   seen the other one finish a pair knows that it has finished the products of the pair before, too.
/// - A share takes the place of its dS^T. Thread 32 waits for the words, adds shares by bulk copies and sets
///   the words.
/// - A block takes its item when it starts (take_number): whoever it waits for has started before.
class RelayKernel : public OwnerKernel {
public:
  RelayKernel(const TileKernel &k, const OwnerSpec &spec, MapList &maps);

  void build() const;

private:
  static constexpr int64_t kTile = kGroupRows, kPairRows = 2 * kTile, kWarpsInGroup = 4;
  /// An owner's turn at a pair of query tiles.
  struct Turn {
    Value word;   ///< index of the pair among all
    Value before; ///< owners whose turn is earlier (i32)
    Value isFirst, isLast;
  };

  Value takeNumber() const;
  ViewInKernel::Range keysOf(const Item &item, Value pair) const;
  Value isMetByNobody(const Item &item, Value pair) const;
  Turn turnAt(const Item &item, Value pair) const;
  void relay(const Item &item) const;
  void copyShares(const Item &item, const Turn &at, Value step, bool add) const;

  void consumeItem(const Item &item, Value step) const override;
  Gradients meet(const Rows &rows, const Ring::Slot &slot, Value tile, Value target, Gradients gradients,
                 llvm::function_ref<Value()> start, llvm::function_ref<void(Value)> end) const;
  Value startQueries(Value step) const;
  void finishQueries(const Item &item, Value step, Value share) const;
  void putShare(const Item &item, Value tile, Value step, Value share) const;
  void storeQueries(const Item &item, Value tile, Value sum, Value offset) const;
  void clearQueries(const Item &item, Value step) const;
  void clearKeys(const Item &item) const;
  void clearRows(const Item &item, Value from, Value to) const;
  void arriveByWarp(Value barrier) const;
  Value scoreGradientsAt(Value step, Value half) const;

  const int64_t scoreGradientsBase, numberAt;
  const int64_t written; ///< mbarrier: a pair's dS^T is there
  const Ring turns;      ///< at a pair, which have come. Consumers may be two pairs ahead of the relay, and a
                    ///< single barrier's parity would take the turn before the last for the one they wait for
  const Ring shares; ///< of dQ, a pair each: the consumers put them, the relay takes them
};

} // namespace drawloom::attention
