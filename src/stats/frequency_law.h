// SPDX-License-Identifier: Apache-2.0
#pragma once

// How many events a year: laws of a count with their probability generating functions, so that a compound sum can be had by
// transforms. Thinning (a control that stops a share of the events) stays within each family.

#include <complex>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll::stats {

enum class CountKind : std::uint8_t { fixed, poisson, negative_binomial, binomial };
std::span<const std::string_view> choices_of(CountKind);

struct FrequencyLaw {
  CountKind kind = CountKind::poisson;
  double a = 0;  // fixed: the count; poisson: the rate; negative_binomial: r; binomial: n
  double b = 0;  // negative_binomial: p, failures before the r-th success; binomial: p
  double kept = 1;  // each event happens with this chance on its own: thinning

  double mean() const;
  double variance() const;
  std::complex<double> pgf(std::complex<double> z) const;
  double pgf(double z) const;
  // P(N <= 0), P(N <= 1), ...: until what is left is below `tail`, at most 2^20 entries.
  std::vector<double> cumulative(double tail = 1e-15) const;
  // The same law as (a, b, 0) of Panjer's class: p_k = (a + b / k) p_{k-1}. False for a fixed count of several events.
  struct Panjer {
    double a = 0, b = 0, p0 = 1;
  };
  bool panjer(Panjer& out) const;
};
// `bad_parameter` saying which of the numbers is wrong.
Result<void> check(const FrequencyLaw& law);

// A yearly rate that is itself uncertain, Gamma(shape, rate): events of a year are then negative binomial.
FrequencyLaw gamma_mixed(double shape, double exposure);
// `events` seen in `years`: the gamma posterior of Jeffreys' prior, shape events + 1/2.
FrequencyLaw rate_from_counts(double events, double years);
// An expert's central interval of level `level` for the rate, 0 < low < high: the gamma law with these quantiles.
Result<FrequencyLaw> rate_from_interval(double low, double high, double level);

}  // namespace plimsoll::stats
