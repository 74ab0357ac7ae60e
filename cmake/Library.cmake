# SPDX-License-Identifier: Apache-2.0
# The library and the program.
#   plimsoll_static   every room but cli, for programs of this tree (an interface over the rooms)
#   plimsoll_shared   libplimsoll.so: the same with the C interface, and only our own public symbols are seen from outside
#   plimsoll_program  the command line
add_library(plimsoll_static INTERFACE)
target_link_libraries(plimsoll_static INTERFACE plimsoll_catalogue room_methods)

if(NOT PLIMSOLL_FUZZ AND NOT CMAKE_BUILD_TYPE MATCHES "[Ss]anitized")
  # The public interface is compiled once more here: it is what pulls the rooms in.
  add_library(plimsoll_shared SHARED "${PROJECT_SOURCE_DIR}/src/engine/api.cpp")
  add_library(plimsoll::plimsoll ALIAS plimsoll_shared)
  set_target_properties(plimsoll_shared PROPERTIES
      OUTPUT_NAME plimsoll EXPORT_NAME plimsoll VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
      LINK_DEPENDS "${PROJECT_SOURCE_DIR}/cmake/plimsoll.map")
  target_link_libraries(plimsoll_shared PRIVATE plimsoll_warnings $<LINK_LIBRARY:WHOLE_ARCHIVE,room_capi>
                        $<BUILD_INTERFACE:plimsoll_catalogue> $<BUILD_INTERFACE:room_methods> nlohmann_json::nlohmann_json)
  target_include_directories(plimsoll_shared PUBLIC
      $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(plimsoll_shared PUBLIC cxx_std_20)
  target_link_options(plimsoll_shared PRIVATE
      "-Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/plimsoll.map" -Wl,--no-undefined)
endif()

if(EXISTS "${PROJECT_SOURCE_DIR}/src/cli/main.cpp")
  add_executable(plimsoll_program "${PROJECT_SOURCE_DIR}/src/cli/main.cpp")
  set_target_properties(plimsoll_program PROPERTIES OUTPUT_NAME plimsoll)
  target_link_libraries(plimsoll_program PRIVATE plimsoll_warnings plimsoll_catalogue room_cli CLI11::CLI11)
endif()
