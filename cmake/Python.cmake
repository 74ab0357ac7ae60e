# SPDX-License-Identifier: Apache-2.0
# The Python package, where nanobind stands in the Python environment (tools/setup.sh test puts it there).
#   PLIMSOLL_PREBUILT   a libplimsoll.so that was built already: the wheel packs it instead of compiling the engine again
set(Python_EXECUTABLE "${PLIMSOLL_PYTHON_ENV}/bin/python" CACHE FILEPATH "The Python that the package is built for")
find_package(Python 3.9 COMPONENTS Interpreter Development.Module)
if(Python_FOUND)
  execute_process(COMMAND "${Python_EXECUTABLE}" -m nanobind --cmake_dir OUTPUT_STRIP_TRAILING_WHITESPACE
                  OUTPUT_VARIABLE nanobind_ROOT RESULT_VARIABLE _failed ERROR_QUIET)
  if(NOT _failed)
    find_package(nanobind CONFIG REQUIRED)
    add_subdirectory(python)
  else()
    message(STATUS "The Python package is left out: ${Python_EXECUTABLE} has no nanobind (tools/setup.sh test)")
  endif()
endif()
