// SPDX-License-Identifier: Apache-2.0
#include "table/netcdf_library.h"

#include <dlfcn.h>

#include <array>
#include <string>

namespace plimsoll {
namespace {

template <class F>
bool find(void* handle, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(handle, name));
  return function != nullptr;
}

struct Opened {
  NetcdfLibrary library;
  bool ok = false;
  std::string why;
};

bool find_all(void* handle, NetcdfLibrary& n) {
  return find(handle, "nc_open", n.open) && find(handle, "nc_open_mem", n.open_mem) && find(handle, "nc_close", n.close) &&
         find(handle, "nc_strerror", n.strerror) && find(handle, "nc_inq", n.inq) && find(handle, "nc_inq_dim", n.inq_dim) &&
         find(handle, "nc_inq_var", n.inq_var) && find(handle, "nc_inq_att", n.inq_att) && find(handle, "nc_get_att_text", n.get_att_text) &&
         find(handle, "nc_get_att_double", n.get_att_double) && find(handle, "nc_get_vara_double", n.get_vara_double) &&
         find(handle, "nc_get_var_string", n.get_var_string) && find(handle, "nc_free_string", n.free_string);
}

// Never closed: HDF5 registers work for the end of the process.
Opened open_library() {
  Opened opened;
  for (const char* name : std::array<const char*, 4>{"libnetcdf.so.19", "libnetcdf.so.22", "libnetcdf.so.18", "libnetcdf.so"}) {
    void* handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (handle == nullptr) {
      const char* why = dlerror();
      if (opened.why.empty() && why != nullptr) opened.why = why;
      continue;
    }
    if (find_all(handle, opened.library)) {
      opened.ok = true;
      return opened;
    }
    opened.why = std::string(name) + " lacks functions of netCDF-C 4.7";
    dlclose(handle);
  }
  return opened;
}

}  // namespace

Result<const NetcdfLibrary*> netcdf() {
  static const Opened opened = open_library();
  if (!opened.ok)
    return Error(ErrorCode::missing_plugin, "the library of netCDF can't be opened: " + opened.why, "Install it (apt-get install libnetcdf19), or write the forecasts as Parquet or CSV.");
  return &opened.library;
}

std::mutex& netcdf_lock() {
  static std::mutex lock;
  return lock;
}

}  // namespace plimsoll
