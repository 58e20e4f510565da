#include "objects/register.h"

#include <nanobind/stl/string.h>

#include "objects/clusters.h"
#include "objects/executor.h"
#include "objects/kinds.h"
#include "objects/pending.h"
#include "objects/remote.h"
#include "objects/trace.h"
#include "objects/values.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

PyTypeObject* as_type(nb::handle type) {
  if (!PyType_Check(type.ptr())) throw nb::type_error("a class is needed");
  return reinterpret_cast<PyTypeObject*>(type.ptr());
}

/// Changes whenever the class does: its version in CPython's method cache. 0 if it has none.
std::uint32_t type_version(nb::handle handle) {
  PyTypeObject* type = as_type(handle);
#if PY_VERSION_HEX >= 0x030D0000
  return PyUnstable_Type_AssignVersionTag(type) ? type->tp_version_tag : 0;
#else
  static PyObject* name = PyUnicode_InternFromString("__doc__");
  _PyType_Lookup(type, name);  // gives a changed class its new version
  return (type->tp_flags & Py_TPFLAGS_VALID_VERSION_TAG) ? type->tp_version_tag : 0;
#endif
}

void register_kinds(nb::module_& module) {
  module.def("set_policy", [](nb::handle type, const std::string& by) {
    set_policy(as_type(type), by == "proxy" ? Policy::proxy : by == "value" ? Policy::value : Policy::none);
  });
  module.def("policy", [](nb::handle type) {
    const Policy policy = policy_of(as_type(type));
    return policy == Policy::proxy ? "proxy" : policy == Policy::value ? "value" : "";
  });
  module.def("declare_atom", [](nb::handle type) { declare_atom(as_type(type)); });
  module.def("scatters_as_class", [](nb::handle type) { return scatters_as_class(as_type(type)); });
  module.def(
      "is_plain", [](nb::handle value) { return is_plain(value.ptr()); }, nb::arg("value").none());
  module.def(
      "held_parts",
      [](nb::handle value, Py_ssize_t borrowed) {
        nb::list parts;
        for (PyObject* part : held_parts(value.ptr(), borrowed)) parts.append(nb::handle(part));
        return parts;
      },
      "The mutable parts of a value that something else refers to; `borrowed` references to the value do not count.");
  module.def("type_version", type_version);
}

void register_outgoing(nb::module_& module) {
  nb::class_<Outgoing>(module, "Outgoing", "What is being written while distob._pickling writes a value.")
      .def("substitute", &Outgoing::substitute, nb::arg("object").none())
      .def("needs_bundle", &Outgoing::needs_bundle)
      .def("keep_in_band", &Outgoing::keep_in_band)
      .def_prop_ro("to_client", [](const Outgoing& outgoing) { return outgoing.is_result(); });
}

}  // namespace

void register_objects(nb::module_& module) {
  nb::set_leak_warnings(false);  // clusters and what they refer to may live until the process ends
  register_kinds(module);
  register_outgoing(module);
  register_remote(module);
  register_pending(module);
  register_executor(module);
  register_clusters(module);
}

}  // namespace distob::python
