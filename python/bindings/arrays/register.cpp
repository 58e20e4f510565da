#include "arrays/register.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "arrays/adoption.h"
#include "arrays/arguments.h"
#include "arrays/dtypes.h"
#include "arrays/exchange.h"
#include "arrays/floats.h"
#include "arrays/handle.h"
#include "arrays/indexing.h"
#include "arrays/linalg.h"
#include "arrays/ndarrays.h"
#include "arrays/picking.h"
#include "arrays/python_side.h"
#include "arrays/random.h"
#include "arrays/reductions.h"
#include "arrays/scalars.h"
#include "arrays/sorting.h"
#include "arrays/structure.h"
#include "distob/errors.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

// --- Making arrays ----------------------------------------------------------------------------------------------------

/// How an array is cut: along `axis` over the planned slots or in blocks of `blocksize`; no axis: whole, on one slot.
Partition partition_for(const Shape& shape, std::optional<int> axis, std::optional<std::int64_t> blocksize) {
  if (blocksize && *blocksize < 1) throw ValueError("blocksize must be at least 1, not " + std::to_string(*blocksize));
  if (!axis || (shape.empty() && (*axis == -1 || *axis == 0))) return Partition::whole(shape);
  const int slots = array::planned_slots();
  return blocksize ? Partition::blocked(shape, *axis, *blocksize, slots) : Partition::along(shape, *axis, slots);
}

nb::object from_ndarray(nb::handle ndarray, std::optional<int> axis, std::optional<std::int64_t> blocksize,
                        nb::handle face) {
  auto* array = reinterpret_cast<PyArrayObject*>(ndarray.ptr());
  const array::Foreign foreign = foreign_of(array);
  const Partition partition = partition_for(foreign.shape, axis, blocksize);
  array::Array made;
  {
    const Unlocked unlocked(PyArray_SIZE(array));
    made = array::from_foreign(foreign, &partition);
  }
  return wrapped(std::move(made), face_argument(face));
}

nb::object empty(nb::handle shape, nb::handle dtype, nb::handle face) {
  return wrapped(array::empty(dims_argument(shape), dtype_argument(dtype)), face_argument(face));
}

nb::object full(nb::handle shape, nb::handle value, nb::handle dtype, nb::handle face) {
  const DType type = dtype_argument(dtype);
  if (type.kind == Kind::Opaque) throw TypeError("full makes arrays of numbers");
  array::Scalar scalar;
  scalar.kind = type.kind;
  scalar_bytes(value.ptr(), type.kind, scalar.bytes.data());
  return wrapped(array::full(dims_argument(shape), type, scalar), face_argument(face));
}

nb::object arange(nb::handle start, nb::handle step, std::int64_t count, nb::handle dtype, nb::handle face) {
  const DType type = dtype_argument(dtype);
  array::Scalar first, width;
  first.kind = width.kind = type.kind;
  scalar_bytes(start.ptr(), type.kind, first.bytes.data());
  scalar_bytes(step.ptr(), type.kind, width.bytes.data());
  return wrapped(array::arange(first, width, count, type), face_argument(face));
}

// --- Views and copies -------------------------------------------------------------------------------------------------

nb::object transpose(nb::handle a, nb::handle axes) {
  const array::Array& array = array_in(a);
  if (axes.is_none()) return wrapped_view(array::transpose(array), a);
  std::vector<int> order = axes_argument(axes);
  if (order.empty()) return wrapped_view(array, a);  // an array without axes
  return wrapped_view(array::transpose(array, order), a);
}

nb::object broadcast_to(nb::handle a, nb::handle shape) {
  nb::object view = wrapped(array::broadcast_to(array_in(a), dims_argument(shape)), Py_TYPE(a.ptr()));
  as_array_object(view.ptr())->writeable = false;
  return view;
}

nb::object join(nb::handle parts, int axis, nb::handle face) {
  return wrapped(array::join(arrays_argument(parts), axis), face_argument(face));
}

