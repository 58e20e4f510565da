#include "distob/codec.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace distob {

void Writer::grow(std::size_t size) {
  const std::size_t capacity = std::max({capacity_ * 2, size_ + size, std::size_t{256}});
  auto* data = static_cast<std::byte*>(std::realloc(data_.get(), capacity));
  if (!data) throw std::bad_alloc();
  static_cast<void>(data_.release());  // realloc freed it
  data_.reset(data);
  capacity_ = capacity;
}

void Writer::Free::operator()(std::byte* data) const { std::free(data); }

void Reader::fail(const char* what) { throw ProtocolError(std::string("malformed value: ") + what); }

Ref Reader::get_reference() {
  const std::uint64_t number = get_number();
  if (number == 0) return {};
  if (number > references_.size()) fail("a reference is not among those that were sent");
  return references_[number - 1];
}

}  // namespace distob
