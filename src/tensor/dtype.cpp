#include "distob/dtype.h"

namespace distob {

std::string DType::name() const {
  static constexpr const char* names[] = {"bool",     "int8",      "uint8",      "int16",     "uint16",  "int32",
                                          "uint32",   "int64",     "uint64",     "float16",   "float32", "float64",
                                          "float128", "complex64", "complex128", "complex256"};
  if (kind == Kind::Opaque) return "void" + std::to_string(8 * itemsize);
  return names[static_cast<int>(kind)];
}

}  // namespace distob
