// Array programs made of the fuzzer's bytes: the machine must leave every byte of memory as the interpreter does.
#include <cstdio>
#include <cstdlib>

#include "program/random_program_for_test.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  distob::program::testing::Choices choices(data, size);
  const std::string difference = distob::program::testing::check_random_program(choices);
  if (!difference.empty()) {
    std::fprintf(stderr, "%s\n", difference.c_str());
    std::abort();
  }
  return 0;
}
