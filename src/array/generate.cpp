#include "array/generate.h"

#include <algorithm>
#include <array>

#include "array/workspace.h"

namespace distob::array::detail {

Array generate(const Shape& shape, Kind kind, DType dtype, CutPtr cut, const Generator& generator) {
  Array a = new_array(shape, kind, std::move(cut));
  if (a.size() > 0) {
    memory::MemoryPtr memory = memory::Memory::allocate(static_cast<std::size_t>(storage_of(a)->size()));
    const std::int64_t itemsize = itemsize_of(kind);
    Workspace::instance().run_ranges(a.size(), [&](std::int64_t first, std::int64_t last) {
      generator(first, last - first, memory->data() + first * itemsize);
    });
    storage_of(a)->set_memory(std::move(memory));  // nobody else has seen it yet
  }
  return dtype == DType(kind) ? a : astype(a, dtype);
}

}  // namespace distob::array::detail
