#include "objects/values.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include <string>
#include <unordered_map>

#include "engine/executor.h"
#include "memory/segment.h"
#include "objects/imports.h"
#include "objects/kinds.h"
#include "objects/remote.h"
#include "objects/remote_method.h"
#include "objects/segment_buffer.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

// One byte in front of each value.
enum Tag : char {
  kNone = 'N',
  kTrue = 'T',
  kFalse = 'F',
  kNotImplemented = 'X',
  kEllipsis = 'E',
  kInt = 'i',
  kFloat = 'd',
  kComplex = 'c',
  kText = 's',
  kBytes = 'b',
  kTuple = 't',
  kReference = 'R',
  kMethod = 'M',
  kLoan = 'L',
  kPickle = 'P',
  kPickleWithReferences = 'Q',
};

/// Buffers from this size on travel in shared memory: below it one more descriptor costs more than copying twice.
constexpr Py_ssize_t kOutOfBand = 32 * 1024;

template <class T>
void plain(Packer& packer, Tag tag, T value) {
  packer.byte(tag);
  packer.raw(&value, sizeof value);
}

std::shared_ptr<memory::SharedSegment> shared_copy(const Py_buffer& view) {
  auto segment = memory::SharedSegment::create(static_cast<std::size_t>(view.len));
  std::memcpy(segment->data(), view.buf, static_cast<std::size_t>(view.len));
  return segment;
}

}  // namespace

std::string_view description_of(PyTypeObject* type) {
  static auto* known = new std::unordered_map<PyTypeObject*, std::string>;
  const auto found = known->find(type);
  if (found != known->end()) return found->second;
  std::string text = nb::cast<std::string>(describe_type()(nb::handle(reinterpret_cast<PyObject*>(type))));
  Py_INCREF(type);
  return known->emplace(type, std::move(text)).first->second;
}

// --- Outgoing ------------------------------------------------------------------------------------------------------

Outgoing::Mark Outgoing::mark() const {
  return {packer.bytes.size(), packer.references.size(), packer.buffers.size(), counts_.size()};
}

void Outgoing::roll_back(Mark mark) {
  packer.bytes.resize(mark.bytes);
  packer.references.resize(mark.references);
  packer.buffers.resize(mark.buffers);
  forget_counts(mark.counts);
}

void Outgoing::forget_counts(std::size_t from) {
  for (std::size_t i = from; i < counts_.size(); ++i) link_->endpoint().release(counts_[i]);
  counts_.resize(std::min(from, counts_.size()));
}

bool Outgoing::simple(PyObject* value, int depth) const {
  PyTypeObject* type = Py_TYPE(value);
  if (value == Py_None || type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type ||
      type == &PyUnicode_Type || type == &PyBytes_Type || type == &PyComplex_Type || is_remote(value)) {
    return true;
  }
  if (type == &PyTuple_Type && depth < 4 && PyTuple_GET_SIZE(value) < 32) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); ++i) {
      if (!simple(PyTuple_GET_ITEM(value, i), depth + 1)) return false;
    }
    return true;
  }
  return value == Py_Ellipsis || value == Py_NotImplemented || lendable(value);
}

