#include "passes/attention/gpu/LowerOwners.h"
#include "passes/attention/gpu/RelayKernel.h"
#include "passes/tiles/SharedMemory.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

/// Owners that one launch serves side by side: their items alternate, so that the rows they share are read
/// from memory once.
struct OwnerLaunch {
  SmallVector<OwnerSpec> owners;
  SmallVector<unsigned> gradients; ///< 0 dQ, 1 dK, 2 dV: what the launch makes

  int64_t grid() const {
    int64_t sum = 0;
    for (const OwnerSpec &spec : owners) sum += spec.items();
    return sum;
  }
};

/// Item `number` of the launch: while both owners have items left they take turns, then the longer one goes
/// on.
void buildOwners(const TileKernel &k, const OwnerLaunch &launch, MapList &maps) {
  int64_t threads = 0, shared = 0;
  auto build = [&](const OwnerSpec &spec, Value from, Value to) {
    OwnerKernel owner(k, spec, maps);
    owner.build(from, to);
    threads = std::max(threads, owner.threads()), shared = std::max(shared, owner.sharedBytes());
  };
  Value begin = k.kernel.begin(), end = k.kernel.end();
  if (launch.owners.size() == 1) {
    build(launch.owners[0], begin, end);
  } else {
    GpuBuilder g(k);
    int64_t paired = 2 * std::min(launch.owners[0].items(), launch.owners[1].items());
    bool isFirstLonger = launch.owners[0].items() > launch.owners[1].items();
    AffineExpr x = k.dim(0);
    Value alternate = k.less(begin, k.index(paired));
    Value isEven =
        arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::eq, k.apply(x % 2, begin), k.index(0));
    Value isFirst =
        g.select(alternate, isEven, arith::ConstantIntOp::create(k.b, k.loc, k.b.getI1Type(), isFirstLonger));
    Value item = g.select(alternate, k.apply(x.floorDiv(2), begin), k.apply(x - paired / 2, begin));
    Value next = k.apply(x + 1, item);
    g.when(
        isFirst, [&] { build(launch.owners[0], item, next); }, [&] { build(launch.owners[1], item, next); });
  }
  describeBlock(k, threads, shared, launch.owners.front().cut.blocks);
}

std::string describeOwner(const OwnerSpec &s) {
  std::string text;
  llvm::raw_string_ostream(text) << int(s.owner) << "," << s.cut.groups << "," << s.cut.columns << ","
                                 << s.cut.stages << "," << s.cut.blocks << "," << s.continues << ","
                                 << s.slices << "," << s.tiles << ";";
  return text;
}

/// Products of 2 * channels operations a pair that an owner computes.
int64_t channelsOf(const OwnerSpec &s) {
  int64_t channels = s.shape.dQk;
  if (makesFirst(s.owner)) channels += s.shape.dV + s.shape.dQk;
  if (makesValues(s.owner)) channels += s.shape.dV;
  if (relaysQueries(s.owner)) channels += s.shape.dQk;
  return channels;
}

LogicalResult launchOwners(AttendGradOp op, Context &context, OwnerLaunch &owners, const Operands &operands,
                           int64_t pairs, const char *name, MutableArrayRef<Value> results) {
  OpBuilder b(op);
  const OwnerSpec &first = owners.owners.front();
  LaunchSpec spec = launchSpecOf(operands, owners.gradients, first.shape, first.view, name);
  auto place = [&](unsigned gradient) {
    return unsigned(kFirstGradient + (llvm::find(owners.gradients, gradient) - owners.gradients.begin()));
  };
  for (OwnerSpec &owner : owners.owners) {
    owner.first = place(ownsKeys(owner.owner) ? 1 : 0), owner.values = place(2);
    spec.key += describeOwner(owner);
    spec.flops += 2 * channelsOf(owner) * pairs * first.shape.batch;
  }
  spec.grid = owners.grid();
  MapList maps;
  auto made = launch(context, b, op, spec, [&](const TileKernel &k) { buildOwners(k, owners, maps); });
  if (failed(made)) return failure();
  for (auto [gradient, value] : llvm::zip(owners.gradients, (*made)->getResults())) results[gradient] = value;
  return success();
}

