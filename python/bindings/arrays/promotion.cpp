#include "arrays/promotion.h"

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "arrays/dtypes.h"

namespace distob::python {
namespace {

using kernels::Kernel;
using kernels::Op;

struct Slot {
  bool known = false;
  const Kernel* kernel = nullptr;
};

/// Answers by operation and operand types; a table is made when its operation is first used. Guarded by Python's lock.
std::vector<Slot>& answers(Op op, std::size_t operands) {
  static auto& tables = *new std::array<std::array<std::vector<Slot>, kMostInputs + 1>, kernels::kOps>;
  std::vector<Slot>& table = tables[static_cast<std::size_t>(op)][operands];
  if (table.empty()) {
    std::size_t places = 1;
    for (std::size_t i = 0; i < operands; ++i) places *= kOperandTypes;
    table.resize(places);
  }
  return table;
}

struct UfuncTable {
  std::unordered_map<PyObject*, Op> by_ufunc;
  std::array<PyObject*, kernels::kOps> by_op{};

  void add(PyObject* module, const char* name, Op op) {
    static PyObject* const type = Reference::take(PyObject_GetAttrString(module, "ufunc")).release();
    const Reference found = Reference::copy(PyObject_GetAttrString(module, name));
    PyErr_Clear();
    if (!found || !PyObject_TypeCheck(found.get(), reinterpret_cast<PyTypeObject*>(type))) return;
    PyObject*& known = by_op[static_cast<std::size_t>(op)];
    if (!known) known = found.get();
    by_ufunc.emplace(Reference(found).release(), op);
  }
};

const UfuncTable& ufuncs() {
  static const UfuncTable& table = *[] {
    auto* made = new UfuncTable;
    // The module of the ufuncs knows one more than `numpy`, where clip is a function.
    const Reference module = Reference::take(PyImport_ImportModule("numpy._core.umath"));
    const Reference numpy = Reference::take(PyImport_ImportModule("numpy"));
    for (int i = 0; i < kernels::kOps; ++i) {
      const Op op = static_cast<Op>(i);
      const std::string name(kernels::name_of(op));
      made->add(numpy.get(), name.c_str(), op);
      if (!made->by_op[static_cast<std::size_t>(op)]) made->add(module.get(), name.c_str(), op);
    }
    made->add(numpy.get(), "degrees", Op::rad2deg);
    made->add(numpy.get(), "radians", Op::deg2rad);
    return made;
  }();
  return table;
}

const Kernel* ask_numpy(Op op, PyObject* ufunc, std::span<const OperandType> operands) {
  const Reference outputs = Reference::take(PyObject_GetAttrString(ufunc, "nout"));
  const auto count = operands.size();
  const Reference tokens = Reference::take(PyTuple_New(static_cast<Py_ssize_t>(count) + PyLong_AsLong(outputs.get())));
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tokens.get()); ++i) {
    const auto at = static_cast<std::size_t>(i);
    PyTuple_SET_ITEM(tokens.get(), i, at < count ? promotion_token(operands[at]).release() : Py_NewRef(Py_None));
  }
  const Reference dtypes = Reference::take(PyObject_CallMethod(ufunc, "resolve_dtypes", "(O)", tokens.get()));
  PyObject* const* first = &PyTuple_GET_ITEM(dtypes.get(), 0);
  return kernel_of_loop(op, std::span(first, static_cast<std::size_t>(PyTuple_GET_SIZE(dtypes.get()))), count);
}

}  // namespace

Reference promotion_token(OperandType type) {
  switch (type) {
    case kWeakInt: return Reference::copy(reinterpret_cast<PyObject*>(&PyLong_Type));
    case kWeakFloat: return Reference::copy(reinterpret_cast<PyObject*>(&PyFloat_Type));
    case kWeakComplex: return Reference::copy(reinterpret_cast<PyObject*>(&PyComplex_Type));
    default: return descriptor_of(DType(static_cast<Kind>(type)));
  }
}

const Kernel* kernel_of_loop(Op op, std::span<PyObject* const> descriptors, std::size_t inputs) {
  std::array<Kind, 4> kinds{};
  if (descriptors.size() > kinds.size()) return nullptr;
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    if (!PyArray_DescrCheck(descriptors[i])) return nullptr;
    const auto kind = kind_of_number(reinterpret_cast<PyArray_Descr*>(descriptors[i])->type_num);
    if (!kind) return nullptr;
    kinds[i] = *kind;
  }
  const Kernel* kernel = kernels::find(op, std::span<const Kind>(kinds).first(inputs));
  if (!kernel || kernel->inputs + kernel->outputs != descriptors.size()) return nullptr;
  // A native loop is used only where it computes exactly the types NumPy promises.
  for (std::size_t i = inputs; i < descriptors.size(); ++i) {
    if (kernel->kinds[i] != kinds[i]) return nullptr;
  }
  return kernel;
}

const Kernel* resolve(Op op, PyObject* ufunc, std::span<const OperandType> operands) {
  if (!ufunc || operands.empty() || operands.size() > kMostInputs) return nullptr;
  std::size_t at = 0;
  for (const OperandType type : operands) at = at * kOperandTypes + type;
  Slot& slot = answers(op, operands.size())[at];
  if (!slot.known) {
    slot.kernel = ask_numpy(op, ufunc, operands);
    slot.known = true;
  }
  return slot.kernel;
}

std::optional<Op> op_of(PyObject* ufunc) {
  const auto found = ufuncs().by_ufunc.find(ufunc);
  if (found == ufuncs().by_ufunc.end()) return std::nullopt;
  return found->second;
}

PyObject* ufunc_of(Op op) { return ufuncs().by_op[static_cast<std::size_t>(op)]; }

}  // namespace distob::python