/// Writes what needs no pickler; false, with nothing written, for anything else.
bool Outgoing::write_simple(PyObject* value) {
  PyTypeObject* type = Py_TYPE(value);
  if (value == Py_None) return packer.byte(kNone), true;
  if (type == &PyLong_Type) {
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow) return false;
    return plain(packer, kInt, static_cast<std::int64_t>(number)), true;
  }
  if (type == &PyFloat_Type) return plain(packer, kFloat, PyFloat_AS_DOUBLE(value)), true;
  if (type == &PyUnicode_Type) {
    Py_ssize_t size = 0;
    const char* text = PyUnicode_AsUTF8AndSize(value, &size);
    if (!text) {  // lone surrogates
      PyErr_Clear();
      return false;
    }
    packer.byte(kText);
    packer.text({text, static_cast<std::size_t>(size)});
    return true;
  }
  if (type == &PyBool_Type) return packer.byte(value == Py_True ? kTrue : kFalse), true;
  if (type == &PyBytes_Type) {
    packer.byte(kBytes);
    packer.text({PyBytes_AS_STRING(value), static_cast<std::size_t>(PyBytes_GET_SIZE(value))});
    return true;
  }
  if (type == &PyTuple_Type) {
    if (!simple(value, 0)) return false;
    const Mark before = mark();
    packer.byte(kTuple);
    packer.number(static_cast<std::uint64_t>(PyTuple_GET_SIZE(value)));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); ++i) {
      if (!write_simple(PyTuple_GET_ITEM(value, i))) return roll_back(before), false;
    }
    return true;
  }
  if (is_remote(value)) {
    std::pair<std::uint32_t, std::string_view> reference;
    if (!reference_to(value, reference)) return false;
    return write_reference(reference), true;
  }
  if (value == Py_NotImplemented) return packer.byte(kNotImplemented), true;
  if (value == Py_Ellipsis) return packer.byte(kEllipsis), true;
  if (type == &PyComplex_Type) return plain(packer, kComplex, PyComplex_AsCComplex(value)), true;
  if (lendable(value)) {
    packer.byte(kLoan);
    packer.number(*loans_.add(value));
    return true;
  }
  return false;
}

void Outgoing::write_reference(std::pair<std::uint32_t, std::string_view> reference) {
  packer.byte(kReference);
  packer.number(reference.first);
  packer.text(reference.second);
}

void Outgoing::write_pickle(nb::handle value) {
  // The C pickler alone for plain data: nothing in it can be a reference, unless a result's parts are held.
  const bool alone = held_.empty() && is_plain(value.ptr());
  const std::size_t first_buffer = packer.buffers.size();
  nb::object pickled = alone ? pickle_plain()(value, 5) : pickle_any()(value, nb::cast(this, nb::rv_policy::reference));
  packer.byte(alone ? kPickle : kPickleWithReferences);
  packer.number(packer.buffers.size() - first_buffer);
  Py_buffer view;
  if (PyObject_GetBuffer(pickled.ptr(), &view, PyBUF_SIMPLE) != 0) throw nb::python_error();
  packer.text({static_cast<const char*>(view.buf), static_cast<std::size_t>(view.len)});
  PyBuffer_Release(&view);
}

void Outgoing::argument(nb::handle value) {
  std::pair<std::uint32_t, std::string_view> reference;
  if (write_simple(value.ptr())) return;
  if (write_bound_method(value.ptr())) return;
  if (reference_to(value.ptr(), reference)) return write_reference(reference);
  write_pickle(value);
}

void Outgoing::arguments(PyObject* const* values, std::size_t positional, PyObject* keyword_names) {
  const std::size_t keywords = keyword_names ? static_cast<std::size_t>(PyTuple_GET_SIZE(keyword_names)) : 0;
  packer.number(positional);
  packer.number(keywords);
  for (std::size_t i = 0; i < keywords; ++i) {
    Py_ssize_t size = 0;
    const char* name = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(keyword_names, static_cast<Py_ssize_t>(i)), &size);
    if (!name) throw nb::python_error();
    packer.text({name, static_cast<std::size_t>(size)});
  }
  std::size_t composite = 0;
  for (std::size_t i = 0; i < positional + keywords; ++i) composite += !simple(values[i], 0);
  packer.byte(composite < 2 ? '1' : '*');
  if (composite < 2) {
    for (std::size_t i = 0; i < positional + keywords; ++i) argument(values[i]);
    return;
  }
  nb::object all = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(positional + keywords)));
  for (std::size_t i = 0; i < positional + keywords; ++i) {
    PyTuple_SET_ITEM(all.ptr(), static_cast<Py_ssize_t>(i), Py_NewRef(values[i]));
  }
  write_pickle(all);
}

