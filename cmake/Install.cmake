# SPDX-License-Identifier: Apache-2.0
# cmake --install: program, library, headers, the config package, and beside them
# the Arrow, XGBoost and HiGHS libraries they were built with (their licences too).
include(CMakePackageConfigHelpers)
set(_private "${CMAKE_INSTALL_LIBDIR}/plimsoll")

if(TARGET plimsoll_program)
  install(TARGETS plimsoll_program RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT program)
endif()
install(IMPORTED_RUNTIME_ARTIFACTS ArrowWheel::arrow ArrowWheel::parquet ArrowWheel::compute ArrowWheel::acero
        ArrowWheel::dataset LIBRARY DESTINATION "${_private}" COMPONENT runtime)
# libxgboost.so looks for its OpenMP runtime two folders up: the layout is kept.
install(FILES "${XGBoostWheel_LIBRARY}" DESTINATION "${_private}/xgboost/lib" COMPONENT runtime)
install(FILES "${HighsWheel_LIBRARY}" DESTINATION "${_private}" COMPONENT runtime)
if(HighsWheel_LICENCE)
  install(FILES "${HighsWheel_LICENCE}" DESTINATION "${CMAKE_INSTALL_DOCDIR}/highs" COMPONENT runtime)
endif()
install(FILES ${XGBoostWheel_RUNTIME} DESTINATION "${_private}/xgboost_cpu.libs" COMPONENT runtime)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT runtime)
cmake_path(GET ArrowWheel_LIBRARY_DIR PARENT_PATH _site)
file(GLOB _arrow_notices "${_site}/pyarrow-*.dist-info/licenses/*.txt" "${_site}/pyarrow-*.dist-info/*.txt")
list(FILTER _arrow_notices INCLUDE REGEX "(LICENSE|NOTICE)")
if(_arrow_notices)
  install(FILES ${_arrow_notices} DESTINATION "${CMAKE_INSTALL_DOCDIR}/arrow" COMPONENT runtime)
endif()

if(TARGET plimsoll_shared)
  install(TARGETS plimsoll_shared EXPORT plimsollTargets
          LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime NAMELINK_COMPONENT development)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/plimsoll" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
          COMPONENT development FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
  install(EXPORT plimsollTargets NAMESPACE plimsoll:: DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/plimsoll"
          COMPONENT development)
  write_basic_package_version_file("${PROJECT_BINARY_DIR}/plimsollConfigVersion.cmake"
      VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
  file(WRITE "${PROJECT_BINARY_DIR}/plimsollConfig.cmake"
       "# Everything beside libplimsoll.so is private to it: nothing to find.\ninclude(\"\${CMAKE_CURRENT_LIST_DIR}/plimsollTargets.cmake\")\n")
  install(FILES "${PROJECT_BINARY_DIR}/plimsollConfig.cmake" "${PROJECT_BINARY_DIR}/plimsollConfigVersion.cmake"
          DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/plimsoll" COMPONENT development)
endif()
if(PROJECT_IS_TOP_LEVEL)
  include(Packaging)
endif()
