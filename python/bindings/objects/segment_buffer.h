// Shared memory that arrived with a message, as a Python object with the buffer protocol.
#pragma once

#include <nanobind/nanobind.h>

#include "base/buffer.h"

namespace distob::python {

/// Maps `buffer` and returns a Python object over its bytes; the memory lives as long as the object and its views.
[[nodiscard]] nanobind::object map_buffer(const SharedBuffer& buffer);

}  // namespace distob::python
