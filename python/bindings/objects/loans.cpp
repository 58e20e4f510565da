#include "objects/loans.h"

#include <nanobind/stl/string.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "arrays/dtypes.h"
#include "arrays/handle.h"
#include "base/log.h"
#include "objects/imports.h"
#include "objects/segment_buffer.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

DISTOB_IMPORTED(ndarray_type, "numpy", "ndarray")
DISTOB_IMPORTED(dtype_type, "numpy", "dtype")
DISTOB_IMPORTED(collect_garbage, "gc", "collect")

constexpr char kShared = 'S';  ///< the elements are in a buffer beside the message
constexpr char kInline = 'I';  ///< they follow here
constexpr char kKept = 'K';
constexpr char kWritten = 'W';

/// Most dtypes by their short name; records and the like as pickles.
void write_dtype(Packer& packer, const DType& dtype) {
  const Reference descriptor = descriptor_of(dtype);
  const nb::handle numpy_dtype = descriptor.get();
  if (nb::cast<std::string>(numpy_dtype.attr("kind")) != "V") {
    packer.byte('s');
    return packer.text(nb::cast<std::string>(numpy_dtype.attr("str")));
  }
  const nb::object pickled = pickle_plain()(numpy_dtype, 5);
  packer.byte('p');
  packer.text({PyBytes_AS_STRING(pickled.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(pickled.ptr()))});
}

nb::object read_dtype(Unpacker& unpacker) {
  const char form = unpacker.byte();
  const std::string_view text = unpacker.text();
  if (form == 's') return nb::object(dtype_type()(nb::str(text.data(), text.size())));
  return nb::object(unpickle_plain()(nb::bytes(text.data(), text.size())));
}

nb::tuple read_tuple(Unpacker& unpacker, std::size_t count) {
  nb::object values = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(count)));
  for (std::size_t i = 0; i < count; ++i) {
    PyTuple_SET_ITEM(values.ptr(), static_cast<Py_ssize_t>(i), PyLong_FromLongLong(unpacker.plain<std::int64_t>()));
  }
  return nb::borrow<nb::tuple>(values);
}

/// While loans are open every call that may wait for them gives up Python's lock.
struct OpenLoans {
  OpenLoans() { ++open_accesses; }
  ~OpenLoans() { --open_accesses; }
};

/// Takes back what an engine was lent, as its reply says.
void take_back(array::Lending& lending, const session::Reply& reply) {
  using session::Status;
  // Engines that were told to end may run on for a while, and of what could not be sent we do not know what it said.
  const bool unknown = reply.status == Status::Closed || reply.status == Status::Refused;
  std::vector<bool> kept(lending.items().size(), unknown);
  try {
    Unpacker report(reply.loans);
    while (!report.empty()) {
      const std::size_t item = report.number();
      if (item >= kept.size()) throw ProtocolError("a reply speaks of an array that was not lent");
      if (report.byte() == kKept) {
        kept[item] = true;
      } else {
        const std::string_view elements = report.text();
        lending.write_back(item, std::as_bytes(std::span(elements.data(), elements.size())));
      }
    }
  } catch (const ProtocolError&) {
    lending.close(std::vector<bool>(kept.size(), true));
    throw;
  }
  lending.close(kept);
}

}  // namespace

// --- The sender's side ---------------------------------------------------------------------------------------------

bool OutgoingLoans::lendable(PyObject* array) {
  return is_array(array) && !as_array_object(array)->is_scalar && array_of(array).size() > 0;
}

std::optional<std::uint32_t> OutgoingLoans::add(PyObject* array) {
  if (!lendable(array)) return std::nullopt;
  const auto found =
      std::find_if(arrays_.begin(), arrays_.end(), [&](const auto& each) { return each.ptr() == array; });
  const auto number = static_cast<std::uint32_t>(found - arrays_.begin());
  if (found == arrays_.end()) arrays_.push_back(nb::borrow(array));
  return number;
}

