// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace plimsoll {

// Sum of doubles without rounding: signed 128-bit counters of mantissas, one for each 32 binary exponents, rounded once
// when read. Adding and merging are exact, so the result is a function of the multiset of terms (class A of Law 1).
// 64 such counters (1 kB) hold 2^42 terms before carries must be moved up, which happens by itself.
// NaN and infinities are counted apart and give NaN or infinity as IEEE addition would in any order.
class ExactSum {
 public:
  void add(double x);
  void add(std::span<const double> xs);
  void add_product(double a, double b);  // exact a*b by an fma pair; below 2^-969 rounded to a multiple of 2^-1074
  void merge(const ExactSum& other);
  double value() const;  // correctly rounded to nearest, ties to even
  bool operator==(const ExactSum&) const;

  // Plain bytes for states and artifacts: occupied exponents only.
  std::string to_bytes() const;
  static Result<ExactSum> from_bytes(std::string_view bytes);

 private:
  __extension__ typedef __int128 Counter;
  static constexpr int lanes = 64;           // lane l counts units of 2^(32 l - 1074)
  static constexpr int carried = lanes + 1;  // the last one only receives carries

  void add_finite(std::uint64_t bits);
  void add_special(std::uint64_t bits);
  void make_room(std::uint64_t terms);  // carries when `terms` more could overflow a counter
  void carry();

  std::array<Counter, carried> lane_{};
  std::uint64_t since_carry_ = 0;  // terms since the last carry
  std::uint64_t nans_ = 0;
  std::uint64_t plus_infinities_ = 0;
  std::uint64_t minus_infinities_ = 0;
  bool any_ = false;                // any term at all
  bool beyond_minus_zero_ = false;  // any term but -0.0
};

}  // namespace plimsoll
