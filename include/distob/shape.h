// Extents and strides: the small integer vectors that shapes are made of, and what NumPy's rules say about them.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>

namespace distob {

/// A short vector of 64-bit integers: extents, byte strides, an index, axis numbers. Up to six live in the object itself,
/// so copies of ordinary shapes allocate nothing; at most 64 (NumPy's limit).
class Dims {
 public:
  static constexpr int kMaxRank = 64;

  Dims() = default;
  Dims(std::initializer_list<std::int64_t> values) { assign(values.begin(), values.size()); }
  explicit Dims(std::span<const std::int64_t> values) { assign(values.data(), values.size()); }
  Dims(const Dims& other) { assign(other.data(), other.size()); }
  Dims(Dims&& other) noexcept { steal(other); }
  Dims& operator=(const Dims& other) {
    if (this != &other) assign(other.data(), other.size());
    return *this;
  }
  Dims& operator=(Dims&& other) noexcept {
    if (this != &other) {
      release();
      steal(other);
    }
    return *this;
  }
  ~Dims() { release(); }

  /// `rank` times `value`.
  [[nodiscard]] static Dims filled(std::size_t rank, std::int64_t value) {
    Dims dims;
    dims.resize(rank, value);
    return dims;
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] int rank() const { return static_cast<int>(size_); }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::int64_t* data() { return capacity_ == kInline ? inline_ : heap_; }
  [[nodiscard]] const std::int64_t* data() const { return capacity_ == kInline ? inline_ : heap_; }
  std::int64_t& operator[](std::size_t i) { return data()[i]; }
  std::int64_t operator[](std::size_t i) const { return data()[i]; }
  std::int64_t& back() { return data()[size_ - 1]; }
  [[nodiscard]] std::int64_t back() const { return data()[size_ - 1]; }
  std::int64_t* begin() { return data(); }
  std::int64_t* end() { return data() + size_; }
  [[nodiscard]] const std::int64_t* begin() const { return data(); }
  [[nodiscard]] const std::int64_t* end() const { return data() + size_; }
  operator std::span<const std::int64_t>() const { return {data(), size_}; }  // NOLINT(google-explicit-constructor)

  void push_back(std::int64_t value) { insert(size_, value); }
  void pop_back() { --size_; }
  void clear() { size_ = 0; }
  /// Puts `value` before position `at`. Throws ValueError beyond kMaxRank.
  void insert(std::size_t at, std::int64_t value);
  void erase(std::size_t at);
  void resize(std::size_t size, std::int64_t value = 0);

  friend bool operator==(const Dims& a, const Dims& b) {
    return a.size_ == b.size_ && std::memcmp(a.data(), b.data(), a.size_ * sizeof(std::int64_t)) == 0;
  }

 private:
  static constexpr std::uint32_t kInline = 6;

  void assign(const std::int64_t* values, std::size_t n) {
    if (n > capacity_) reserve(n);
    size_ = static_cast<std::uint32_t>(n);
    if (n != 0) std::memcpy(data(), values, n * sizeof(std::int64_t));
  }
  void steal(Dims& other) noexcept {
    size_ = other.size_;
    capacity_ = other.capacity_;
    if (capacity_ == kInline) {
      std::memcpy(inline_, other.inline_, sizeof(inline_));
    } else {
      heap_ = other.heap_;
      other.capacity_ = kInline;
    }
    other.size_ = 0;
  }
  void release() {
    if (capacity_ != kInline) delete[] heap_;
    capacity_ = kInline;
  }
  void reserve(std::size_t n);

  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = kInline;
  union {
    std::int64_t inline_[kInline] = {};
    std::int64_t* heap_;
  };
};

using Shape = Dims;    ///< extents, none negative
using Strides = Dims;  ///< bytes between neighbours, of any sign

/// The product of the extents; 1 for the shape of a scalar.
[[nodiscard]] inline std::int64_t element_count(const Shape& shape) {
  std::int64_t n = 1;
  for (std::int64_t extent : shape) n *= extent;
  return n;
}

/// element_count(shape) * itemsize. Throws ValueError for a negative extent or where the product leaves 63 bits.
[[nodiscard]] std::int64_t byte_count(const Shape& shape, std::int64_t itemsize);

/// Strides of a C-contiguous array.
[[nodiscard]] Strides c_strides(const Shape& shape, std::int64_t itemsize);

/// The shape two arrays broadcast to. Throws ValueError that names both shapes.
[[nodiscard]] Shape broadcast(const Shape& a, const Shape& b);

/// `axis` counted from the front. Throws AxisError unless -rank <= axis < rank.
[[nodiscard]] int normalize_axis(int axis, int rank);

/// `axes` counted from the front, sorted. Throws AxisError, or ValueError where one appears twice.
[[nodiscard]] Dims normalize_axes(std::span<const int> axes, int rank);

/// As NumPy prints it: "()", "(3,)", "(2,3)".
[[nodiscard]] std::string to_string(const Dims& dims);

}  // namespace distob
