// Floating point errors of array work, reported as NumPy reports them.
#pragma once

#include <cstdint>
#include <optional>

#include "array/array.h"
#include "arrays/numpy_api.h"

namespace distob::python {

/// What np.errstate asks for now.
struct FloatHandling {
  array::Site site = 0;    ///< names this line of the user's program; 0: every error is ignored
  bool immediate = false;  ///< the work has to run at once, so that the error is raised or told at this line
  unsigned flags = 0;      ///< with `immediate`: where the work puts its flags
};

/// Reads the handler for an operation that reports itself as `name` (a string that lives for ever): "divide", "reduce".
/// The line is that of the innermost Python frame.
[[nodiscard]] FloatHandling float_handling(const char* name);

/// Warns, raises, calls, prints or logs for the flags of immediate work. Throws nanobind::python_error if that raised.
void report_now(const char* name, unsigned flags);

/// Issues the warnings of deferred work that has run since. Throws nanobind::python_error if a filter made one an error.
void issue_pending_warnings();
inline void issue_warnings_if_any() {
  if (array::float_warnings_pending()) [[unlikely]]
    issue_pending_warnings();
}

/// Reads NumPy's handler variable and the warnings filters as they are now: what they are compared with later.
void remember_float_defaults();

}  // namespace distob::python