nb::object concatenate(nb::handle parts, int axis, nb::handle dtype, nb::handle face) {
  const std::vector<array::Array> arrays = arrays_argument(parts);
  const DType type = dtype_argument(dtype);
  array::Array made;
  {
    const Unlocked unlocked;
    made = array::concatenate(arrays, axis, type);
  }
  return wrapped(std::move(made), face_argument(face));
}

void assign(nb::handle target, nb::handle value) { assign_value(array_argument(target), value.ptr()); }

void assign_where(nb::handle target, nb::handle value, nb::handle mask) {
  const array::Array& to = array_in(target);
  const array::Array& from = array_in(value);
  const array::Array& where = array_in(mask);
  require_writeable(target.ptr());
  const Unlocked unlocked;
  array::assign_where(to, from, where);
}

/// np.where(condition, x, y) on arrays of one dtype; None if there is no native kernel of that dtype.
nb::object where(nb::handle condition, nb::handle x, nb::handle y, nb::handle face) {
  const Kind kind = array_in(x).dtype().kind;
  if (kind == Kind::Opaque) return nb::none();
  const Kind kinds[] = {Kind::Bool, kind, kind};
  const kernels::Kernel* kernel = kernels::find(kernels::Op::where, kinds);
  if (!kernel) return nb::none();
  const array::Operand operands[] = {array_in(condition), array_in(x), array_in(y)};
  array::Array made;
  {
    const Unlocked unlocked;
    made = array::apply(*kernel, operands);
  }
  return wrapped(std::move(made), face_argument(face));
}

/// A partition as Python sees it: the cut points of each axis, and the slot of each block.
nb::object described(const Partition& partition) {
  nb::list cuts;
  for (int axis = 0; axis < partition.shape().rank(); ++axis) {
    nb::list points;
    for (const std::int64_t point : partition.cuts(axis)) points.append(point);
    cuts.append(nb::tuple(points));
  }
  nb::list slots;
  for (const Slot slot : partition.slots()) slots.append(slot);
  return nb::make_tuple(nb::tuple(cuts), nb::tuple(slots));
}

nb::object partition_of(nb::handle a) { return described(array_in(a).partition()); }

nb::object partition_along(nb::handle shape, std::optional<int> axis, std::optional<std::int64_t> blocksize) {
  return described(partition_for(dims_argument(shape), axis, blocksize));
}

nb::object partition_grid(nb::handle shape, nb::handle axes) {
  return described(Partition::grid(dims_argument(shape), axes_argument(axes), array::planned_slots()));
}

std::vector<std::vector<std::int64_t>> cuts_argument(nb::handle cuts) {
  std::vector<std::vector<std::int64_t>> points;
  for (nb::handle axis : nb::iter(cuts)) {
    std::vector<std::int64_t>& own = points.emplace_back();
    for (nb::handle point : nb::iter(axis)) own.push_back(nb::cast<std::int64_t>(point));
  }
  return points;
}

nb::object partition_at(nb::handle cuts) {
  return described(Partition::at(cuts_argument(cuts), array::planned_slots()));
}

nb::object with_partition(nb::handle a, nb::handle cuts, nb::handle slots) {
  std::vector<std::vector<std::int64_t>> points = cuts_argument(cuts);
  std::vector<Slot> places;
  for (nb::handle slot : nb::iter(slots)) places.push_back(nb::cast<Slot>(slot));
  const Partition partition = points.empty() ? Partition::whole({}, places.empty() ? 0 : places[0])
                                             : Partition::of_cuts(std::move(points), std::move(places));
  return wrapped_view(array::with_partition(array_in(a), partition), a);
}

nb::dict statistics() {
  const array::Statistics now = array::statistics();
  nb::dict result;
  result["instructions"] = now.instructions;
  result["inline_runs"] = now.inline_runs;
  result["programs"] = now.programs;
  result["repoints"] = now.repoints;
  result["bytes_copied"] = now.bytes_copied;
  result["bytes_live"] = now.bytes_live;
  result["storages_live"] = now.storages_live;
  result["handles_made"] = handles_made;
  return result;
}

