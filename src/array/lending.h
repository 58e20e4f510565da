// Arrays in the hands of one command of user code.
//
// User code in an engine gets an ndarray, and what it writes is in the array afterwards. A large array is lent: its storage
// moves into shared memory once and stays there, and the engine maps it. A small one, or one whose elements lie in several
// storages, is copied there and back. Either way its elements belong to the command until it ends: readers wait for what
// it may write, and writers for what it reads.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "array/array.h"

namespace distob::array {

class Lending {
 public:
  struct Request {
    Array array;
    bool write = false;
  };

  struct Item {
    bool write = false;
    DType dtype;
    Shape shape;
    Strides strides;
    /// Where the elements travel: in this segment, or if it is null in `elements`.
    std::shared_ptr<memory::SharedSegment> segment;
    std::size_t offset = 0;  ///< of the lowest byte in the segment
    std::size_t size = 0;    ///< bytes from the lowest to behind the highest
    std::size_t start = 0;   ///< bytes from the lowest to the first element
    std::vector<char> elements;
  };

  /// Up to this many bytes a copy there and back costs less than a descriptor and a mapping.
  static constexpr std::int64_t kSmall = std::int64_t{16} << 10;

  /// Waits until all arrays are free of earlier work and takes them at once. Throws ValueError if one of several storages
  /// would have to share elements with another one; MemoryError.
  [[nodiscard]] static std::shared_ptr<Lending> open(std::span<const Request> requests);
  Lending(const Lending&) = delete;
  Lending& operator=(const Lending&) = delete;
  /// Closes, if it is open: nobody has seen the memory.
  ~Lending();

  /// By the order of the requests.
  [[nodiscard]] std::span<const Item> items() const;

  /// Gives the array new elements (as many bytes as Item::elements has), where user code changed its copy.
  void write_back(std::size_t item, std::span<const std::byte> elements);

  /// The command ended. `kept`, by item: an ndarray on the memory survives in the engine, so the array moves to other
  /// memory before this returns, and what the engine does to its ndarray from now on is its own affair. May be called in
  /// any thread, once.
  void close(const std::vector<bool>& kept);

 private:
  struct State;
  explicit Lending(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace distob::array
