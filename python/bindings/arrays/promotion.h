// Which loop a ufunc runs for which operands: NumPy's own answer, remembered.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "arrays/numpy_api.h"
#include "distob/dtype.h"
#include "kernels/kernel.h"

namespace distob::python {

/// What an operand is to promotion: an element kind (its number), or a Python number that adapts to the others (NEP 50).
using OperandType = std::uint8_t;
inline constexpr OperandType kWeakInt = kNativeKinds;
inline constexpr OperandType kWeakFloat = kNativeKinds + 1;
inline constexpr OperandType kWeakComplex = kNativeKinds + 2;
inline constexpr int kOperandTypes = kNativeKinds + 3;

/// The weak type of a Python int, float or complex (of exactly that type, as NumPy decides it), or nothing.
inline std::optional<OperandType> weak_type_of(PyObject* object) {
  if (PyFloat_CheckExact(object)) return kWeakFloat;
  if (PyLong_CheckExact(object)) return kWeakInt;
  if (PyComplex_CheckExact(object)) return kWeakComplex;
  return std::nullopt;
}

/// How one operation runs on operands of some types.
struct Resolution {
  const kernels::Kernel* kernel = nullptr;  ///< null: native code has no such loop, NumPy computes it
  std::array<Kind, 3> inputs{};             ///< the kinds to convert the operands to
  Kind output{};                            ///< the kind of the first result
};

/// Resolves `op` for one or two operands as the NumPy ufunc of that name does. The result lives for ever; after the first
/// time it costs two look-ups. Throws nanobind::python_error with NumPy's own error if it has no loop for these types.
/// A null result means that NumPy's loop has a type native code does not know.
[[nodiscard]] const Resolution* resolve(kernels::Op op, std::span<const OperandType> operands);

/// The operation a NumPy ufunc stands for, or nothing. Only NumPy's own ufunc objects are known.
[[nodiscard]] std::optional<kernels::Op> op_of(PyObject* ufunc);

/// The NumPy ufunc of `op` (borrowed), or null: not every operation is a ufunc.
[[nodiscard]] PyObject* ufunc_of(kernels::Op op);

}  // namespace distob::python
