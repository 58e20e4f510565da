// Who else can reach the parts of a value: the question that decides between sending a copy and sending a proxy.
#pragma once

#include <Python.h>

#include <unordered_set>

namespace distob::python {

/// The parts of a value that can be changed and that something outside the value still refers to. Addresses are borrowed:
/// valid as long as the value is neither changed nor released.
using HeldParts = std::unordered_set<PyObject*>;

/// Traces everything reachable from `value` and returns its mutable parts that are also reachable from elsewhere: their
/// reference counts are higher than the references found inside the value, or they hang below such a part.
///
/// `borrowed` is the number of references to `value` itself that its caller holds and that do not count. Types, modules and
/// the globals of functions are not looked into. If anything seems held, the young generation of the garbage collector is
/// run and the value is traced again, because a dead cycle holds nothing. Linear in the size of the value.
[[nodiscard]] HeldParts held_parts(PyObject* value, Py_ssize_t borrowed);

}  // namespace distob::python
