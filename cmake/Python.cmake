# The Python that the extension module is built for, and nanobind as installed in it.
find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module)
execute_process(COMMAND ${Python_EXECUTABLE} -m nanobind --cmake_dir
  OUTPUT_VARIABLE nanobind_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE missing ERROR_QUIET)
if(missing)
  message(FATAL_ERROR "nanobind is not installed in ${Python_EXECUTABLE}")
endif()
find_package(nanobind CONFIG REQUIRED)
