# SPDX-License-Identifier: Apache-2.0
# Tests above the rooms' own unit tests. A folder tests/NAME with *_test.cpp
# becomes test_NAME; one with a CMakeLists.txt speaks for itself.

find_package(Python3 COMPONENTS Interpreter REQUIRED)

# The methods' tests are objects: their spoiled forms serve test_methods, the
# conformance rig and plimsoll_spoiled alike.
if(METHOD_TESTS)
  add_library(method_tests OBJECT ${METHOD_TESTS})
  target_link_libraries(method_tests PUBLIC room_methods GTest::gtest GTest::gmock PRIVATE plimsoll_warnings)
  target_include_directories(method_tests PUBLIC "${PROJECT_SOURCE_DIR}")
  plimsoll_places(${METHOD_TESTS})
endif()

file(GLOB _rig CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/conformance/*.cpp")
set(_rig_mains ${_rig})
set(_rig_tests ${_rig})
list(FILTER _rig EXCLUDE REGEX "(_test|_main)\\.cpp$")
list(FILTER _rig_mains INCLUDE REGEX "_main\\.cpp$")
list(FILTER _rig_tests INCLUDE REGEX "_test\\.cpp$")
set(_rig_libraries "")
if(_rig)
  add_library(conformance_rig STATIC ${_rig})
  target_link_libraries(conformance_rig PUBLIC room_methods GTest::gtest PRIVATE plimsoll_warnings)
  target_include_directories(conformance_rig PUBLIC "${PROJECT_SOURCE_DIR}")
  set(_rig_libraries conformance_rig)
endif()

if(METHOD_TESTS)
  plimsoll_gtest(test_methods SOURCES $<TARGET_OBJECTS:method_tests>
                 LIBRARIES plimsoll_catalogue ${_rig_libraries} room_methods LABELS unit fast)
  list(APPEND _rig_objects $<TARGET_OBJECTS:method_tests>)
endif()
if(_rig_tests)
  plimsoll_gtest(test_conformance SOURCES ${_rig_tests} ${_rig_objects}
                 LIBRARIES plimsoll_catalogue ${_rig_libraries} room_methods LABELS conformance TIMEOUT 900)
  # The methods' own tests ride along for their spoiled forms; test_methods runs them.
  set(_suites "")
  foreach(_source IN LISTS _rig_tests)
    file(STRINGS "${_source}" _lines REGEX "^TEST(_P|_F)?\\(")
    list(TRANSFORM _lines REPLACE "^TEST[_PF]*\\(([A-Za-z0-9_]+).*" "*\\1*.*")
    list(APPEND _suites ${_lines})
  endforeach()
  list(REMOVE_DUPLICATES _suites)
  list(JOIN _suites ":" _suites)
  set_property(TEST test_conformance APPEND PROPERTY ENVIRONMENT "GTEST_FILTER=${_suites}")
endif()
foreach(_main IN LISTS _rig_mains)
  cmake_path(GET _main STEM _name)
  string(REGEX REPLACE "_main$" "" _name "${_name}")
  add_executable(plimsoll_${_name} ${_main} ${_rig_objects})
  target_link_libraries(plimsoll_${_name} PRIVATE plimsoll_warnings plimsoll_catalogue
                        ${_rig_libraries} room_methods GTest::gtest GTest::gmock)
endforeach()

foreach(_folder statistical reference artifacts door limits)
  file(GLOB _sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${_folder}/*_test.cpp")
  if(_sources AND NOT EXISTS "${PROJECT_SOURCE_DIR}/tests/${_folder}/CMakeLists.txt")
    plimsoll_gtest(test_${_folder} SOURCES ${_sources} LIBRARIES plimsoll_catalogue room_methods
                   LABELS ${_folder} TIMEOUT 900)
  endif()
endforeach()

if(PLIMSOLL_FUZZ)
  file(GLOB _fuzzers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/fuzz/*.cpp")
  foreach(_fuzzer IN LISTS _fuzzers)
    cmake_path(GET _fuzzer STEM _name)
    string(REGEX REPLACE "_fuzz$" "" _name "${_name}")
    add_executable(fuzz_${_name} ${_fuzzer})
    target_link_libraries(fuzz_${_name} PRIVATE plimsoll_warnings plimsoll_catalogue room_cli)
    target_link_options(fuzz_${_name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(fuzz_${_name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz")
  endforeach()
endif()

file(GLOB _own CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/tests/*/CMakeLists.txt")
foreach(_list IN LISTS _own)
  cmake_path(GET _list PARENT_PATH _folder)
  add_subdirectory("${_folder}")
endforeach()
