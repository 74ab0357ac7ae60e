// SPDX-License-Identifier: Apache-2.0
// A small superaccumulator (Kulisch 1971; Neal 2015, arXiv 1505.05571): a double is +-m 2^(e - 1075) with m < 2^53 and
// biased exponent e in [1, 2046] (subnormals: e = 1 without the hidden bit). Lane (e - 1) / 32 takes +-m shifted left by
// (e - 1) mod 32: below 2^84, so that 2^42 terms fit a signed 128-bit counter. A carry moves all but the low 32 bits of a
// lane to the next; carried lanes (each in [0, 2^32), the last one signed) are unique for a value.
#include "base/exact_sum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace plimsoll {
namespace {

constexpr std::uint64_t room = std::uint64_t{1} << 42;
constexpr std::uint64_t fraction_mask = (std::uint64_t{1} << 52) - 1;
constexpr std::uint64_t minus_zero = std::uint64_t{1} << 63;

std::uint64_t exponent_of(std::uint64_t bits) { return (bits >> 52) & 0x7FFu; }

void put(std::string& bytes, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xFFu);
}

std::uint64_t get(std::string_view bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return value;
}

}  // namespace

// Branch-free: the sign by xor and subtract, the shift by one 64 x 64 -> 128 bit multiplication.
inline void ExactSum::add_finite(std::uint64_t bits) {
  const std::uint64_t exponent = exponent_of(bits);
  const std::uint64_t hidden = static_cast<std::uint64_t>(exponent != 0) << 52;
  const std::uint64_t place = exponent - static_cast<std::uint64_t>(exponent != 0);
  const std::uint64_t minus = 0 - (bits >> 63);  // all ones for a negative term
  const auto mantissa = static_cast<std::int64_t>((((bits & fraction_mask) | hidden) ^ minus) - minus);
  lane_[place >> 5] += static_cast<Counter>(mantissa) * static_cast<std::int64_t>(std::uint64_t{1} << (place & 31u));
}

void ExactSum::add_special(std::uint64_t bits) {
  if ((bits & fraction_mask) != 0) ++nans_;
  else if (bits >> 63) ++minus_infinities_;
  else ++plus_infinities_;
}

void ExactSum::carry() {
  for (std::size_t i = 0; i < lanes; ++i) {
    const Counter up = lane_[i] >> 32;  // arithmetic: rounds down, leaving [0, 2^32)
    lane_[i] -= up * (Counter{1} << 32);
    lane_[i + 1] += up;
  }
  since_carry_ = 0;
}

void ExactSum::make_room(std::uint64_t terms) {
  if (since_carry_ + terms >= room) carry();
  since_carry_ += terms;
}

void ExactSum::add(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  make_room(1);
  any_ = true;
  beyond_minus_zero_ = beyond_minus_zero_ || bits != minus_zero;
  if (exponent_of(bits) == 0x7FFu) add_special(bits);
  else add_finite(bits);
}

// Long spans go through plain 64-bit sums of mantissas, one for each exponent: 1,023 mantissas of 53 bits fit. Two sets in
// turn, because neighbours often share an exponent and one sum would wait for its own last store.
void ExactSum::add(std::span<const double> xs) {
  if (xs.size() < 1024) {
    for (const double x : xs) add(x);
    return;
  }
  std::array<std::array<std::int64_t, 2048>, 2> sums{};
  constexpr std::size_t chunk = 2 * 1023;
  std::uint64_t beyond = 0;
  for (; !xs.empty(); xs = xs.subspan(std::min(chunk, xs.size()))) {
    const std::span<const double> part = xs.first(std::min(chunk, xs.size()));
    make_room(part.size());
    std::uint64_t lowest = 2047, highest = 0;
    for (std::size_t i = 0; i < part.size(); ++i) {
      const auto bits = std::bit_cast<std::uint64_t>(part[i]);
      const std::uint64_t exponent = exponent_of(bits);
      const std::uint64_t minus = 0 - (bits >> 63);
      const std::uint64_t hidden = static_cast<std::uint64_t>(exponent != 0) << 52;
      sums[i & 1u][exponent] += static_cast<std::int64_t>((((bits & fraction_mask) | hidden) ^ minus) - minus);
      lowest = std::min(lowest, exponent);
      highest = std::max(highest, exponent);
      beyond |= bits ^ minus_zero;
    }
    if (highest == 2047) {
      for (const double x : part)
        if (const auto bits = std::bit_cast<std::uint64_t>(x); exponent_of(bits) == 2047) add_special(bits);
      sums[0][2047] = sums[1][2047] = 0;
    }
    for (std::uint64_t exponent = lowest; exponent <= highest; ++exponent) {
      const Counter mantissas = static_cast<Counter>(sums[0][exponent]) + sums[1][exponent];
      sums[0][exponent] = sums[1][exponent] = 0;
      const std::uint64_t place = exponent - static_cast<std::uint64_t>(exponent != 0);
      if (mantissas != 0) lane_[place >> 5] += mantissas * static_cast<std::int64_t>(std::uint64_t{1} << (place & 31u));
    }
  }
  any_ = true;
  beyond_minus_zero_ = beyond_minus_zero_ || beyond != 0;
}

void ExactSum::add_product(double a, double b) {
  const double high = a * b;
  add(high);
  if (std::isfinite(high)) {
    const double low = std::fma(a, b, -high);
    if (low != 0) add(low);
  }
}

