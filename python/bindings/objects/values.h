// Python values on their way out of and into a process.
//
// Plain values are written here, without asking Python's pickle module anything; lists, dicts and sets of plain values by
// the C pickler; everything else by distob._pickling, which asks back which objects travel as references.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "objects/link.h"
#include "objects/loans.h"
#include "objects/packing.h"
#include "objects/trace.h"

namespace distob::python {

/// What one command or reply is written with. Counts that were taken for the references in it are given back by the
/// destructor, unless they were handed over.
class Outgoing {
 public:
  enum class Purpose { arguments, result };

  Outgoing(std::shared_ptr<Link> link, Purpose purpose) : link_(std::move(link)), purpose_(purpose) {}
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;
  ~Outgoing() { forget_counts(0); }

  Packer packer;
  /// From now on distributed arrays are lent: they are written as numbers of loans, to be opened by front().
  void lend() { lends_ = true; }

  /// Writes `value` as an argument: proxies and, in an engine, its own objects as references, the rest by value.
  void argument(nanobind::handle value);
  /// Writes positional and keyword arguments in the form of a vectorcall. An object that occurs twice arrives as one.
  void arguments(PyObject* const* values, std::size_t positional, PyObject* keyword_names);
  /// Writes `value` as distob's rules for results say: a copy where nothing else refers to it, otherwise a reference.
  /// `borrowed` is the number of references to it that the caller holds.
  void result(nanobind::handle value, Py_ssize_t borrowed);
  /// Writes a copy of `value`, whoever else refers to it; only proxies inside it stay references.
  void copy(nanobind::handle value);
  /// Makes `value` an object of this engine, if it is not, and writes a reference to it.
  void object(nanobind::handle value);

  // What distob._pickling asks and tells while it writes:
  /// (number, description of the type) if `object` travels as a reference, (number,) if it is lent, else None.
  nanobind::object substitute(nanobind::handle object);
  /// Says that the pickle needs definition bundle `number`, whose pickled form is `bytes`.
  void needs_bundle(std::uint32_t number, nanobind::bytes bytes);
  /// Takes a large buffer out of band; returns True (pickle's "keep it in band") for a small one.
  bool keep_in_band(nanobind::handle pickle_buffer);

  /// What a command's payload begins with. Then come its operation and arguments.
  void leave_room_for_front() { packer.bytes.resize(kFront); }
  /// Puts in front of the payload the definitions that `engine` lacks, whose numbers `carried` is told, and the loans, which
  /// it opens. Call last.
  void front(const Link& link, EngineId engine, std::vector<std::uint32_t>& carried);
  [[nodiscard]] const OutgoingLoans& loans() const { return loans_; }
  [[nodiscard]] const std::vector<std::pair<std::uint32_t, nanobind::object>>& bundles() const { return bundles_; }

  /// From now on the counts are the receiver's.
  void hand_over() { counts_.clear(); }
  [[nodiscard]] bool is_result() const { return purpose_ == Purpose::result; }
  [[nodiscard]] const std::shared_ptr<Link>& link() const { return link_; }

 private:
  struct Mark {
    std::size_t bytes, references, buffers, counts;
  };
  [[nodiscard]] Mark mark() const;
  void roll_back(Mark);
  void forget_counts(std::size_t from);

  static constexpr std::size_t kFront = 2;  ///< bytes of a front that has nothing: no definitions, no loans

  [[nodiscard]] bool lendable(PyObject* value) const { return lends_ && OutgoingLoans::lendable(value); }
  bool simple(PyObject* value, int depth) const;
  bool write_simple(PyObject* value);
  void write_pickle(nanobind::handle value);
  void write_reference(std::pair<std::uint32_t, std::string_view> reference);
  bool write_bound_method(PyObject* method);
  /// The reference that `object` travels as; the first is false if it travels by value.
  bool reference_to(PyObject* object, std::pair<std::uint32_t, std::string_view>& reference);
  std::pair<std::uint32_t, std::string_view> own_object(PyObject* object);

  std::shared_ptr<Link> link_;
  Purpose purpose_;
  HeldParts held_;
  OutgoingLoans loans_;
  bool lends_ = false;
  bool by_value_ = false;  // copy(): own objects travel by value too
  std::vector<ObjectId> counts_;
  std::vector<std::pair<std::uint32_t, nanobind::object>> bundles_;
};

/// What one command or reply is read with.
class Arriving {
 public:
  /// `counted`: each reference comes with one count that is ours (replies), which the destructor gives back where no proxy
  /// took it over. Otherwise a proxy takes a count of its own (commands).
  Arriving(std::shared_ptr<Link> link, std::span<const std::byte> payload, std::span<const ObjectId> references,
           std::span<const SharedBuffer> buffers, bool counted);
  ~Arriving();
  Arriving(const Arriving&) = delete;
  Arriving& operator=(const Arriving&) = delete;

  Unpacker unpacker;

  /// Loads the definitions in front of a command's payload, and takes its loans. Call first.
  void front(ArrivedLoans& loans);
  [[nodiscard]] nanobind::object value();
  /// Positional values followed by those of `keyword_names` (a tuple, or null).
  [[nodiscard]] std::vector<nanobind::object> arguments(nanobind::object& keyword_names);
  /// The object or proxy that reference `number` means here.
  [[nodiscard]] nanobind::object reference(std::size_t number, std::string_view description);

 private:
  [[nodiscard]] nanobind::object pickle(bool with_references);

  std::shared_ptr<Link> link_;
  std::span<const ObjectId> references_;
  std::span<const SharedBuffer> buffers_;
  ArrivedLoans* loans_ = nullptr;
  std::size_t next_buffer_ = 0;
  bool counted_;
  std::vector<bool> taken_;
};

/// The text by which another process finds the class of `type`'s proxies. Remembered for each type.
[[nodiscard]] std::string_view description_of(PyTypeObject* type);

}  // namespace distob::python
