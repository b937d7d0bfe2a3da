#include "test/cuda/CudaArtifact.h"
#include <cstring>

namespace drawloom::test {

#define ENTRIES                                                                                              \
  R"ptx(
.visible .entry add(.param .u64 place0, .param .u64 scalar0, .param .u64 grid) {
  .reg .b64 %p, %s, %g, %i, %e, %a, %v, %b;
  .reg .b32 %t, %c;
  .reg .pred %done;
  ld.param.u64 %p, [place0];
  ld.param.u64 %s, [scalar0];
  ld.param.u64 %g, [grid];
  cvta.to.global.u64 %p, %p;
  mov.u32 %t, %tid.x;
  mov.u32 %c, %ctaid.x;
  mul.wide.u32 %b, %c, 256;
  add.u64 %e, %b, 256;
  min.u64 %e, %e, %g;
  cvt.u64.u32 %i, %t;
  add.u64 %i, %i, %b;
NEXT:
  setp.ge.u64 %done, %i, %e;
  @%done bra END;
  shl.b64 %a, %i, 3;
  add.u64 %a, %a, %p;
  ld.global.u64 %v, [%a];
  add.u64 %v, %v, %s;
  st.global.u64 [%a], %v;
  add.u64 %i, %i, 128;
  bra NEXT;
END:
  ret;
}

.visible .entry scale(.param .u64 place0, .param .u64 scalar0, .param .u64 grid) {
  .reg .b64 %p, %s, %g, %i, %e, %a, %b;
  .reg .b32 %t, %c;
  .reg .f32 %v, %f;
  .reg .pred %done;
  ld.param.u64 %p, [place0];
  ld.param.u64 %s, [scalar0];
  ld.param.u64 %g, [grid];
  cvta.to.global.u64 %p, %p;
  cvt.rn.f32.s64 %f, %s;
  mul.f32 %f, %f, 0f3F000000;
  mov.u32 %t, %tid.x;
  mov.u32 %c, %ctaid.x;
  mul.wide.u32 %b, %c, 256;
  add.u64 %e, %b, 256;
  min.u64 %e, %e, %g;
  cvt.u64.u32 %i, %t;
  add.u64 %i, %i, %b;
NEXT:
  setp.ge.u64 %done, %i, %e;
  @%done bra END;
  shl.b64 %a, %i, 2;
  add.u64 %a, %a, %p;
  ld.global.f32 %v, [%a];
  mul.f32 %v, %v, %f;
  st.global.f32 [%a], %v;
  add.u64 %i, %i, 128;
  bra NEXT;
END:
  ret;
}

.visible .entry trap(.param .u64 place0, .param .u64 scalar0, .param .u64 grid) {
  .reg .b64 %a, %v;
  mov.u64 %a, 64;
  ld.global.u64 %v, [%a];
  st.global.u64 [%a], %v;
  ret;
}
)ptx"

const char *const kPtx = ".version 7.0\n.target sm_80\n.address_size 64\n" ENTRIES;

const char *const kTmaPtx = ".version 8.0\n.target sm_90a\n.address_size 64\n" ENTRIES R"ptx(
.extern .shared .align 1024 .b8 tile_memory[];
.visible .entry tile(.param .u64 place0, .param .u64 place1, .param .u64 grid, .param .align 64 .b8 map[128]) {
  .reg .b64 %to, %m, %state, %a, %o;
  .reg .b32 %t, %c, %bar, %s, %y, %x, %v, %sa;
  .reg .pred %other, %ready;
  .shared .align 8 .b64 barrier;
  ld.param.u64 %to, [place1];
  cvta.to.global.u64 %to, %to;
  mov.u32 %t, %tid.x;
  mov.u32 %c, %ctaid.x;
  mov.u32 %bar, barrier;
  mov.u32 %s, tile_memory;
  setp.ne.u32 %other, %t, 0;
  @%other bra WAIT;
  mbarrier.init.shared::cta.b64 [%bar], 1;
  fence.proxy.async;
  mbarrier.arrive.expect_tx.shared::cta.b64 %state, [%bar], 1024;
  mov.b64 %m, map;
  cvta.param.u64 %m, %m;
  mov.u32 %x, 0;
  shl.b32 %y, %c, 3;
  cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%s], [%m, {%x, %y}], [%bar];
WAIT:
  bar.sync 0;
