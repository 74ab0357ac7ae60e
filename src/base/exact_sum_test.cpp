// SPDX-License-Identifier: Apache-2.0
// Reference: a plain big integer of 2200 bits in units of 2^-1074, added bit by bit with schoolbook carries and rounded
// from its bits, written apart from the lanes of the implementation.
#include "base/exact_sum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/philox.h"

namespace plimsoll {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

class BigReference {
 public:
  void add(double x) {
    int exponent = 0;
    const double fraction = std::frexp(std::fabs(x), &exponent);
    auto mantissa = static_cast<std::uint64_t>(std::ldexp(fraction, 53));
    int at = exponent - 53 + 1074;
    while (at < 0) {
      mantissa >>= 1;
      ++at;
    }
    std::vector<int>& side = std::signbit(x) ? negative_ : positive_;
    for (; mantissa != 0; mantissa >>= 1, ++at)
      if (mantissa & 1u) add_bit(side, static_cast<std::size_t>(at));
  }
  double value() const {
    const bool minus = std::lexicographical_compare(positive_.rbegin(), positive_.rend(), negative_.rbegin(), negative_.rend());
    std::vector<int> bits = minus ? negative_ : positive_;
    const std::vector<int>& less = minus ? positive_ : negative_;
    int borrow = 0;
    for (std::size_t i = 0; i < bits.size(); ++i) {
      int digit = bits[i] - less[i] - borrow;
      borrow = digit < 0 ? 1 : 0;
      bits[i] = digit + 2 * borrow;
    }
    int top = static_cast<int>(bits.size()) - 1;
    while (top >= 0 && bits[static_cast<std::size_t>(top)] == 0) --top;
    if (top < 0) return 0;
    const int low = std::max(0, top - 52);
    double result = 0;
    for (int i = top; i >= low; --i) result = 2 * result + bits[static_cast<std::size_t>(i)];
    if (low > 0 && bits[static_cast<std::size_t>(low - 1)] == 1) {
      const bool beyond = std::any_of(bits.begin(), bits.begin() + low - 1, [](int b) { return b == 1; });
      if (beyond || bits[static_cast<std::size_t>(low)] == 1) result += 1;
    }
    result = std::ldexp(result, low - 1074);
    return minus ? -result : result;
  }