void OutgoingLoans::open(Packer& front, std::vector<SharedBuffer>& buffers) {
  std::vector<array::Lending::Request> requests;
  for (const nb::object& each : arrays_) {
    requests.push_back({array_of(each.ptr()), as_array_object(each.ptr())->writeable});
  }
  {
    const OpenLoans open;  // while we wait, and until the holder of on_end() counts for itself
    const Unlocked unlocked;
    lending_ = array::Lending::open(requests);
  }
  std::vector<std::pair<const memory::SharedSegment*, std::size_t>> sent;  // and the number of its buffer
  for (const array::Lending::Item& item : lending_->items()) {
    front.byte(item.segment ? kShared : kInline);
    front.byte(item.write ? 1 : 0);
    write_dtype(front, item.dtype);
    front.number(item.shape.size());
    for (const std::int64_t length : item.shape) front.raw(&length, sizeof length);
    for (const std::int64_t stride : item.strides) front.raw(&stride, sizeof stride);
    if (!item.segment) {
      front.text({item.elements.data(), item.elements.size()});
      continue;
    }
    auto known = std::find_if(sent.begin(), sent.end(), [&](const auto& s) { return s.first == item.segment.get(); });
    if (known == sent.end()) {
      known = sent.insert(known, {item.segment.get(), buffers.size()});
      buffers.push_back(
          {std::make_shared<const UniqueFd>(::dup(item.segment->descriptor())), 0, item.segment->size(), 0});
    }
    front.number(known->second);
    front.number(item.offset + item.start);
  }
}

std::function<void(const session::Reply&)> OutgoingLoans::on_end() const {
  if (!lending_) return {};
  return [lending = lending_, open = std::make_shared<OpenLoans>()](const session::Reply& reply) {
    take_back(*lending, reply);
  };
}

// --- The engine's side ---------------------------------------------------------------------------------------------

/// Memory that two arrays lie in is mapped once, so that NumPy sees that they overlap.
nb::object ArrivedLoans::memory_at(std::size_t buffer, std::span<const SharedBuffer> buffers) {
  if (buffer >= buffers.size()) throw ProtocolError("a lent array lies in memory that the message does not have");
  if (mapped_.size() <= buffer) mapped_.resize(buffer + 1);
  if (!mapped_[buffer].is_valid()) mapped_[buffer] = map_buffer(buffers[buffer]);
  return mapped_[buffer];
}

void ArrivedLoans::read(Unpacker& front, std::span<const SharedBuffer> buffers) {
  for (std::uint64_t count = front.number(); count > 0; --count) {
    const char form = front.byte();
    const bool write = front.byte() != 0;
    const nb::object dtype = read_dtype(front);
    const std::size_t rank = front.number();
    const nb::tuple shape = read_tuple(front, rank), strides = read_tuple(front, rank);
    Item item;
    std::uint64_t start = 0;
    if (form == kShared) {
      const std::size_t buffer = front.number();
      start = front.number();
      item.memory = memory_at(buffer, buffers);
    } else {
      const std::string_view elements = front.text();
      item.memory = nb::steal(PyByteArray_FromStringAndSize(elements.data(), static_cast<Py_ssize_t>(elements.size())));
      if (write) item.elements = std::as_bytes(std::span(elements.data(), elements.size()));
    }
    nb::object made = ndarray_type()(shape, dtype, item.memory, start, strides);
    if (!write) made.attr("flags").attr("writeable") = false;
    arrays_.push_back(std::move(made));
    items_.push_back(std::move(item));
  }
  mapped_.clear();
}

nb::object ArrivedLoans::array(std::size_t number) const {
  if (number >= arrays_.size()) throw ProtocolError("a payload names an array that the message does not have");
  return arrays_[number];
}

std::vector<std::byte> ArrivedLoans::report() {
  if (items_.empty()) return {};
  forget_arrays();
  // How many of our items lie in the same memory: more references than those are somebody else's.
  const auto survives = [&](const Item& item) {
    if (PyByteArray_CheckExact(item.memory.ptr())) return false;
    const auto ours =
        std::count_if(items_.begin(), items_.end(), [&](const Item& other) { return other.memory.is(item.memory); });
    return Py_REFCNT(item.memory.ptr()) > ours;
  };
  if (std::any_of(items_.begin(), items_.end(), survives)) {
    try {
      collect_garbage()(0);              // young garbage does not keep anything
    } catch (const nb::python_error&) {  // a signal's handler raised: whatever it was for is over
    }
  }
  Packer report;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const Item& item = items_[i];
    if (survives(item)) {
      report.number(i);
      report.byte(kKept);
    } else if (!item.elements.empty()) {
      const char* now = PyByteArray_AS_STRING(item.memory.ptr());
      if (std::memcmp(now, item.elements.data(), item.elements.size()) == 0) continue;
      report.number(i);
      report.byte(kWritten);
      report.text({now, item.elements.size()});
    }
  }
  return std::move(report.bytes);
}

}  // namespace distob::python
