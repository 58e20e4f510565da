// The keyword arguments of a ufunc call.
#pragma once

#include <vector>

#include "arrays/numpy_api.h"
#include "arrays/reference.h"

namespace distob::python {

struct Keywords {
  Reference others;            ///< a dict of its own without `out`, or nothing
  std::vector<PyObject*> out;  ///< borrowed from the caller's; null for None; empty if nothing was given
  PyObject* where = nullptr;   ///< borrowed from `others`; null if every element is meant
  PyObject* order = nullptr;   ///< the same; null for "K"
  bool given_types = false;    ///< dtype=, signature= or casting=
  bool unknown = false;        ///< something that NumPy shall judge

  /// The value of `name` (borrowed), or null.
  [[nodiscard]] PyObject* get(const char* name) const {
    return others ? PyDict_GetItemString(others.get(), name) : nullptr;
  }
  [[nodiscard]] bool has_outputs() const;
};

/// Sorts what the caller gave; arguments that are the defaults count as not given. `kwargs` may be null.
[[nodiscard]] Keywords keywords_of(PyObject* kwargs);

}  // namespace distob::python