POLL:
  mbarrier.try_wait.parity.shared::cta.b64 %ready, [%bar], 0;
  @!%ready bra POLL;
  // 256 elements, 2 a thread.
  mul.wide.u32 %o, %c, 1024;
  add.u64 %to, %to, %o;
  mul.wide.u32 %a, %t, 4;
  add.u64 %a, %a, %to;
  shl.b32 %sa, %t, 2;
  add.u32 %sa, %sa, %s;
  ld.shared.u32 %v, [%sa];
  st.global.u32 [%a], %v;
  ld.shared.u32 %v, [%sa+512];
  st.global.u32 [%a+512], %v;
  ret;
}
)ptx";

std::vector<std::byte> bytesOf(const char *text) {
  auto *begin = reinterpret_cast<const std::byte *>(text);
  return {begin, begin + std::strlen(text) + 1};
}

static void addLaunch(plan::PlanT &p, const std::string &function, uint32_t kernel, uint64_t grid,
                      std::vector<plan::Place> places, std::vector<int64_t> scalars) {
  auto f = std::make_unique<plan::FunctionT>();
  f->name = function;
  plan::LaunchT launch;
  launch.kernel = kernel;
  launch.grid = grid;
  launch.places = std::move(places);
  launch.scalars = std::move(scalars);
  auto c = std::make_unique<plan::CommandT>();
  c->action.Set(std::move(launch));
  c->label = function;
  f->commands.push_back(std::move(c));
  p.functions.push_back(std::move(f));
}

static void addKernel(plan::PlanT &p, const std::string &name) {
  auto k = std::make_unique<plan::KernelT>(*p.kernels[0]);
  k->name = name;
  p.kernels.push_back(std::move(k));
}

Parts cudaValid() {
  Parts parts = valid();
  auto &p = parts.plan;
  p.target = "sm_80";
  p.cpu_features.clear();
  p.kernels[0]->threads = 128;
  p.kernels[0]->items = 256;
  addKernel(p, "scale");
  addLaunch(p, "step", 1, 32, {plan::Place(kW, 0, 0)}, {3});
  parts.code = bytesOf(kPtx);
  return parts;
}

Parts withTensorMap() {
  Parts parts = cudaValid();
  auto &p = parts.plan;
  p.target = "sm_90a";
  parts.code = bytesOf(kTmaPtx);
  // A matrix of 20 rows of 32 elements, in rows of 40; three tiles of 8 rows, the last one half outside.
  auto add = [&](std::string name, std::vector<uint64_t> shape, uint64_t offset) {
    auto b = std::make_unique<plan::BufferT>();
    b->name = std::move(name), b->dtype = plan::DType::F32, b->arena = plan::Arena::State, b->offset = offset;
    b->bytes = 4;
    for (uint64_t extent : shape) b->bytes *= extent;
    b->shape = std::move(shape);
    p.buffers.push_back(std::move(b));
  };
  uint32_t added = uint32_t(p.buffers.size());
  add("matrix", {20, 40}, 0);
  add("tiles", {3, 8, 32}, 3200);
  p.arena_bytes[size_t(plan::Arena::State)] = 3200 + 3072;
  // Locals are counted behind the persistent buffers.
  for (auto &f : p.functions)
    for (auto &c : f->commands)
      if (auto *g = c->action.AsGemm())
        for (auto *place : {&g->a, &g->b, &g->c})
          if ((*place)->buffer() >= added)
            **place = plan::Place((*place)->buffer() + 2, 0, (*place)->offset());
  for (auto &f : p.functions)
    for (auto &c : f->commands)
      if (auto *z = c->action.AsZero(); z && z->place->buffer() >= added)
        *z->place = plan::Place(z->place->buffer() + 2, 0, z->place->offset());
  addKernel(p, "tile");
  auto &kernel = *p.kernels.back();
  kernel.places = 2, kernel.scalars = 0, kernel.items = 1, kernel.shared_bytes = 64 << 10;
  auto map = std::make_unique<plan::TensorMapT>();
  map->place = 0;
  map->dtype = plan::DType::F32;
  map->dims = {32, 20};
  map->strides = {160};
  map->box = {32, 8};
  kernel.tensor_maps.push_back(std::move(map));
  addLaunch(p, "tiles", uint32_t(p.kernels.size() - 1), 3,
            {plan::Place(added, 0, 0), plan::Place(added + 1, 0, 0)}, {});
  return parts;
}

} // namespace drawloom::test
