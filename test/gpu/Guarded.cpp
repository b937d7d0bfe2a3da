#include "test/gpu/Guarded.h"
#include "codegen/Artifact.h"
#include "runtime/abi/Abi.h"
#include <cstring>

namespace drawloom::test {
namespace {

uint64_t alignUp(uint64_t bytes) {
  return (bytes + abi::kBufferAlignment - 1) / abi::kBufferAlignment * abi::kBufferAlignment;
}

/// Lays buffers out one after another in their arenas, each with a zone before it and one behind it.
class Layout {
public:
  Layout(plan::PlanT &plan, Guarded &result) : plan(plan), result(result) {
    plan.arena_bytes.assign(size_t(plan::Arena::MAX) + 1, 0);
  }

  void add(std::unique_ptr<plan::BufferT> buffer) {
    plan::Arena arena = buffer->arena;
    addZone(arena);
    append(std::move(buffer));
    addZone(arena);
  }

private:
  void append(std::unique_ptr<plan::BufferT> buffer) {
    uint64_t &end = plan.arena_bytes[size_t(buffer->arena)];
    buffer->offset = end;
    end += alignUp(buffer->bytes);
    plan.buffers.push_back(std::move(buffer));
  }
  void addZone(plan::Arena arena) {
    auto zone = std::make_unique<plan::BufferT>();
    zone->name = kZonePrefix + std::to_string(result.zones.size());
    zone->dtype = plan::DType::U8;
    zone->shape = {kZoneBytes};
    zone->arena = arena;
    zone->bytes = kZoneBytes;
    result.zones.push_back(zone->name);
    append(std::move(zone));
  }

  plan::PlanT &plan;
  Guarded &result;
};

/// Replaces buffer numbers in every place of a function's commands.
void renumber(plan::FunctionT &function, const std::vector<uint32_t> &to) {
  auto move = [&](plan::Place &place) { place = plan::Place(to[place.buffer()], 0, place.offset()); };
  for (auto &command : function.commands) {
    if (auto *launch = command->action.AsLaunch())
      for (plan::Place &place : launch->places) move(place);
    if (auto *gemm = command->action.AsGemm()) move(*gemm->a), move(*gemm->b), move(*gemm->c);
    if (auto *zero = command->action.AsZero()) move(*zero->place);
  }
}

} // namespace

Guarded guarded(const std::vector<std::byte> &artifact) {
  abi::FileHeader header;
  std::memcpy(&header, artifact.data(), sizeof(header));
  plan::PlanT plan;
  plan::GetPlan(artifact.data() + header.planOffset)->UnPackTo(&plan);
  auto segment = [&](const std::unique_ptr<plan::Segment> &s) {
    if (!s) return std::vector<std::byte>();
    return std::vector<std::byte>(artifact.begin() + s->offset(), artifact.begin() + s->offset() + s->bytes());
  };
  std::vector<std::byte> code = segment(plan.code), sass = segment(plan.sass);

  Guarded result;
  auto persistent = std::move(plan.buffers);
  plan.buffers.clear();
  Layout layout(plan, result);
  std::vector<uint32_t> moved;
  auto add = [&](std::unique_ptr<plan::BufferT> buffer) {
    layout.add(std::move(buffer));
    moved.push_back(uint32_t(plan.buffers.size() - 2)); // between its zones
  };
  for (auto &buffer : persistent) add(std::move(buffer));
  std::vector<uint32_t> ofPersistent = moved;
  for (auto &function : plan.functions) {
    moved = ofPersistent;
    for (auto &local : function->locals) {
      local->name = "local." + function->name + "." + std::to_string(&local - function->locals.data());
      local->arena = plan::Arena::State;
      result.locals.push_back(local->name);
      add(std::move(local));
    }
    function->locals.clear();
    function->activation_bytes = 0;
    renumber(*function, moved);
  }
  for (auto &parameter : plan.parameters)
    for (uint32_t *index : {&parameter->value, &parameter->gradient, &parameter->moment1, &parameter->moment2, &parameter->ema})
      if (*index != abi::kNoBuffer) *index = ofPersistent[*index];
  result.artifact = assembleArtifact(plan, code, sass);
  return result;
}

} // namespace drawloom::test
