# SPDX-License-Identifier: Apache-2.0
# XGBoost: the library of the xgboost-cpu wheel, declared by Debian's header.
# Nothing is linked to it: it would cost each start 3 ms of CPU. It is opened on
# first use by the name PLIMSOLL_XGBOOST_LIBRARY, found by the run path of the
# program in the build tree and in an installed one alike; Debian's library is
# the second choice. Gives XGBoostWheel::headers and XGBoostWheel_LIBRARY_DIR.
file(GLOB _site "${PLIMSOLL_PYTHON_ENV}/lib/python3*/site-packages/xgboost")
find_file(XGBoostWheel_LIBRARY libxgboost.so PATHS ${_site} PATH_SUFFIXES lib NO_DEFAULT_PATH)
find_path(XGBoostWheel_INCLUDE_DIR xgboost/c_api.h)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(XGBoostWheel REQUIRED_VARS XGBoostWheel_LIBRARY XGBoostWheel_INCLUDE_DIR
    REASON_FAILURE_MESSAGE "needs xgboost-cpu in ${PLIMSOLL_PYTHON_ENV} and libxgboost-dev: run tools/setup.sh")
if(NOT XGBoostWheel_FOUND)
  return()
endif()
cmake_path(GET XGBoostWheel_LIBRARY PARENT_PATH XGBoostWheel_LIBRARY_DIR)
# The wheel's own OpenMP runtime lies two folders up; an installed copy keeps that layout.
file(GLOB XGBoostWheel_RUNTIME "${XGBoostWheel_LIBRARY_DIR}/../../xgboost_cpu.libs/*.so*")
if(NOT TARGET XGBoostWheel::headers)
  add_library(XGBoostWheel::headers INTERFACE IMPORTED)
  set_target_properties(XGBoostWheel::headers PROPERTIES
      INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${XGBoostWheel_INCLUDE_DIR}"
      INTERFACE_COMPILE_DEFINITIONS
        "PLIMSOLL_XGBOOST_LIBRARY=\"libxgboost.so\";PLIMSOLL_XGBOOST_SYSTEM_LIBRARY=\"libxgboost.so.0\"")
endif()
