// Kernels as text, for people.
#pragma once

#include <string_view>

#include "kernels/kernel.h"

namespace distob::kernels {

/// The operation that `kernel` computes, "cast" for a conversion, or "loop" for one of the front door's. Searches all kernels.
[[nodiscard]] std::string_view name_of(const Kernel& kernel);

}  // namespace distob::kernels
