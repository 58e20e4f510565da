# Everything distob is built with, each a Debian package that ./dev installs.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)
pkg_check_modules(SLEEF REQUIRED IMPORTED_TARGET sleef)
find_program(FLATC flatc REQUIRED)
find_path(FLATBUFFERS_INCLUDE flatbuffers/flatbuffers.h REQUIRED)
find_path(ASIO_INCLUDE asio.hpp REQUIRED)
find_path(CLI11_INCLUDE CLI/CLI.hpp REQUIRED)

# Asio without Boost: its headers only.
add_library(distob_asio INTERFACE)
target_include_directories(distob_asio SYSTEM INTERFACE $<BUILD_INTERFACE:${ASIO_INCLUDE}>)
target_compile_definitions(distob_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED)

if(DISTOB_TESTS)
  find_package(GTest REQUIRED)
endif()
