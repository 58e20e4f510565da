// Which loop a ufunc runs for which operands: NumPy's own answer, remembered.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "arrays/numpy_api.h"
#include "arrays/reference.h"
#include "distob/dtype.h"
#include "kernels/kernel.h"

namespace distob::python {

/// What an operand is to promotion: an element kind (its number), or a Python number that adapts to the others (NEP 50).
using OperandType = std::uint8_t;
inline constexpr OperandType kWeakInt = kNativeKinds;
inline constexpr OperandType kWeakFloat = kNativeKinds + 1;
inline constexpr OperandType kWeakComplex = kNativeKinds + 2;
inline constexpr int kOperandTypes = kNativeKinds + 3;

/// Operands of the ufuncs that have native loops: clip has three.
inline constexpr std::size_t kMostInputs = 3;

/// The weak type of a Python int, float or complex (of exactly that type, as NumPy decides it), or nothing.
inline std::optional<OperandType> weak_type_of(PyObject* object) {
  if (PyFloat_CheckExact(object)) return kWeakFloat;
  if (PyLong_CheckExact(object)) return kWeakInt;
  if (PyComplex_CheckExact(object)) return kWeakComplex;
  return std::nullopt;
}

/// The object that stands for an operand in ufunc.resolve_dtypes: a descriptor, or the type of a weak Python number.
[[nodiscard]] Reference promotion_token(OperandType type);

/// The native kernel that runs `op` on operands of some types (its kinds are those to convert them to), chosen as `ufunc`,
/// which is NumPy's of that name or of another name for the same, chooses its loop; null if native code has none. The
/// pointer lives for ever; after the first time it costs two look-ups. Throws nanobind::python_error with NumPy's own
/// error if it has no loop for these types.
[[nodiscard]] const kernels::Kernel* resolve(kernels::Op op, PyObject* ufunc, std::span<const OperandType> operands);

/// The native kernel for exactly the loop that NumPy resolved to: a descriptor for each operand and result. Null if there
/// is none.
[[nodiscard]] const kernels::Kernel* kernel_of_loop(kernels::Op op, std::span<PyObject* const> descriptors,
                                                    std::size_t inputs);

/// The operation a NumPy ufunc stands for, or nothing. Only NumPy's own ufunc objects are known.
[[nodiscard]] std::optional<kernels::Op> op_of(PyObject* ufunc);

/// The NumPy ufunc of `op` (borrowed), or null: not every operation is a ufunc.
[[nodiscard]] PyObject* ufunc_of(kernels::Op op);

}  // namespace distob::python