void ExactSum::merge(const ExactSum& other) {
  make_room(other.since_carry_ + 1);  // a carried sum counts as one term: each of its lanes is below 2^84
  for (std::size_t i = 0; i < carried; ++i) lane_[i] += other.lane_[i];
  nans_ += other.nans_;
  plus_infinities_ += other.plus_infinities_;
  minus_infinities_ += other.minus_infinities_;
  any_ = any_ || other.any_;
  beyond_minus_zero_ = beyond_minus_zero_ || other.beyond_minus_zero_;
}

double ExactSum::value() const {
  if (nans_ > 0 || (plus_infinities_ > 0 && minus_infinities_ > 0)) return std::numeric_limits<double>::quiet_NaN();
  if (plus_infinities_ > 0) return std::numeric_limits<double>::infinity();
  if (minus_infinities_ > 0) return -std::numeric_limits<double>::infinity();
  ExactSum sum = *this;
  sum.carry();
  const bool negative = sum.lane_[lanes] < 0;
  if (negative) {
    for (Counter& counter : sum.lane_) counter = -counter;
    sum.carry();
  }
  // 32-bit digits of the magnitude in units of 2^-1074; the last lane holds up to four of them.
  std::array<std::uint32_t, lanes + 4> digit{};
  for (std::size_t i = 0; i < lanes; ++i) digit[i] = static_cast<std::uint32_t>(sum.lane_[i]);
  for (std::size_t i = 0; i < 4; ++i) digit[lanes + i] = static_cast<std::uint32_t>(sum.lane_[lanes] >> (32 * i));
  int top = lanes + 3;
  while (top >= 0 && digit[static_cast<std::size_t>(top)] == 0) --top;
  if (top < 0) return any_ && !beyond_minus_zero_ ? -0.0 : 0.0;
  const auto bit = [&digit](int at) { return (digit[static_cast<std::size_t>(at >> 5)] >> (at & 31)) & 1u; };
  const int highest = 32 * top + 31 - std::countl_zero(digit[static_cast<std::size_t>(top)]);
  const int lowest = highest > 52 ? highest - 52 : 0;
  std::uint64_t mantissa = 0;
  for (int at = highest; at >= lowest; --at) mantissa = (mantissa << 1) | bit(at);
  if (lowest > 0 && bit(lowest - 1)) {
    bool sticky = (mantissa & 1u) != 0;  // a tie goes to even
    for (int at = 0; at < lowest - 1 && !sticky; ++at) sticky = bit(at);
    if (sticky) ++mantissa;
  }
  // 2^53 after rounding is exact in a double too; ldexp gives infinity beyond the range.
  const double magnitude = std::ldexp(static_cast<double>(mantissa), lowest - 1074);
  return negative ? -magnitude : magnitude;
}

bool ExactSum::operator==(const ExactSum& other) const {
  ExactSum a = *this;
  ExactSum b = other;
  a.carry();
  b.carry();
  return a.lane_ == b.lane_ && a.nans_ == b.nans_ && a.plus_infinities_ == b.plus_infinities_ &&
         a.minus_infinities_ == b.minus_infinities_ && a.any_ == b.any_ && a.beyond_minus_zero_ == b.beyond_minus_zero_;
}

// flags, three counts, then (lane, low word, high word) of each lane that is not zero.
std::string ExactSum::to_bytes() const {
  ExactSum sum = *this;
  sum.carry();
  std::string bytes;
  put(bytes, static_cast<std::uint64_t>(any_) | static_cast<std::uint64_t>(beyond_minus_zero_) << 1);
  put(bytes, nans_);
  put(bytes, plus_infinities_);
  put(bytes, minus_infinities_);
  for (std::size_t i = 0; i < carried; ++i) {
    if (sum.lane_[i] == 0) continue;
    put(bytes, i);
    put(bytes, static_cast<std::uint64_t>(sum.lane_[i]));
    put(bytes, static_cast<std::uint64_t>(sum.lane_[i] >> 64));
  }
  return bytes;
}

Result<ExactSum> ExactSum::from_bytes(std::string_view bytes) {
  const auto bad = [] { return Error(ErrorCode::corrupt_file, "an exact sum has impossible bytes", "Write it again"); };
  if (bytes.size() < 32 || (bytes.size() - 32) % 24 != 0) return bad();
  ExactSum sum;
  const std::uint64_t flags = get(bytes, 0);
  if (flags > 3 || flags == 2) return bad();
  sum.any_ = (flags & 1u) != 0;
  sum.beyond_minus_zero_ = (flags & 2u) != 0;
  sum.nans_ = get(bytes, 8);
  sum.plus_infinities_ = get(bytes, 16);
  sum.minus_infinities_ = get(bytes, 24);
  std::uint64_t next = 0;
  for (std::size_t at = 32; at < bytes.size(); at += 24) {
    const std::uint64_t lane = get(bytes, at);
    const std::uint64_t low = get(bytes, at + 8);
    const std::uint64_t high = get(bytes, at + 16);
    if (lane < next || lane >= carried) return bad();
    if (lane < lanes && (high != 0 || low >> 32 != 0)) return bad();
    // The last lane stays small: 2^64 terms of the largest double carry less than 2^90 into it.
    const auto signed_high = static_cast<std::int64_t>(high);
    if (lane == lanes && (signed_high >= (std::int64_t{1} << 27) || signed_high < -(std::int64_t{1} << 27))) return bad();
    sum.lane_[lane] = static_cast<Counter>(signed_high) * (Counter{1} << 64) + static_cast<Counter>(low);
    next = lane + 1;
  }
  if ((next > 0 || sum.nans_ > 0 || sum.plus_infinities_ > 0 || sum.minus_infinities_ > 0) && flags != 3) return bad();
  return sum;
}

}  // namespace plimsoll
