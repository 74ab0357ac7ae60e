// SPDX-License-Identifier: Apache-2.0
#pragma once

// netCDF-C's interface as a table of function pointers, opened on first use: it brings HDF5 and forty libraries more, which nobody
// who reads CSV should pay for. Its C interface is stable, so it is declared here and no header is needed to build.

#include <cstddef>
#include <mutex>

#include "base/result.h"

namespace plimsoll {

struct NetcdfLibrary {
  static constexpr int no_write = 0;
  static constexpr int max_name = 256;
  static constexpr int max_dims = 1024;
  static constexpr int global = -1;
  static constexpr int type_char = 2;
  static constexpr int type_uint64 = 11;  // the last numeric type; 12 is text, user types follow
  static constexpr int type_string = 12;
  static constexpr int no_memory = -61;

  int (*open)(const char* path, int mode, int* file) = nullptr;
  int (*open_mem)(const char* path, int mode, std::size_t size, void* memory, int* file) = nullptr;
  int (*close)(int file) = nullptr;
  const char* (*strerror)(int code) = nullptr;
  int (*inq)(int file, int* dims, int* vars, int* attributes, int* unlimited) = nullptr;
  int (*inq_dim)(int file, int dim, char* name, std::size_t* length) = nullptr;
  int (*inq_var)(int file, int var, char* name, int* type, int* dims, int* dim_ids, int* attributes) = nullptr;
  int (*inq_att)(int file, int var, const char* name, int* type, std::size_t* length) = nullptr;
  int (*get_att_text)(int file, int var, const char* name, char* text) = nullptr;
  int (*get_att_double)(int file, int var, const char* name, double* values) = nullptr;
  int (*get_vara_double)(int file, int var, const std::size_t* start, const std::size_t* count, double* values) = nullptr;
  int (*get_var_string)(int file, int var, char** values) = nullptr;
  int (*free_string)(std::size_t count, char** values) = nullptr;
};

// Opened once a process; `missing_plugin` where it is not installed.
Result<const NetcdfLibrary*> netcdf();
// Neither netCDF-C nor HDF5 may be called by two threads at once.
std::mutex& netcdf_lock();

}  // namespace plimsoll
