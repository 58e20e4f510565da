#include "arrays/random.h"

#include <string>
#include <string_view>

#include "array/random.h"
#include "arrays/arguments.h"
#include "distob/errors.h"

#include <nanobind/stl/string.h>

namespace nb = nanobind;

namespace distob::python {
namespace {

kernels::PhiloxStream stream_argument(nb::handle key, std::uint32_t use) {
  kernels::PhiloxStream stream;
  stream.key = {nb::cast<std::uint32_t>(key[0]), nb::cast<std::uint32_t>(key[1])};
  stream.more_key = nb::cast<std::uint32_t>(key[2]);
  stream.use = use;
  return stream;
}

array::Draw draw_named(std::string_view name) {
  if (name == "uniform") return array::Draw::uniform;
  if (name == "normal") return array::Draw::normal;
  if (name == "exponential") return array::Draw::exponential;
  throw ValueError("no distribution " + std::string(name));
}

nb::object random_numbers(const std::string& name, nb::handle shape, nb::handle dtype, nb::handle key,
                          std::uint32_t use, nb::handle face) {
  const array::Draw draw = draw_named(name);
  const Shape extents = dims_argument(shape);
  const DType kind = dtype_argument(dtype);
  const kernels::PhiloxStream stream = stream_argument(key, use);
  array::Array made;
  {
    const Unlocked unlocked;
    made = array::random_numbers(draw, extents, kind, stream);
  }
  return wrapped(std::move(made), face_argument(face));
}

nb::object random_integers(std::int64_t low, std::uint64_t range, nb::handle shape, nb::handle dtype, nb::handle key,
                           std::uint32_t use, nb::handle face) {
  const Shape extents = dims_argument(shape);
  const DType kind = dtype_argument(dtype);
  const kernels::PhiloxStream stream = stream_argument(key, use);
  array::Array made;
  {
    const Unlocked unlocked;
    made = array::random_integers(low, range, extents, kind, stream);
  }
  return wrapped(std::move(made), face_argument(face));
}

}  // namespace

void register_random(nb::module_& m) {
  m.def("random_numbers", random_numbers);
  m.def("random_integers", random_integers);
}

}  // namespace distob::python
