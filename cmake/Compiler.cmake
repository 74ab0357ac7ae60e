# SPDX-License-Identifier: Apache-2.0
# Language, flags, warnings, ccache and mold. The flags that decide results
# (-ffp-contract=off, never fast-math) hold for every compiler and preset.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug or Sanitized" FORCE)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")
set(CMAKE_CXX_FLAGS_SANITIZED
    "-O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined")
set(CMAKE_CXX_FLAGS_THREADSANITIZED "-O1 -g1 -fno-omit-frame-pointer -fsanitize=thread")
foreach(kind SANITIZED THREADSANITIZED)
  set(CMAKE_EXE_LINKER_FLAGS_${kind} "")
  set(CMAKE_SHARED_LINKER_FLAGS_${kind} "")
  set(CMAKE_MODULE_LINKER_FLAGS_${kind} "")
endforeach()

add_library(plimsoll_flags INTERFACE)
target_compile_options(plimsoll_flags INTERFACE -ffp-contract=off)
add_library(plimsoll_warnings INTERFACE)
target_compile_options(plimsoll_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
    # g++ leaves sign conversions out of -Wconversion; clang is told to say the same.
    $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>
    $<$<BOOL:${PLIMSOLL_WERROR}>:-Werror>)
if(PLIMSOLL_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "PLIMSOLL_FUZZ needs clang: configure with the preset 'sanitized'.")
  endif()
  target_compile_options(plimsoll_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(PROJECT_IS_TOP_LEVEL)
  find_program(CCACHE_PROGRAM ccache)
  if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
  endif()
  find_program(MOLD_PROGRAM mold)
  if(MOLD_PROGRAM)
    add_link_options(-fuse-ld=mold)
  endif()
endif()