void Outgoing::result(nb::handle value, Py_ssize_t borrowed) {
  if (write_simple(value.ptr())) return;
  if (write_bound_method(value.ptr())) return;
  std::pair<std::uint32_t, std::string_view> reference;
  if (reference_to(value.ptr(), reference)) return write_reference(reference);
  PyTypeObject* type = Py_TYPE(value.ptr());
  if (kind_of(type) == Kind::live && policy_of(type) != Policy::value) return object(value);
  if (kind_of_object(value.ptr()) != Kind::atom && policy_of(type) != Policy::value) {
    held_ = held_parts(value.ptr(), borrowed);
    if (held_.contains(value.ptr())) return held_.clear(), object(value);
  }
  const Mark before = mark();
  try {
    write_pickle(value);
  } catch (const nb::python_error&) {  // what cannot be pickled stays here and is reached through a proxy
    roll_back(before);
    object(value);
  }
  held_.clear();
}

void Outgoing::copy(nb::handle value) {
  if (write_simple(value.ptr())) return;
  by_value_ = true;
  write_pickle(value);
  by_value_ = false;
}

void Outgoing::object(nb::handle value) { write_reference(own_object(value.ptr())); }

/// A bound method of an object that travels as a reference becomes a method of its proxy.
bool Outgoing::write_bound_method(PyObject* method) {
  PyObject* self = nullptr;
  if (Py_TYPE(method) == &PyMethod_Type)
    self = PyMethod_GET_SELF(method);
  else if (Py_TYPE(method) == &PyCFunction_Type)
    self = PyCFunction_GET_SELF(method);
  else if (is_remote_method(method))
    self = remote_method_self(method);
  if (!self || PyModule_Check(self)) return false;
  nb::object name = nb::steal(PyObject_GetAttrString(method, "__name__"));
  if (!name.is_valid()) return PyErr_Clear(), false;
  std::pair<std::uint32_t, std::string_view> reference;
  if (!reference_to(self, reference)) {
    if (purpose_ != Purpose::result || PyType_Check(self)) return false;
    if (kind_of(Py_TYPE(self)) == Kind::atom || Py_REFCNT(self) == 1) return false;
    reference = own_object(self);
  }
  packer.byte(kMethod);
  packer.number(reference.first);
  packer.text(reference.second);
  packer.text(nb::cast<std::string_view>(name));
  return true;
}

std::pair<std::uint32_t, std::string_view> Outgoing::own_object(PyObject* object) {
  if (!link_->store || running_contexts().empty()) {
    throw EncodeError(std::string("a ") + Py_TYPE(object)->tp_name + " cannot travel as a reference from here");
  }
  const std::string_view description = description_of(Py_TYPE(object));
  ObjectId id = link_->store->id_of(object);
  if (!id || !link_->endpoint().retain(id)) {
    id = running_contexts().back()->new_object();
    link_->store->put(id, object);
  }
  counts_.push_back(id);
  return {packer.reference(id), description};
}

bool Outgoing::reference_to(PyObject* object, std::pair<std::uint32_t, std::string_view>& reference) {
  if (is_remote(object)) {
    const RemoteHandle* remote = remote_handle(object);
    if (!remote) return false;  // a local Remote: its object travels
    if (&remote->link->endpoint() != &link_->endpoint()) {
      throw EncodeError(remote->to_string() + " belongs to another cluster; gather it, or use one cluster");
    }
    if (purpose_ == Purpose::result) {
      link_->endpoint().retain(remote->id);
      counts_.push_back(remote->id);
    }
    reference = {packer.reference(remote->id), remote_description(object)};
    return true;
  }
  if (!link_->store || by_value_) return false;
  PyTypeObject* type = Py_TYPE(object);
  const Policy policy = policy_of(type);
  if (policy == Policy::value) return false;
  const bool known = kind_of(type) != Kind::atom && link_->store->id_of(object);
  if (!known && policy != Policy::proxy && !held_.contains(object)) return false;
  reference = own_object(object);
  return true;
}

