// SPDX-License-Identifier: Apache-2.0
#include "table/eccodes_library.h"

#include <array>
#include <string>

#include "base/shared_library.h"

namespace plimsoll {
namespace {

bool find_all(void* handle, EccodesLibrary& e) {
  return find_function(handle, "codes_context_get_default", e.context) && find_function(handle, "codes_context_set_logging_proc", e.set_log) &&
         find_function(handle, "codes_handle_new_from_file", e.next) && find_function(handle, "codes_handle_delete", e.release) &&
         find_function(handle, "codes_get_error_message", e.error_message) && find_function(handle, "codes_get_size", e.get_size) &&
         find_function(handle, "codes_get_long", e.get_long) && find_function(handle, "codes_get_string", e.get_string) &&
         find_function(handle, "codes_get_double_array", e.get_doubles) && find_function(handle, "codes_set_double", e.set_double);
}

void swallow(const EccodesLibrary::Context*, int, const char*) {}

bool find_silent(void* handle, EccodesLibrary& e) {
  if (!find_all(handle, e)) return false;
  e.set_log(e.context(), &swallow);
  return true;
}

}  // namespace

Result<const EccodesLibrary*> eccodes() {
  static constexpr std::array<const char*, 2> names = {"libeccodes.so.0", "libeccodes.so"};
  static const OpenedLibrary<EccodesLibrary> opened = open_library(names, &find_silent, "ecCodes 2");
  if (!opened.ok())
    return Error(ErrorCode::missing_plugin, "the library of ecCodes can't be opened: " + opened.why, "Install it (apt-get install libeccodes0), or write the forecasts as netCDF, Parquet or CSV.");
  return &opened.functions;
}

std::mutex& eccodes_lock() {
  static std::mutex lock;
  return lock;
}

}  // namespace plimsoll
