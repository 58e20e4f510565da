#pragma once

#include <nanobind/nanobind.h>

namespace distob::python {

/// Adds LocalCluster and Link to the module: engines of this machine, and calls to them.
void register_clusters(nanobind::module_& module);

}  // namespace distob::python
