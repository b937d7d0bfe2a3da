#include "passes/memory/Buffers.h"
#include "passes/Names.h"
#include "passes/memory/Storage.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace drawloom {
namespace {

/// What belongs to a role: the arena, the suffix that its names have, and the slot of the optimizer arena.
struct RoleTraits {
  StringRef role, arena, suffix;
  int slot;
};
constexpr RoleTraits kRoles[] = {
    {kParameterRole, "parameters", "", -1},
    {kGradientRole, "gradients", ".grad", -1},
    {kMoment1Role, "optimizer", ".m", 0},
    {kMoment2Role, "optimizer", ".v", 1},
    {kEmaRole, "optimizer", ".ema", 2},
    {kCacheRole, "state", "", -1},
    {kIoRole, "io", "", -1},
};

const RoleTraits *findRole(StringRef role) {
  for (const RoleTraits &traits : kRoles)
    if (traits.role == role) return &traits;
  return nullptr;
}

/// True for what has one entry a parameter.
bool followsParameters(const RoleTraits &traits) { return traits.arena != "state" && traits.arena != "io"; }

class Collector {
public:
  explicit Collector(ModuleOp module) : module(module) {}

  FailureOr<PersistentBuffers> run() {
    for (auto func : module.getOps<func::FuncOp>())
      if (failed(collectArguments(func))) return failure();
    for (auto func : module.getOps<func::FuncOp>())
      if (failed(collectResults(func))) return failure();
    if (failed(placeInArenas())) return failure();
    return std::move(buffers);
  }

private:
  LogicalResult collectArguments(func::FuncOp func) {
    for (unsigned k = 0; k < func.getNumArguments(); ++k) {
      auto name = func.getArgAttrOfType<StringAttr>(k, kNameAttr);
      if (!name)
        return func.emitError() << "argument " << k << " of @" << func.getName() << " needs " << kNameAttr;
      auto role = func.getArgAttrOfType<StringAttr>(k, kRoleAttr);
      const RoleTraits *traits = findRole(role ? role.getValue() : StringRef(kIoRole));
      if (!traits)
        return func.emitError() << "argument " << k << " of @" << func.getName() << " has an unknown role '"
                                << role.getValue() << "'";
      if (failed(add(func, name.getValue(), func.getArgumentTypes()[k], traits))) return failure();
    }
    return success();
  }

  LogicalResult collectResults(func::FuncOp func) {
    llvm::StringSet<> seen;
    for (unsigned k = 0; k < func.getNumResults(); ++k) {
      auto name = func.getResultAttrOfType<StringAttr>(k, kNameAttr);
      if (!name)
        return func.emitError() << "result " << k << " of @" << func.getName() << " needs " << kNameAttr;
      if (!seen.insert(name.getValue()).second)
        return func.emitError() << "two results of @" << func.getName() << " are named '" << name.getValue()
                                << "'";
      if (failed(add(func, name.getValue(), func.getResultTypes()[k], nullptr))) return failure();
    }
    return success();
  }

  /// A result (no traits) has the role of the argument with its name, wherever that is; else it is io.
  LogicalResult add(func::FuncOp func, StringRef name, Type type, const RoleTraits *traits) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !tensor.hasStaticShape() || dtypeName(tensor.getElementType()).empty())
      return func.emitError() << "buffer '" << name
                              << "' must be a tensor of static shape and known element type, got " << type;
    auto [entry, isNew] = byName.try_emplace(name, Entry{tensor, traits ? traits : findRole(kIoRole)});
    if (isNew) order.push_back(name.str());
    Entry &known = entry->second;
    if (known.type != tensor)
      return func.emitError() << "buffer '" << name << "' has two types: " << known.type << " and " << tensor;
    if (traits && known.traits != traits)
      return func.emitError() << "buffer '" << name << "' has two roles: " << known.traits->role << " and "
                              << traits->role;
    return success();
  }

  LogicalResult placeInArenas() {
    llvm::StringMap<int64_t> parameterOffset;
    int64_t parameterBytes = 0;
    for (const std::string &name : order)
      if (const Entry &entry = byName[name]; entry.traits->role == kParameterRole) {
        parameterOffset[name] = parameterBytes;
        parameterBytes += alignUp(tensorBytes(entry.type));
      }
    for (const RoleTraits &traits : kRoles)
      for (const std::string &name : order) {
        const Entry &entry = byName[name];
        if (entry.traits != &traits) continue;
        int64_t bytes = tensorBytes(entry.type), &arena = buffers.arenaBytes[traits.arena.str()],
                offset = arena;
        if (followsParameters(traits)) {
          StringRef owner = name;
          if (!owner.consume_back(traits.suffix) || !parameterOffset.contains(owner) ||
              byName[owner].type != entry.type)
            return module.emitError() << "buffer '" << name << "' has role " << traits.role
                                      << " but belongs to no parameter of its type";
          offset = std::max(traits.slot, 0) * parameterBytes + parameterOffset[owner];
          arena = std::max(arena, std::max(traits.slot + 1, 1) * parameterBytes);
        } else {
          arena = alignUp(offset + bytes);
        }
        buffers.byName[name] = buffers.list.size();
        buffers.list.push_back({name, entry.type, traits.role, traits.arena, offset, bytes});
      }
    return success();
  }

  struct Entry {
    RankedTensorType type;
    const RoleTraits *traits = nullptr;
  };
  ModuleOp module;
  llvm::StringMap<Entry> byName;
  std::vector<std::string> order; ///< in which names were met first
  PersistentBuffers buffers;
};

} // namespace

StringRef dtypeName(Type element) {
  if (element.isF32()) return "f32";
  if (element.isF64()) return "f64";
  if (element.isBF16()) return "bf16";
  if (element.isF16()) return "f16";
  if (element.isSignlessInteger(32)) return "i32";
  if (element.isSignlessInteger(64)) return "i64";
  if (element.isSignlessInteger(8)) return "u8";
  return {};
}

FailureOr<PersistentBuffers> collectBuffers(ModuleOp module) { return Collector(module).run(); }

} // namespace drawloom
