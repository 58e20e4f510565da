// C++ errors as Python errors: the one place that knows which is which.
#pragma once

namespace distob::python {

/// Sets the Python error that the C++ exception now being handled stands for. Call it inside a catch block, with
/// Python's lock. An error that Python itself raised (nanobind::python_error) is restored unchanged.
void set_python_error() noexcept;

/// Makes nanobind translate distob's exceptions in the same way.
void register_errors();

}  // namespace distob::python
