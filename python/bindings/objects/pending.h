// The half of a future that waits for a reply; distob._futures.Future adds what concurrent.futures promises.
#pragma once

#include <nanobind/nanobind.h>

#include "objects/calls.h"

namespace distob::python {

/// A distob.Future for a call that was sent.
[[nodiscard]] nanobind::object make_future(Sent sent);

void register_pending(nanobind::module_& module);

}  // namespace distob::python
