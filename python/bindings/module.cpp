// The extension module distob._core. Each folder beside this file opens one part of distob to Python.
#include <nanobind/nanobind.h>

#include "errors.h"

#if __has_include("arrays/register.h")
#include "arrays/register.h"
#endif
#if __has_include("objects/register.h")
#include "objects/register.h"
#endif

NB_MODULE(_core, module) {
  distob::python::register_errors();
#if __has_include("arrays/register.h")
  distob::python::register_arrays(module);
#endif
#if __has_include("objects/register.h")
  distob::python::register_objects(module);
#endif
}
