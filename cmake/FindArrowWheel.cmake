# SPDX-License-Identifier: Apache-2.0
# Arrow C++ out of the pyarrow wheel: headers and five libraries, linked by
# their full file names (the wheel has no unversioned links).
# Gives ArrowWheel::{arrow,parquet,compute,acero,dataset} and
# ArrowWheel_{LIBRARY_DIR,VERSION}.
file(GLOB _site "${PLIMSOLL_PYTHON_ENV}/lib/python3*/site-packages/pyarrow")
find_path(ArrowWheel_INCLUDE_DIR arrow/util/config.h PATHS ${_site} PATH_SUFFIXES include NO_DEFAULT_PATH)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ArrowWheel REQUIRED_VARS ArrowWheel_INCLUDE_DIR
    REASON_FAILURE_MESSAGE "no pyarrow in ${PLIMSOLL_PYTHON_ENV}: run tools/setup.sh, or set PLIMSOLL_PYTHON_ENV")
if(NOT ArrowWheel_FOUND)
  return()
endif()
cmake_path(GET ArrowWheel_INCLUDE_DIR PARENT_PATH ArrowWheel_LIBRARY_DIR)
file(STRINGS "${ArrowWheel_INCLUDE_DIR}/arrow/util/config.h" _so REGEX "define ARROW_SO_VERSION ")
file(STRINGS "${ArrowWheel_INCLUDE_DIR}/arrow/util/config.h" _version REGEX "define ARROW_VERSION_STRING ")
string(REGEX REPLACE ".*\"(.*)\".*" "\\1" _so "${_so}")
string(REGEX REPLACE ".*\"(.*)\".*" "\\1" ArrowWheel_VERSION "${_version}")
foreach(_part arrow parquet compute acero dataset)
  set(_file "libarrow_${_part}.so.${_so}")
  if(_part MATCHES "^(arrow|parquet)$")
    set(_file "lib${_part}.so.${_so}")
  endif()
  if(NOT EXISTS "${ArrowWheel_LIBRARY_DIR}/${_file}")
    message(FATAL_ERROR "${ArrowWheel_LIBRARY_DIR} lacks ${_file}: run tools/setup.sh")
  endif()
  if(NOT TARGET ArrowWheel::${_part})
    add_library(ArrowWheel::${_part} SHARED IMPORTED)
    set_target_properties(ArrowWheel::${_part} PROPERTIES
        IMPORTED_LOCATION "${ArrowWheel_LIBRARY_DIR}/${_file}"
        IMPORTED_SONAME "${_file}"
        INTERFACE_INCLUDE_DIRECTORIES "${ArrowWheel_INCLUDE_DIR}"
        INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${ArrowWheel_INCLUDE_DIR}")
  endif()
endforeach()
set_property(TARGET ArrowWheel::compute PROPERTY INTERFACE_LINK_LIBRARIES ArrowWheel::arrow)
set_property(TARGET ArrowWheel::parquet PROPERTY INTERFACE_LINK_LIBRARIES ArrowWheel::arrow)
set_property(TARGET ArrowWheel::acero PROPERTY INTERFACE_LINK_LIBRARIES ArrowWheel::compute ArrowWheel::arrow)
set_property(TARGET ArrowWheel::dataset PROPERTY INTERFACE_LINK_LIBRARIES
             ArrowWheel::acero ArrowWheel::parquet ArrowWheel::compute ArrowWheel::arrow)
