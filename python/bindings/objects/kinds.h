// What a Python type means for travelling: whether its instances are plain data, containers, or live things.
#pragma once

#include <Python.h>

#include <cstdint>

namespace distob::python {

enum class Kind : std::uint8_t {
  atom,  ///< never changes and refers to nothing that does: int, str, types, functions without closure, numpy scalars
  immutable,  ///< never changes itself but may refer to what does: tuple, frozenset, bound methods, slices
  mutable_,   ///< can be changed by whoever refers to it: list, dict, instances, arrays
  live,       ///< has a place in running code and cannot travel: generators, iterators, dict views, memoryviews
};

/// The kind of one object: that of its type, except that a function without closure and defaults is an atom.
[[nodiscard]] Kind kind_of_object(PyObject* object);

/// What the user wants for instances of a class, where distob's own rule would say otherwise.
enum class Policy : std::uint8_t { none, value, proxy };

/// The kind of instances of `type`. Remembered for each type; call with Python's lock.
[[nodiscard]] Kind kind_of(PyTypeObject* type);

/// Makes `type` a class whose instances come back by `policy`. Exact type only: a subclass is a class of its own.
void set_policy(PyTypeObject* type, Policy policy);
[[nodiscard]] Policy policy_of(PyTypeObject* type);

/// True for classes whose instances get a proxy once one of them was scattered: those that Python code defines, and not
/// the ones that are plain data (kind atom or immutable).
[[nodiscard]] bool scatters_as_class(PyTypeObject* type);

/// Declares that instances of `type` never change, as of datetime or Fraction; their parts are not looked into.
void declare_atom(PyTypeObject* type);

/// True if `value` is made of nothing but None, bool, int, float, complex, str, bytes, and lists, tuples, dicts and sets of
/// these, all of exactly these types, at most `budget` of them: what the C pickler writes without asking anyone.
[[nodiscard]] bool is_plain(PyObject* value, int budget = 100'000);

}  // namespace distob::python
