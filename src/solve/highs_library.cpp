// SPDX-License-Identifier: Apache-2.0
#include "solve/highs_library.h"

#include <array>

#include "base/shared_library.h"

#ifndef PLIMSOLL_HIGHS_LIBRARY
#define PLIMSOLL_HIGHS_LIBRARY "libhighs.so"
#endif
#ifndef PLIMSOLL_HIGHS_SYSTEM_LIBRARY
#define PLIMSOLL_HIGHS_SYSTEM_LIBRARY "libhighs.so.1"
#endif

namespace plimsoll::solve {
namespace {

bool find_functions(void* handle, HighsLibrary& h) {
  return find_function(handle, "Highs_create", h.create) && find_function(handle, "Highs_destroy", h.destroy) &&
         find_function(handle, "Highs_version", h.version) && find_function(handle, "Highs_getSizeofHighsInt", h.size_of_int) &&
         find_function(handle, "Highs_run", h.run) && find_function(handle, "Highs_passMip", h.pass) &&
         find_function(handle, "Highs_setBoolOptionValue", h.set_flag) && find_function(handle, "Highs_setIntOptionValue", h.set_integer) &&
         find_function(handle, "Highs_setDoubleOptionValue", h.set_number) &&
         find_function(handle, "Highs_setStringOptionValue", h.set_text) && find_function(handle, "Highs_setSolution", h.set_solution) &&
         find_function(handle, "Highs_setCallback", h.set_callback) && find_function(handle, "Highs_startCallback", h.start_callback) &&
         find_function(handle, "Highs_getModelStatus", h.model_status) && find_function(handle, "Highs_getSolution", h.solution) &&
         find_function(handle, "Highs_getIntInfoValue", h.integer_info) && find_function(handle, "Highs_getInt64InfoValue", h.long_info) &&
         find_function(handle, "Highs_getDoubleInfoValue", h.number_info);
}

// A build with 64-bit indices, or an elder one whose callback data lie otherwise, would read our arrays wrongly.
std::string misfit(const HighsLibrary& library) {
  void* solver = library.create();
  const HighsInt size = library.size_of_int(solver);
  library.destroy(solver);
  if (size != static_cast<HighsInt>(sizeof(HighsInt))) return "its integers are of another size";
  const std::string version = library.version();
  const auto dot = version.find('.');
  const int major = std::atoi(version.c_str());
  const int minor = dot == std::string::npos ? 0 : std::atoi(version.c_str() + dot + 1);
  if (major != 1 || minor < 12) return "it is HiGHS " + version + ", and 1.12 or a later 1.x is needed";
  return "";
}

OpenedLibrary<HighsLibrary> open_fitting(std::span<const char* const> names) {
  OpenedLibrary<HighsLibrary> opened;
  opened.why = open_first_library(names, [&](void* handle) {
    return find_functions(handle, opened.functions) ? misfit(opened.functions) : std::string("it lacks functions of HiGHS 1.15");
  });
  return opened;
}

}  // namespace

Result<const HighsLibrary*> highs() {
  static constexpr std::array<const char*, 3> names = {"libplimsoll-highs.so", PLIMSOLL_HIGHS_LIBRARY, PLIMSOLL_HIGHS_SYSTEM_LIBRARY};
  static const OpenedLibrary<HighsLibrary> opened = open_fitting(names);
  if (!opened.ok()) {
    return Error(ErrorCode::missing_plugin, "the library of HiGHS can't be opened: " + opened.why,
                 "Install it (pip install highsbox) where the program finds libhighs.so.");
  }
  return &opened.functions;
}

}  // namespace plimsoll::solve