nb::object Outgoing::substitute(nb::handle object) {
  if (lendable(object.ptr())) return nb::make_tuple(*loans_.add(object.ptr()));
  std::pair<std::uint32_t, std::string_view> reference;
  if (!reference_to(object.ptr(), reference)) return nb::none();
  return nb::make_tuple(reference.first, nb::str(reference.second.data(), reference.second.size()));
}

void Outgoing::needs_bundle(std::uint32_t number, nb::bytes bytes) {
  for (const auto& [known, ignored] : bundles_) {
    if (known == number) return;
  }
  bundles_.emplace_back(number, std::move(bytes));
}

bool Outgoing::keep_in_band(nb::handle pickle_buffer) {
  Py_buffer view;
  if (PyObject_GetBuffer(pickle_buffer.ptr(), &view, PyBUF_ANY_CONTIGUOUS) != 0) throw nb::python_error();
  const Py_ssize_t size = view.len;
  if (size >= kOutOfBand) {
    const auto segment = shared_copy(view);
    // The descriptor in the message lives as long as the segment, which it shares.
    const int copy = ::dup(segment->descriptor());
    packer.buffers.push_back({std::make_shared<const UniqueFd>(copy), 0, static_cast<std::uint64_t>(size), 0});
  }
  PyBuffer_Release(&view);
  return size < kOutOfBand;
}

void Outgoing::front(const Link& link, EngineId engine, std::vector<std::uint32_t>& carried) {
  if (bundles_.empty() && loans_.empty()) return;
  Packer front;
  for (const auto& [number, bytes] : bundles_) {
    if (!link.defined(engine, number)) carried.push_back(number);
  }
  front.number(carried.size());
  for (const auto& [number, bytes] : bundles_) {
    if (link.defined(engine, number)) continue;
    front.number(number);
    front.text({PyBytes_AS_STRING(bytes.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr()))});
  }
  front.number(loans_.size());
  if (!loans_.empty()) loans_.open(front, packer.buffers);
  front.bytes.insert(front.bytes.end(), packer.bytes.begin() + kFront, packer.bytes.end());
  packer.bytes = std::move(front.bytes);
}

// --- Arriving ------------------------------------------------------------------------------------------------------

Arriving::Arriving(std::shared_ptr<Link> link, std::span<const std::byte> payload, std::span<const ObjectId> references,
                   std::span<const SharedBuffer> buffers, bool counted)
    : unpacker(payload), link_(std::move(link)), references_(references), buffers_(buffers), counted_(counted) {
  if (counted_) taken_.resize(references_.size());
}

Arriving::~Arriving() {
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    if (!taken_[i]) link_->endpoint().release(references_[i]);
  }
}

void Arriving::front(ArrivedLoans& loans) {
  for (std::uint64_t count = unpacker.number(); count > 0; --count) {
    const std::uint64_t number = unpacker.number();
    const std::string_view bytes = unpacker.text();
    load_definitions()(number, nb::bytes(bytes.data(), bytes.size()));
  }
  loans.read(unpacker, buffers_);
  loans_ = &loans;
}

nb::object Arriving::reference(std::size_t number, std::string_view description) {
  if (number >= references_.size()) throw ProtocolError("a payload names a reference that the message does not have");
  const ObjectId id = references_[number];
  if (link_->store && link_->owns(id)) {
    PyObject* object = link_->store->find(id);
    if (!object) throw ObjectLost(to_string(id) + " is gone");
    return nb::borrow(object);  // our own count, if it came with one, goes back with this message
  }
  if (PyObject* known = link_->proxy(id)) return nb::borrow(known);
  nb::object proxy = make_remote(link_, id, description);
  if (counted_)
    taken_[number] = true;
  else
    link_->endpoint().retain(id);
  return proxy;
}

