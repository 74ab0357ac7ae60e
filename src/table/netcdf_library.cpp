// SPDX-License-Identifier: Apache-2.0
#include "table/netcdf_library.h"

#include <array>
#include <string>

#include "base/shared_library.h"

namespace plimsoll {
namespace {

bool find_all(void* handle, NetcdfLibrary& n) {
  return find_function(handle, "nc_open", n.open) && find_function(handle, "nc_open_mem", n.open_mem) && find_function(handle, "nc_close", n.close) &&
         find_function(handle, "nc_strerror", n.strerror) && find_function(handle, "nc_inq", n.inq) && find_function(handle, "nc_inq_dim", n.inq_dim) &&
         find_function(handle, "nc_inq_var", n.inq_var) && find_function(handle, "nc_inq_att", n.inq_att) && find_function(handle, "nc_get_att_text", n.get_att_text) &&
         find_function(handle, "nc_get_att_double", n.get_att_double) && find_function(handle, "nc_get_vara_double", n.get_vara_double) &&
         find_function(handle, "nc_get_var_string", n.get_var_string) && find_function(handle, "nc_free_string", n.free_string);
}

}  // namespace

Result<const NetcdfLibrary*> netcdf() {
  static constexpr std::array<const char*, 4> names = {"libnetcdf.so.19", "libnetcdf.so.22", "libnetcdf.so.18", "libnetcdf.so"};
  static const OpenedLibrary<NetcdfLibrary> opened = open_library(names, &find_all, "netCDF-C 4.7");
  if (!opened.ok())
    return Error(ErrorCode::missing_plugin, "the library of netCDF can't be opened: " + opened.why, "Install it (apt-get install libnetcdf19), or write the forecasts as Parquet or CSV.");
  return &opened.functions;
}

std::mutex& netcdf_lock() {
  static std::mutex lock;
  return lock;
}

}  // namespace plimsoll
