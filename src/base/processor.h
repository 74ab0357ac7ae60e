// SPDX-License-Identifier: Apache-2.0
#pragma once

// Some inner loops are compiled more than once: for any processor, and for those with wider vectors. A loop's forms give the
// same bytes; tests run all that the machine has. Chosen by a question at run time, not by an ifunc: those are resolved before
// a sanitizer is ready.

#if defined(__x86_64__)
#define PLIMSOLL_AVX2 __attribute__((target("avx2,popcnt,bmi,bmi2")))
#define PLIMSOLL_AVX512 __attribute__((target("avx2,popcnt,bmi,bmi2,avx512f,avx512dq,avx512bw,avx512vl")))
#endif

namespace plimsoll {

// Whether this processor runs what PLIMSOLL_AVX2 marks.
inline bool has_avx2() {
#if defined(__x86_64__)
  static const bool found = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("popcnt") != 0 && __builtin_cpu_supports("bmi") != 0 &&
                            __builtin_cpu_supports("bmi2") != 0;
  return found;
#else
  return false;
#endif
}

// Whether this processor runs what PLIMSOLL_AVX512 marks.
inline bool has_avx512() {
#if defined(__x86_64__)
  static const bool found = has_avx2() && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
                            __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  return found;
#else
  return false;
#endif
}

}  // namespace plimsoll
