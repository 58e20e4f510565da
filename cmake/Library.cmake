# What a C++ program links: distob::distob, one static library with the objects of all rooms, and the headers of
# include/distob. The rooms stay inside: they are neither installed nor exported.
get_property(links GLOBAL PROPERTY DISTOB_LINK)
list(REMOVE_DUPLICATES links)

foreach(room IN LISTS DISTOB_ROOMS)
  get_target_property(type distob_${room} TYPE)
  if(type STREQUAL STATIC_LIBRARY)
    list(APPEND objects $<TARGET_OBJECTS:distob_${room}>)
  endif()
endforeach()
if(NOT objects)
  return()
endif()

add_library(distob STATIC ${objects})
add_library(distob::distob ALIAS distob)
set_target_properties(distob PROPERTIES LINKER_LANGUAGE CXX)
target_compile_features(distob PUBLIC cxx_std_20)
target_include_directories(distob INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
foreach(link IN LISTS links)
  target_link_libraries(distob INTERFACE $<LINK_ONLY:${link}>)
endforeach()
target_link_libraries(distob INTERFACE Threads::Threads)
if(DISTOB_SANITIZE)
  target_link_options(distob INTERFACE $<BUILD_INTERFACE:-fsanitize=${DISTOB_SANITIZE}>)
endif()

include(CMakePackageConfigHelpers)
set(config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/distob)
install(TARGETS distob EXPORT distob ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT cpp)
install(DIRECTORY include/distob DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT cpp FILES_MATCHING PATTERN "*.h")
install(EXPORT distob NAMESPACE distob:: FILE distobTargets.cmake DESTINATION ${config_folder} COMPONENT cpp)
configure_package_config_file(cmake/distobConfig.cmake.in distobConfig.cmake INSTALL_DESTINATION ${config_folder})
write_basic_package_version_file(distobConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/distobConfig.cmake ${PROJECT_BINARY_DIR}/distobConfigVersion.cmake
  DESTINATION ${config_folder} COMPONENT cpp)