/// One launch whose blocks own tiles of keys and relay dQ.
LogicalResult launchRelay(AttendGradOp op, Context &context, OwnerSpec &owner, const Operands &operands,
                          int64_t pairs, SmallVector<Value> &results) {
  OpBuilder b(op);
  LaunchSpec spec = launchSpecOf(operands, {0, 1, 2}, owner.shape, owner.view, "attend_grad_relay");
  int64_t tilePairs =
      owner.shape.batch * owner.slices * int64_t(owner.view.getHeads().size()) * owner.relay.pairs;
  auto floats = [&](ArrayRef<int64_t> shape) { return RankedTensorType::get(shape, b.getF32Type()); };
  Value words = filled(b, op.getLoc(), floats({tilePairs + 1}), 0.0);
  spec.results.append({words.getType(), floats({tilePairs * 2, kGroupRows * owner.shape.dQk})});
  auto memrefOf = [](Type type) {
    auto tensor = cast<RankedTensorType>(type);
    return MemRefType::get(tensor.getShape(), tensor.getElementType());
  };
  spec.memrefs.insert(spec.memrefs.begin() + spec.inputs.size(), memrefOf(words.getType()));
  spec.inplace.append({int64_t(spec.inputs.size()), -1});
  spec.inputs.push_back(words);
  spec.memrefs.push_back(memrefOf(spec.results.back()));
  owner.relay.queries = argumentOf(spec, 0), owner.first = argumentOf(spec, 1);
  owner.values = argumentOf(spec, 2), owner.relay.words = argumentOf(spec, 3);
  owner.relay.sums = argumentOf(spec, 4);
  spec.key += describeOwner(owner) + (owner.relay.clearsQueries ? "queries," : "") +
              (owner.relay.clearsKeys ? "keys" : "");
  for (int64_t place : spec.inplace) spec.key += "," + std::to_string(place);
  spec.flops = 2 * channelsOf(owner) * pairs * owner.shape.batch;
  spec.grid = owner.items();
  MapList maps;
  auto made = launch(context, b, op, spec, [&](const TileKernel &k) {
    RelayKernel kernel(k, owner, maps);
    kernel.build();
    describeBlock(k, kernel.threads(), kernel.sharedBytes(), owner.cut.blocks);
  });
  if (failed(made)) return failure();
  results.assign((*made)->result_begin(), (*made)->result_begin() + 3);
  return success();
}

/// How owners that relay dQ do the view, if they do. They copy in bulk; of short slices few owners would run
/// at a time.
std::optional<OwnerSpec> relayOf(Context &context, const Shape &shape, ViewAttr view, const ViewFacts &facts,
                                 bool continues, int64_t shared) {
  std::optional<OwnerCut> cut = chooseRelayCut(shape, shared);
  if (!cut || !context.keysAreBoxes(view, cut->ownRows()) || !context.queriesAreBoxes(view, cut->columns))
    return std::nullopt;
  std::optional<RelayFacts> relay = relayFacts(toView(view), cut->ownRows());
  if (!relay) return std::nullopt;
  OwnerSpec spec{shape,
                 view,
                 Owner::KeysAndRelay,
                 *cut,
                 continues,
                 facts.slices,
                 int64_t(llvm::divideCeil(facts.keys, cut->ownRows()))};
  spec.relay.pairs = relay->pairs;
  spec.relay.clearsQueries = !relay->meetsQueries && !continues;
  if (spec.relay.clearsQueries && !relay->hasOwners) return std::nullopt; // who would?
  bool hasAllHeads = int64_t(view.getHeads().size()) == shape.heads;
  spec.relay.clearsKeys = !facts.coversKeys && !continues && hasAllHeads && keysAscend(toView(view));
  return spec;
}

} // namespace

static std::optional<OwnerSpec> relayOf(Context &context, const OwnedView &owned) {
  if (!context.options.relay) return std::nullopt;
  const auto &[shape, view, facts, continues, coversRows, coversKeys] = owned;
  return relayOf(context, shape, view, facts, continues, tiles::sharedMemoryOf(context.options.target));
}

bool canRelay(Context &context, const OwnedView &owned) { return relayOf(context, owned).has_value(); }

LogicalResult lowerToOwners(AttendGradOp op, Context &context, const OwnedView &owned, bool relays,
                            Operands &operands, SmallVector<Value> &results) {
  const auto &[shape, view, facts, continues, coversRows, coversKeys] = owned;
  int64_t shared = tiles::sharedMemoryOf(context.options.target);
  OpBuilder b(op);
  if (std::optional<OwnerSpec> relay = relays ? relayOf(context, owned) : std::nullopt) {
    if (!coversRows) operands.startFromZeros(b, op.getLoc(), {0});
    if (!coversKeys && !relay->relay.clearsKeys) operands.startFromZeros(b, op.getLoc(), {1, 2});
    return launchRelay(op, context, *relay, operands, facts.pairs, results);
  }
  if (!coversRows || !coversKeys) operands.startFromZeros(b, op.getLoc(), {0, 1, 2});
  int64_t met =
      facts.pairs / (int64_t(view.getHeads().size()) * std::min(shape.n, facts.slices * facts.rows));
  auto owner = [&](Owner which) {
    int64_t longest = std::max(facts.rows, facts.keys);
    OwnerCut cut = chooseOwnerCut(shape, which, longest, met, shared);
    int64_t own = ownsKeys(which) ? facts.keys : facts.rows;
    return OwnerSpec{
        shape, view, which, cut, continues, facts.slices, int64_t(llvm::divideCeil(own, cut.ownRows()))};
  };
  bool keysAtOnce = canOwnBoth(shape);
  OwnerLaunch first{{owner(keysAtOnce ? Owner::Keys : Owner::KeysOfK), owner(Owner::Queries)}, {0, 1}};
  if (keysAtOnce) first.gradients.push_back(2);
  if (failed(launchOwners(op, context, first, operands, facts.pairs, "attend_grad", results)))
    return failure();
  if (!keysAtOnce) {
    OwnerLaunch second{{owner(Owner::KeysOfV)}, {2}};
    if (failed(launchOwners(op, context, second, operands, facts.pairs, "attend_grad_v", results)))
      return failure();
  }
  return success();
}

} // namespace drawloom::attention
