// What a proxy hands out for its object's methods, and the slots through which special methods go.
#pragma once

#include <nanobind/nanobind.h>

namespace distob::python {

/// `proxy.name`, to be called: with block=False it returns a future.
[[nodiscard]] nanobind::object make_remote_method(PyObject* proxy, PyObject* name);

/// Adds SpecialMethod(name): a descriptor that proxy classes hold under the name of a special method.
void register_remote_method(nanobind::module_& module);

}  // namespace distob::python
