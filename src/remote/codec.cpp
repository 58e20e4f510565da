#include "distob/codec.h"

namespace distob {

void Reader::fail(const char* what) { throw ProtocolError(std::string("malformed value: ") + what); }

Ref Reader::get_reference() {
  const std::uint64_t number = get_number();
  if (number == 0) return {};
  if (number > references_.size()) fail("a reference is not among those that were sent");
  return references_[number - 1];
}

}  // namespace distob
