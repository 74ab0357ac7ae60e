# SPDX-License-Identifier: Apache-2.0
# The library in both forms, and the program.
add_library(plimsoll_static INTERFACE)
target_link_libraries(plimsoll_static INTERFACE plimsoll_catalogue room_methods)

file(GLOB _cli_main CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/cli/main.cpp")
if(_cli_main)
  add_executable(plimsoll_program ${_cli_main})
  set_target_properties(plimsoll_program PROPERTIES OUTPUT_NAME plimsoll)
  target_link_libraries(plimsoll_program PRIVATE plimsoll_warnings plimsoll_catalogue room_cli CLI11::CLI11)
endif()
