#include "arrays/promotion.h"

#include <memory>
#include <unordered_map>

#include "arrays/dtypes.h"
#include "arrays/reference.h"

namespace distob::python {
namespace {

using kernels::Op;

struct Slot {
  bool known = false;
  std::optional<Resolution> resolution;
};

/// Answers by operation and operand types; a table is made when its operation is first used. Guarded by Python's lock.
struct Cache {
  std::array<std::unique_ptr<std::array<Slot, kOperandTypes>>, kernels::kOps> unary;
  std::array<std::unique_ptr<std::array<Slot, kOperandTypes * kOperandTypes>>, kernels::kOps> binary;
};

Cache& cache() {
  static Cache& instance = *new Cache;
  return instance;
}

struct UfuncTable {
  std::unordered_map<PyObject*, Op> by_ufunc;
  std::array<PyObject*, kernels::kOps> by_op{};
};

const UfuncTable& ufuncs() {
  static const UfuncTable& table = *[] {
    auto* made = new UfuncTable;
    const Reference numpy = Reference::take(PyImport_ImportModule("numpy"));
    const Reference type = Reference::take(PyObject_GetAttrString(numpy.get(), "ufunc"));
    for (int i = 0; i < kernels::kOps; ++i) {
      const Op op = static_cast<Op>(i);
      const Reference found =
          Reference::copy(PyObject_GetAttrString(numpy.get(), std::string(kernels::name_of(op)).c_str()));
      PyErr_Clear();
      if (!found || !PyObject_TypeCheck(found.get(), reinterpret_cast<PyTypeObject*>(type.get()))) continue;
      made->by_op[static_cast<std::size_t>(i)] = Py_NewRef(found.get());
      made->by_ufunc.emplace(found.get(), op);
    }
    return made;
  }();
  return table;
}

/// The object that stands for an operand in ufunc.resolve_dtypes: a descriptor, or the type of a weak Python number.
Reference promotion_token(OperandType type) {
  switch (type) {
    case kWeakInt: return Reference::copy(reinterpret_cast<PyObject*>(&PyLong_Type));
    case kWeakFloat: return Reference::copy(reinterpret_cast<PyObject*>(&PyFloat_Type));
    case kWeakComplex: return Reference::copy(reinterpret_cast<PyObject*>(&PyComplex_Type));
    default: return descriptor_of(DType(static_cast<Kind>(type)));
  }
}

std::optional<Kind> native_kind(PyObject* descriptor) {
  return kind_of_number(reinterpret_cast<PyArray_Descr*>(descriptor)->type_num);
}

std::optional<Resolution> ask_numpy(Op op, std::span<const OperandType> operands) {
  PyObject* ufunc = ufunc_of(op);
  if (!ufunc) return std::nullopt;
  const Reference outputs = Reference::take(PyObject_GetAttrString(ufunc, "nout"));
  const auto count = operands.size();
  const Reference tokens = Reference::take(PyTuple_New(static_cast<Py_ssize_t>(count) + PyLong_AsLong(outputs.get())));
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tokens.get()); ++i) {
    const auto at = static_cast<std::size_t>(i);
    PyTuple_SET_ITEM(tokens.get(), i, at < count ? promotion_token(operands[at]).release() : Py_NewRef(Py_None));
  }
  const Reference dtypes = Reference::take(PyObject_CallMethod(ufunc, "resolve_dtypes", "(O)", tokens.get()));
  Resolution resolution;
  std::array<Kind, 3> inputs{};
  for (std::size_t i = 0; i < count; ++i) {
    const auto kind = native_kind(PyTuple_GET_ITEM(dtypes.get(), static_cast<Py_ssize_t>(i)));
    if (!kind) return std::nullopt;
    inputs[i] = *kind;
  }
  const auto output = native_kind(PyTuple_GET_ITEM(dtypes.get(), static_cast<Py_ssize_t>(count)));
  if (!output) return std::nullopt;
  resolution.inputs = inputs;
  resolution.output = *output;
  const kernels::Kernel* kernel = kernels::find(op, std::span<const Kind>(inputs).first(count));
  // A native loop is used only where it computes exactly the types NumPy promises.
  if (kernel && kernel->outputs == 1 && kernel->kinds[count] == *output) resolution.kernel = kernel;
  return resolution;
}

const Resolution* answer(Slot& slot, Op op, std::span<const OperandType> operands) {
  if (!slot.known) {
    slot.resolution = ask_numpy(op, operands);
    slot.known = true;
  }
  return slot.resolution ? &*slot.resolution : nullptr;
}

}  // namespace

const Resolution* resolve(Op op, std::span<const OperandType> operands) {
  const auto at = static_cast<std::size_t>(op);
  if (operands.size() == 1) {
    auto& table = cache().unary[at];
    if (!table) table = std::make_unique<std::array<Slot, kOperandTypes>>();
    return answer((*table)[operands[0]], op, operands);
  }
  if (operands.size() != 2) return nullptr;
  auto& table = cache().binary[at];
  if (!table) table = std::make_unique<std::array<Slot, kOperandTypes * kOperandTypes>>();
  return answer((*table)[static_cast<std::size_t>(operands[0]) * kOperandTypes + operands[1]], op, operands);
}

std::optional<Op> op_of(PyObject* ufunc) {
  const auto found = ufuncs().by_ufunc.find(ufunc);
  if (found == ufuncs().by_ufunc.end()) return std::nullopt;
  return found->second;
}

PyObject* ufunc_of(Op op) { return ufuncs().by_op[static_cast<std::size_t>(op)]; }

}  // namespace distob::python
