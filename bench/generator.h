// SPDX-License-Identifier: Apache-2.0
#pragma once

// A counter generator that any language reproduces (SplitMix64's finaliser), so that ours and the peers see the same numbers,
// and what a benchmark reads of its own process.

#include <sys/resource.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numbers>

namespace plimsoll::bench {

inline std::uint64_t mix(std::uint64_t z) {
  z ^= z >> 30;
  z *= 0xBF58476D1CE4E5B9ULL;
  z ^= z >> 27;
  z *= 0x94D049BB133111EBULL;
  z ^= z >> 31;
  return z;
}

// Stream s: uniform(mix(s), i) in [0, 1); normal by Box-Muller from indices 2i and 2i + 1.
inline double uniform(std::uint64_t key, std::uint64_t i) { return static_cast<double>(mix(key + (i + 1) * 0x9E3779B97F4A7C15ULL) >> 11) * 0x1p-53; }
inline double normal(std::uint64_t key, std::uint64_t i) {
  const double u = uniform(key, 2 * i);
  const double v = uniform(key, 2 * i + 1);
  return std::sqrt(-2 * std::log1p(-u)) * std::cos(2 * std::numbers::pi * v);
}

// User and system time of all threads.
inline double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Megabytes of a line of /proc/self/status: "VmRSS:" or "VmHWM:" (the high-water mark).
inline double resident_mb(const char* key) {
  double megabytes = 0;
  if (std::FILE* file = std::fopen("/proc/self/status", "r")) {
    char line[256];
    while (std::fgets(line, sizeof line, file))
      if (std::strncmp(line, key, std::strlen(key)) == 0) megabytes = std::atof(line + std::strlen(key)) / 1024;
    std::fclose(file);
  }
  return megabytes;
}

// Sets the high-water mark back to what is resident now, so that the peak is the measured call's.
inline void reset_peak() {
  if (std::FILE* file = std::fopen("/proc/self/clear_refs", "w")) {
    std::fputs("5", file);
    std::fclose(file);
  }
}

}  // namespace plimsoll::bench
