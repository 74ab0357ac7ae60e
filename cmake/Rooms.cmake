# SPDX-License-Identifier: Apache-2.0
# plimsoll_room(name LIBRARIES ...): src/name/*.cpp (tests apart) becomes the
# static library room_name, linked to all rooms declared before it. A room
# without sources is an interface library, so that every floor can be named.
set(PLIMSOLL_ROOMS "")

function(plimsoll_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${name}/*.cpp")
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|_bench|_main|/main)\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  if(name STREQUAL "methods")
    set(sources ${ROOM_SOURCES})
  endif()
  list(TRANSFORM PLIMSOLL_ROOMS PREPEND room_ OUTPUT_VARIABLE below)
  list(REVERSE below)
  if(sources)
    add_library(room_${name} STATIC ${sources})
    target_link_libraries(room_${name} PUBLIC plimsoll_flags ${below}
                          PRIVATE plimsoll_warnings ${ROOM_LIBRARIES})
    target_include_directories(room_${name} PUBLIC "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/include")
  else()
    add_library(room_${name} INTERFACE)
    target_link_libraries(room_${name} INTERFACE plimsoll_flags ${below})
    target_include_directories(room_${name} INTERFACE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/include")
  endif()
  set(PLIMSOLL_ROOMS ${PLIMSOLL_ROOMS} ${name} PARENT_SCOPE)
  if(PLIMSOLL_TESTS AND tests AND NOT name STREQUAL "methods")
    set(extra "")
    if(name MATCHES "^(learn|text|solve|llm|agent|capi|cli)$")  # they reach the catalogue through the engine
      set(extra plimsoll_catalogue)
    endif()
    plimsoll_gtest(test_${name} SOURCES ${tests} LIBRARIES ${extra} room_${name} ${ROOM_LIBRARIES} LABELS unit fast)
  endif()
endfunction()

# PLIMSOLL_SOURCE_DIR and PLIMSOLL_BIN_DIR for the sources that speak of them. The
# methods' tests and the rig compile alike wherever the tree lies, so that the copy
# which tests/add_a_method builds finds them in the compiler's cache.
function(plimsoll_places)
  foreach(source IN LISTS ARGN)
    if(EXISTS "${source}")
      file(STRINGS "${source}" uses REGEX "PLIMSOLL_(SOURCE|BIN)_DIR")
      if(uses)
        set_source_files_properties("${source}" PROPERTIES COMPILE_DEFINITIONS
            "PLIMSOLL_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\";PLIMSOLL_BIN_DIR=\"${CMAKE_RUNTIME_OUTPUT_DIRECTORY}\"")
      endif()
    endif()
  endforeach()
endfunction()

# plimsoll_gtest(name SOURCES ... LIBRARIES ... LABELS ... [TIMEOUT s]): one
# program, one entry in ctest. PLIMSOLL_SOURCE_DIR is defined for test data.
function(plimsoll_gtest name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  if(CMAKE_BUILD_TYPE MATCHES "[Ss]anitized")
    math(EXPR TEST_TIMEOUT "3 * ${TEST_TIMEOUT}")  # the sanitizers' price
  endif()
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE plimsoll_warnings ${TEST_LIBRARIES} GTest::gmock GTest::gtest GTest::gtest_main)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}")
  if(name MATCHES "^test_(methods|conformance)$")
    plimsoll_places(${TEST_SOURCES})
  else()
    target_compile_definitions(${name} PRIVATE PLIMSOLL_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                               PLIMSOLL_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  endif()
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY "${PROJECT_BINARY_DIR}")
  set_tests_properties(${name} PROPERTIES LABELS "${TEST_LABELS}" TIMEOUT ${TEST_TIMEOUT}
                       ENVIRONMENT "${PLIMSOLL_TEST_ENVIRONMENT}")
endfunction()

set(PLIMSOLL_TEST_ENVIRONMENT "")
if(CMAKE_BUILD_TYPE MATCHES "[Ss]anitized")
  # Arrow's own pools hide overruns and leaks of its buffers from the sanitizer.
  set(PLIMSOLL_TEST_ENVIRONMENT
      "ARROW_DEFAULT_MEMORY_POOL=system"
      "ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1"
      "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tools/lsan.supp:print_suppressions=0"
      "UBSAN_OPTIONS=print_stacktrace=1"
      "TSAN_OPTIONS=ignore_noninstrumented_modules=1")
endif()