nb::object Arriving::pickle(bool with_references) {
  const std::uint64_t count = unpacker.number();
  const std::string_view bytes = unpacker.text();
  nb::list buffers;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (next_buffer_ >= buffers_.size()) throw ProtocolError("a payload has fewer buffers than it says");
    buffers.append(map_buffer(buffers_[next_buffer_++]));
  }
  nb::object view = nb::steal(
      PyMemoryView_FromMemory(const_cast<char*>(bytes.data()), static_cast<Py_ssize_t>(bytes.size()), PyBUF_READ));
  if (!view.is_valid()) throw nb::python_error();
  if (!with_references) return nb::object(unpickle_plain()(view));
  nb::object resolve = nb::cpp_function([this](nb::tuple token) {
    if (token.size() == 1 && loans_) return loans_->array(nb::cast<std::size_t>(token[0]));
    return reference(nb::cast<std::size_t>(token[0]), nb::cast<std::string_view>(nb::handle(token[1])));
  });
  return nb::object(unpickle_any()(view, buffers, resolve));
}

nb::object Arriving::value() {
  switch (unpacker.byte()) {
    case kNone: return nb::none();
    case kTrue: return nb::bool_(true);
    case kFalse: return nb::bool_(false);
    case kNotImplemented: return nb::borrow(Py_NotImplemented);
    case kEllipsis: return nb::borrow(Py_Ellipsis);
    case kInt: return nb::steal(PyLong_FromLongLong(unpacker.plain<std::int64_t>()));
    case kFloat: return nb::steal(PyFloat_FromDouble(unpacker.plain<double>()));
    case kComplex: return nb::steal(PyComplex_FromCComplex(unpacker.plain<Py_complex>()));
    case kText: {
      const std::string_view text = unpacker.text();
      return nb::steal(PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size())));
    }
    case kBytes: {
      const std::string_view text = unpacker.text();
      return nb::steal(PyBytes_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size())));
    }
    case kTuple: {
      nb::object items = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(unpacker.number())));
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items.ptr()); ++i) {
        PyTuple_SET_ITEM(items.ptr(), i, value().release().ptr());
      }
      return items;
    }
    case kReference: {
      const std::size_t number = unpacker.number();
      return reference(number, unpacker.text());
    }
    case kMethod: {
      const std::size_t number = unpacker.number();
      const std::string_view description = unpacker.text();
      nb::object self = reference(number, description);
      const std::string_view text = unpacker.text();
      const nb::str name(text.data(), text.size());
      if (is_remote(self.ptr())) return make_remote_method(self.ptr(), name.ptr());
      return nb::object(self.attr(name));
    }
    case kLoan: {
      if (!loans_) throw ProtocolError("a reply names a lent array");
      return loans_->array(unpacker.number());
    }
    case kPickle: return pickle(false);
    case kPickleWithReferences: return pickle(true);
    default: throw ProtocolError("a payload has a value of unknown kind");
  }
}

std::vector<nb::object> Arriving::arguments(nb::object& keyword_names) {
  const std::size_t positional = unpacker.number();
  const std::size_t keywords = unpacker.number();
  if (keywords) keyword_names = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(keywords)));
  for (std::size_t i = 0; i < keywords; ++i) {
    const std::string_view name = unpacker.text();
    PyObject* text = PyUnicode_FromStringAndSize(name.data(), static_cast<Py_ssize_t>(name.size()));
    PyUnicode_InternInPlace(&text);
    PyTuple_SET_ITEM(keyword_names.ptr(), static_cast<Py_ssize_t>(i), text);
  }
  std::vector<nb::object> values;
  values.reserve(positional + keywords);
  if (unpacker.byte() == '1') {
    for (std::size_t i = 0; i < positional + keywords; ++i) values.push_back(value());
    return values;
  }
  const nb::object all = value();
  for (std::size_t i = 0; i < positional + keywords; ++i) {
    values.push_back(nb::borrow(PyTuple_GetItem(all.ptr(), static_cast<Py_ssize_t>(i))));
  }
  return values;
}

}  // namespace distob::python