 private:
  static void add_bit(std::vector<int>& bits, std::size_t at) {
    for (; bits[at] == 1; ++at) bits[at] = 0;
    bits[at] = 1;
  }
  std::vector<int> positive_ = std::vector<int>(2200);
  std::vector<int> negative_ = std::vector<int>(2200);
};

double sum_of(const std::vector<double>& xs) {
  ExactSum sum;
  for (const double x : xs) sum.add(x);
  return sum.value();
}

TEST(ExactSum, HandWorked) {
  EXPECT_EQ(sum_of({}), 0.0);
  EXPECT_EQ(sum_of({1e308, 1e308, -1e308, -1e308, 1}), 1.0);
  EXPECT_EQ(sum_of({1, 1e100, 1, -1e100}), 2.0);
  EXPECT_EQ(sum_of({0.1, 0.2, -0.3}), 0x1p-55);             // the doubles differ from the decimals by 8, 16 and -16 / 1.6e-17
  EXPECT_EQ(sum_of({1, 0x1p-53}), 1.0);                     // a tie goes to even
  EXPECT_EQ(sum_of({1 + 0x1p-52, 0x1p-53}), 1 + 0x1p-51);   // up to even
  EXPECT_EQ(sum_of({1, 0x1p-53, 0x1p-1074}), 1 + 0x1p-52);  // just above the tie
  EXPECT_EQ(sum_of({1, 0x1p-53, -0x1p-1074}), 1.0);
  EXPECT_EQ(sum_of({-1, -0x1p-53, -0x1p-1074}), -1 - 0x1p-52);
  EXPECT_EQ(sum_of({5e-324, 5e-324}), 1e-323);
  EXPECT_EQ(sum_of({0x1p-1022, -5e-324}), 0x1p-1022 - 5e-324);
  EXPECT_EQ(sum_of({1.7976931348623157e308, 1.7976931348623157e308}), infinity);
  EXPECT_EQ(sum_of({1.7976931348623157e308, 0x1p970}), infinity);  // half a unit more rounds up
  EXPECT_EQ(sum_of({1.7976931348623157e308, 0x1p969}), 1.7976931348623157e308);
}

TEST(ExactSum, SignedZeros) {
  EXPECT_FALSE(std::signbit(sum_of({})));
  EXPECT_TRUE(std::signbit(sum_of({-0.0, -0.0})));
  EXPECT_FALSE(std::signbit(sum_of({-0.0, 0.0})));
  EXPECT_FALSE(std::signbit(sum_of({1.0, -1.0})));
  ExactSum many;
  many.add(std::vector<double>(1000, -0.0));
  EXPECT_TRUE(std::signbit(many.value()));
}

TEST(ExactSum, Specials) {
  EXPECT_EQ(sum_of({1, infinity}), infinity);
  EXPECT_EQ(sum_of({-infinity, 1, -infinity}), -infinity);
  EXPECT_TRUE(std::isnan(sum_of({infinity, 1, -infinity})));
  EXPECT_TRUE(std::isnan(sum_of({std::nan(""), 1})));
  std::vector<double> many(1000, 1.0);
  many[777] = infinity;
  ExactSum sum;
  sum.add(many);
  EXPECT_EQ(sum.value(), infinity);
}

std::vector<double> draw(Stream& rng, std::size_t n, int kind) {
  std::vector<double> xs(n);
  for (double& x : xs) {
    if (kind == 0) {  // any finite bits
      std::uint64_t bits = rng.next_u64();
      while (((bits >> 52) & 0x7FFu) == 0x7FFu) bits = rng.next_u64();
      x = std::bit_cast<double>(bits);
    } else if (kind == 1) {  // near neighbours that cancel
      x = std::ldexp(rng.uniform() - 0.5, static_cast<int>(rng.below(40)) - 20);
    } else {  // around the least normal number
      x = std::ldexp(rng.uniform() - 0.5, -1050 - static_cast<int>(rng.below(25)));
    }
  }
  return xs;
}

TEST(ExactSum, EqualsBigIntegerReference) {
  Stream rng(1);
  for (int trial = 0; trial < 600; ++trial) {
    const std::vector<double> xs = draw(rng, 1 + rng.below(60), trial % 3);
    BigReference reference;
    for (const double x : xs) reference.add(x);
    ASSERT_EQ(sum_of(xs), reference.value()) << "trial " << trial;
  }
}

TEST(ExactSum, LongSpansEqualSingleTerms) {
  Stream rng(7);
  for (int trial = 0; trial < 60; ++trial) {
    std::vector<double> xs = draw(rng, 1024 + rng.below(6000), trial % 3);
    if (trial % 5 == 0) xs[rng.below(xs.size())] = infinity;
    if (trial % 7 == 0) std::fill(xs.begin(), xs.end(), trial % 2 == 0 ? 1.7976931348623157e308 : -0.0);
    if (trial % 11 == 0) xs[rng.below(xs.size())] = std::nan("");
    ExactSum singly, whole;
    for (const double x : xs) singly.add(x);
    whole.add(xs);
    ASSERT_EQ(whole, singly) << trial;
    ASSERT_EQ(whole.to_bytes(), singly.to_bytes()) << trial;
  }
}

TEST(ExactSum, AnyOrderCutAndMergeGiveTheSameBytes) {
  Stream rng(2);
  for (int trial = 0; trial < 60; ++trial) {
    std::vector<double> xs = draw(rng, 2000, trial % 3);
    ExactSum whole;
    whole.add(xs);
    rng.shuffle(std::span<double>(xs));
    std::vector<ExactSum> parts(1 + rng.below(7));
    for (std::size_t i = 0; i < xs.size();) {
      const std::size_t length = std::min<std::size_t>(xs.size() - i, 1 + rng.below(600));
      parts[rng.below(parts.size())].add(std::span<const double>(xs).subspan(i, length));
      i += length;
    }
    rng.shuffle(std::span<ExactSum>(parts));
    ExactSum merged;
    for (const ExactSum& part : parts) {
      auto copy = ExactSum::from_bytes(part.to_bytes());
      ASSERT_TRUE(copy.ok());
      merged.merge(*copy);
    }
    ASSERT_EQ(merged, whole);
    ASSERT_EQ(merged.to_bytes(), whole.to_bytes());
    ASSERT_EQ(std::bit_cast<std::uint64_t>(merged.value()), std::bit_cast<std::uint64_t>(whole.value()));
  }
}

TEST(ExactSum, RepeatedDoublingNeverOverflows) {
  ExactSum sum;
  sum.add(1.7976931348623157e308);
  sum.add(1.0);
  for (int i = 0; i < 60; ++i) sum.merge(ExactSum(sum));  // as if 2^60 terms
  EXPECT_EQ(sum.value(), infinity);
  ExactSum minus;
  minus.add(-1.7976931348623157e308);
  for (int i = 0; i < 60; ++i) minus.merge(ExactSum(minus));
  sum.merge(minus);
  EXPECT_EQ(sum.value(), 0x1p60);
}

TEST(ExactSum, ProductsAreExact) {
  Stream rng(3);
  for (int trial = 0; trial < 200; ++trial) {
    ExactSum sum;
    __float128 reference = 0;
    for (int i = 0; i < 20; ++i) {
      const double a = std::ldexp(std::floor(rng.uniform() * 0x1p20), -10);
      const double b = std::ldexp(std::floor(rng.uniform() * 0x1p40), -30) - 500;
      sum.add_product(a, b);
      reference += static_cast<__float128>(a) * static_cast<__float128>(b);  // 20 + 40 bits and 20 terms: exact in 113
    }
    ASSERT_EQ(sum.value(), static_cast<double>(reference));
  }
  ExactSum cancel;
  cancel.add_product(1 + 0x1p-30, 1 + 0x1p-30);
  cancel.add(-1);
  cancel.add(-0x1p-29);
  EXPECT_EQ(cancel.value(), 0x1p-60);
  ExactSum large;
  large.add_product(1e300, 1e300);
  EXPECT_EQ(large.value(), infinity);
}

TEST(ExactSum, RejectsImpossibleBytes) {
  ExactSum sum;
  sum.add(3.5);
  const std::string good = sum.to_bytes();
  EXPECT_TRUE(ExactSum::from_bytes(good).ok());
  EXPECT_FALSE(ExactSum::from_bytes("").ok());
  EXPECT_FALSE(ExactSum::from_bytes(good.substr(1)).ok());
  EXPECT_FALSE(ExactSum::from_bytes(good + good.substr(32)).ok());  // a lane twice
  std::string lane = good;
  lane[32] = 100;
  EXPECT_FALSE(ExactSum::from_bytes(lane).ok());
  std::string wide = good;
  wide[32 + 16] = 1;
  EXPECT_FALSE(ExactSum::from_bytes(wide).ok());
  std::string flags = good;
  flags[0] = 9;
  EXPECT_FALSE(ExactSum::from_bytes(flags).ok());
}

}  // namespace
}  // namespace plimsoll
