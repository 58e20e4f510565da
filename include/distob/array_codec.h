// Arrays as arguments and results of remote calls: the elements travel, and are an array of its own on the other side.
#pragma once

#include "distob/array.h"
#include "distob/codec.h"

namespace distob {

/// A DistArray arrives as a copy: large ones by shared memory. Changes of the copy do not reach the original; return it.
template <class T>
struct Codec<DistArray<T>> {
  static void encode(Writer& out, const DistArray<T>& value) {
    if (!value) throw EncodeError("a DistArray that names nothing cannot travel");
    distob::encode(out, std::vector<std::int64_t>(value.shape().begin(), value.shape().end()));
    const auto elements = std::make_unique_for_overwrite<T[]>(static_cast<std::size_t>(value.size()));
    value.gather(elements.get());
    out.put_number(static_cast<std::uint64_t>(value.size()));
    out.put(elements.get(), sizeof(T) * static_cast<std::size_t>(value.size()));
  }
  static DistArray<T> decode(Reader& in) {
    const auto extents = distob::decode<std::vector<std::int64_t>>(in);
    const std::size_t count = in.get_count(sizeof(T));
    const auto bytes = in.view(count * sizeof(T));
    if constexpr (std::is_same_v<T, bool>)
      for (const std::byte byte : bytes)
        if (byte > std::byte{1}) Reader::fail("a bool is neither 0 nor 1");
    // The bytes of a message are not aligned for T.
    const auto elements = std::make_unique_for_overwrite<T[]>(count);
    if (count) std::memcpy(static_cast<void*>(elements.get()), bytes.data(), bytes.size());
    return scatter<T>(std::span<const T>(elements.get(), count), checked_shape(extents, count));
  }

 private:
  static Shape checked_shape(const std::vector<std::int64_t>& extents, std::size_t count) {
    std::uint64_t product = 1;
    bool right = extents.size() <= Shape::kMaxRank;
    for (const std::int64_t extent : extents)
      right = right && extent >= 0 && !__builtin_mul_overflow(product, static_cast<std::uint64_t>(extent), &product);
    if (!right || product != count) Reader::fail("an array has another number of elements than its shape says");
    return Shape(std::span<const std::int64_t>(extents));
  }
};

}  // namespace distob
