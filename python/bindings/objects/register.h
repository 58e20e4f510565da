#pragma once

#include <nanobind/nanobind.h>

namespace distob::python {

/// Adds proxies, calls, clusters and the engine's side to the extension module. Called once, when it is imported.
void register_objects(nanobind::module_& module);

}  // namespace distob::python
