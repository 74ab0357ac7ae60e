# SPDX-License-Identifier: Apache-2.0
# HiGHS: library and headers of the highsbox wheel. Its C interface only: the C++ one is built with the old string ABI.
# Nothing is linked to it: it is opened on first use by the name PLIMSOLL_HIGHS_LIBRARY, found by the run path of the
# program in the build tree and in an installed one alike; a system's library is the second choice.
# Gives HighsWheel::headers, HighsWheel_LIBRARY, HighsWheel_LIBRARY_DIR and HighsWheel_LICENCE.
file(GLOB _highs "${PLIMSOLL_PYTHON_ENV}/lib/python3*/site-packages/highsbox/highs_dist")
find_file(HighsWheel_LIBRARY libhighs.so PATHS ${_highs} PATH_SUFFIXES lib lib64 NO_DEFAULT_PATH)
find_path(HighsWheel_INCLUDE_DIR interfaces/highs_c_api.h PATHS ${_highs} PATH_SUFFIXES include/highs NO_DEFAULT_PATH)
find_file(HighsWheel_LICENCE LICENSE.txt PATHS ${_highs} PATH_SUFFIXES share/doc/HIGHS NO_DEFAULT_PATH)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(HighsWheel REQUIRED_VARS HighsWheel_LIBRARY HighsWheel_INCLUDE_DIR
    REASON_FAILURE_MESSAGE "needs highsbox in ${PLIMSOLL_PYTHON_ENV}: run tools/setup.sh")
if(NOT HighsWheel_FOUND)
  return()
endif()
cmake_path(GET HighsWheel_LIBRARY PARENT_PATH HighsWheel_LIBRARY_DIR)
if(NOT TARGET HighsWheel::headers)
  add_library(HighsWheel::headers INTERFACE IMPORTED)
  set_target_properties(HighsWheel::headers PROPERTIES
      INTERFACE_INCLUDE_DIRECTORIES "${HighsWheel_INCLUDE_DIR}"
      INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${HighsWheel_INCLUDE_DIR}"
      INTERFACE_COMPILE_DEFINITIONS
        "PLIMSOLL_HIGHS_LIBRARY=\"libhighs.so\";PLIMSOLL_HIGHS_SYSTEM_LIBRARY=\"libhighs.so.1\"")
endif()
