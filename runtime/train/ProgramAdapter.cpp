#include "runtime/train/TrainableProgram.h"
#include <cstring>

namespace drawloom {

void ProgramAdapter::clearState() {
  for (const plan::Buffer *b : *program.plan().buffers())
    if (b->arena() == plan::Arena::State && b->name()) {
      BufferRef ref = program.buffer(b->name()->string_view());
      std::memset(ref.data, 0, ref.bytes);
    }
}

} // namespace drawloom