void sync() {
  {
    const Unlocked unlocked;
    array::sync();
  }
  issue_warnings_if_any();
}

void set_threads(int n) {
  const Unlocked unlocked;
  array::set_threads(n);
}

}  // namespace

void register_arrays(nb::module_& m) {
  import_numpy();
  remember_float_defaults();
  array_types.base = make_array_type(m.ptr());
  array_types.dist = array_types.remote = array_types.base;
  m.def(
      "set_array_types",
      [](nb::handle dist, nb::handle remote) {
        array_types.dist = reinterpret_cast<PyTypeObject*>(dist.inc_ref().ptr());
        array_types.remote = reinterpret_cast<PyTypeObject*>(remote.inc_ref().ptr());
      },
      "The Python classes that results are made of.");

  m.def("from_ndarray", from_ndarray, nb::arg("ndarray"), nb::arg("axis").none(), nb::arg("blocksize").none(),
        nb::arg("face"));
  m.def("empty", empty);
  m.def("full", full);
  m.def("arange", arange);
  m.def("linspace",
        [](double start, double stop, std::int64_t count, bool with_stop, nb::handle dtype, nb::handle face) {
          return wrapped(array::linspace(start, stop, count, with_stop, dtype_argument(dtype)), face_argument(face));
        });

  m.def("snapshot", [](nb::handle a) { return object_of(snapshot_ndarray(array_in(a))); });
  m.def("access", [](nb::handle a) {
    require_writeable(array_argument(a));
    return object_of(access_ndarray(array_in(a)));
  });
  m.def("gathered", [](nb::handle a) { return object_of(gathered_ndarray(array_in(a))); });
  m.def("item", [](nb::handle a) { return object_of(item_scalar(array_in(a))); });

  m.def("transpose", transpose, nb::arg("a"), nb::arg("axes").none());
  m.def("broadcast_to", broadcast_to);
  m.def("join", join);
  m.def("concatenate", concatenate);
  m.def("assign", assign);
  m.def("assign_where", assign_where);
  m.def("where", where);
  m.def("partition_of", partition_of);
  m.def("partition_along", partition_along, nb::arg("shape"), nb::arg("axis").none(), nb::arg("blocksize").none());
  m.def("partition_grid", partition_grid);
  m.def("partition_at", partition_at);
  m.def("with_partition", with_partition);
  m.def("view_as", [](nb::handle a, nb::handle face) { return wrapped_view(array_in(a), a, face_argument(face)); });
  m.def("may_share_memory", [](nb::handle a, nb::handle b) { return array_in(a).may_share_memory(array_in(b)); });
  m.def("is_view", [](nb::handle a) { return array_in(a).is_view(); });
  m.def("pieces", [](nb::handle a) { return array_in(a).pieces(); });

  register_structure(m);
  register_exchange(m);
  register_linalg(m);
  register_picking(m);
  register_random(m);

  m.def("adopt", [](nb::handle ndarray, nb::handle face) {
    return wrapped(adopt_ndarray(reinterpret_cast<PyArrayObject*>(ndarray.ptr())), face_argument(face));
  });

  m.def("sync_arrays", sync);
  m.def("set_threads", set_threads, nb::arg("n"), "Sets how many threads compute arrays. Raises ValueError below 1.");
  m.def("threads", array::threads, "How many threads compute arrays: DISTOB_THREADS, else the cores of this process.");
  m.def("set_planned_slots", array::set_planned_slots);
  m.def("planned_slots", array::planned_slots);
  m.def("run_inline", array::run_inline);
  m.def(
      "explain", [] { return array::explain(); },
      "What waits to be computed, and the passes over memory that ran last with the bytes they moved, as text.");
  m.def("explain_array", [](nb::handle a) { return array::explain(array_in(a)); });
  m.def("array_statistics", statistics);
  register_reductions(m);
  register_sorting(m);
}

}  // namespace distob::python
