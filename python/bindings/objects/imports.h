// Python functions that the bindings call, looked up once when first needed.
#pragma once

#include <nanobind/nanobind.h>

namespace distob::python {

/// `module`.`name`, imported now if need be; kept for the life of the process in `slot`.
inline nanobind::handle imported(nanobind::handle& slot, const char* module, const char* name) {
  if (!slot.is_valid()) slot = nanobind::module_::import_(module).attr(name).inc_ref();
  return slot;
}

/// The function `name` of the Python module `module`.
#define DISTOB_IMPORTED(function, module, name)            \
  inline nanobind::handle function() {                     \
    static nanobind::handle slot;                          \
    return ::distob::python::imported(slot, module, name); \
  }

DISTOB_IMPORTED(pickle_plain, "_pickle", "dumps")
DISTOB_IMPORTED(unpickle_plain, "_pickle", "loads")
DISTOB_IMPORTED(pickle_any, "distob._pickling", "dumps")
DISTOB_IMPORTED(unpickle_any, "distob._pickling", "loads")
DISTOB_IMPORTED(load_definitions, "distob._definitions", "load")
DISTOB_IMPORTED(describe_type, "distob._proxies", "describe")
DISTOB_IMPORTED(proxy_type_of_description, "distob._proxies", "proxy_type")
DISTOB_IMPORTED(encode_error, "distob._failures", "encode")
DISTOB_IMPORTED(decode_error, "distob._failures", "decode")
DISTOB_IMPORTED(interrupted_error, "distob.errors", "Interrupted")

}  // namespace distob::python
