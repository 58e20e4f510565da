// Arrays among the arguments of a command: lent to the engine, where they are ndarrays on the same elements.
//
// In front of the arguments stands a line for each (its dtype, shape and strides, and where its elements are); the
// arguments name them by number. The reply says what became of them: nothing, new elements of a small one that travelled
// by value, or "kept" for memory on which something lives on in the engine.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "array/lending.h"
#include "base/buffer.h"
#include "objects/packing.h"
#include "session/endpoint.h"

namespace distob::python {

/// The sender's side. Under Python's lock.
class OutgoingLoans {
 public:
  /// The number under which `array` is lent; nothing if it is no distributed array, or one that travels by value: without
  /// elements, or a scalar. Distributed arrays that may not be written are lent for reading.
  [[nodiscard]] std::optional<std::uint32_t> add(PyObject* array);
  [[nodiscard]] static bool lendable(PyObject* array);
  [[nodiscard]] bool empty() const { return arrays_.empty(); }
  [[nodiscard]] std::size_t size() const { return arrays_.size(); }

  /// Takes all arrays from the client, once the command is written; waits for earlier work on them. Writes the lines to
  /// `front` and adds the memory to `buffers`.
  void open(Packer& front, std::vector<SharedBuffer>& buffers);
  /// What gives them back when the call ends. Needs no lock.
  [[nodiscard]] std::function<void(const session::Reply&)> on_end() const;

 private:
  std::vector<nanobind::object> arrays_;
  std::shared_ptr<array::Lending> lending_;
};

/// The engine's side, for the life of one command. Under Python's lock.
class ArrivedLoans {
 public:
  void read(Unpacker& front, std::span<const SharedBuffer> buffers);
  /// The ndarray that the sender's array `number` is here.
  [[nodiscard]] nanobind::object array(std::size_t number) const;
  /// Lets go of the ndarrays: from now on only user code holds them.
  void forget_arrays() { arrays_.clear(); }
  /// What became of them, for the reply. Empty if nothing did.
  [[nodiscard]] std::vector<std::byte> report();

 private:
  struct Item {
    nanobind::object memory;              ///< what the ndarray's elements belong to
    std::span<const std::byte> elements;  ///< as they came, if they came by value and may be written
  };
  [[nodiscard]] nanobind::object memory_at(std::size_t buffer, std::span<const SharedBuffer> buffers);

  std::vector<Item> items_;
  std::vector<nanobind::object> arrays_;
  std::vector<nanobind::object> mapped_;  ///< by number of the buffer
};

}  // namespace distob::python
