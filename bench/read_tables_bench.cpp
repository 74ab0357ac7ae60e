// SPDX-License-Identifier: Apache-2.0
// Reads a file into a Table: CPU seconds and peak memory.   bench_read_tables FILE

#include <cstdio>

#include "bench/generator.h"
#include "table/file_format.h"

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  using namespace plimsoll;
  ReadOptions options;
  options.threads = 2;  // as pyarrow's default on this many cores
  const double base = bench::resident_mb("VmRSS:");
  const double start = bench::cpu_seconds();
  const auto table = read_table(argv[1], options);
  const double end = bench::cpu_seconds();
  if (!table) {
    std::fprintf(stderr, "%s\n", table.error().message().c_str());
    return 1;
  }
  std::printf("{\"read\": %.4f, \"rows\": %lld, \"peak_mb\": %.0f}\n", end - start, static_cast<long long>(table.value().rows()), bench::resident_mb("VmHWM:") - base);
  return 0;
}
