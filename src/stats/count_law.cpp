// SPDX-License-Identifier: Apache-2.0
#include "stats/count_law.h"

namespace plimsoll::stats {
namespace {
constexpr double negligible = 1e-40;
}

Result<CountLaw> CountLaw::covered(std::int64_t n, std::int64_t rank, std::int64_t rows) {
  PLIMSOLL_TRY(const BetaBinomial one, BetaBinomial::make(rows, static_cast<double>(rank), static_cast<double>(n + 1 - rank)));
  CountLaw law;
  law.mass.clear();
  for (std::int64_t x = 0; x <= rows; ++x) law.mass.push_back(one.pmf(x));
  return law;
}

CountLaw CountLaw::plus(const CountLaw& other) const {
  std::vector<double> sum(mass.size() + other.mass.size() - 1, 0.0);
  for (std::size_t i = 0; i < mass.size(); ++i)
    for (std::size_t j = 0; j < other.mass.size(); ++j) sum[i + j] += mass[i] * other.mass[j];
  std::size_t begin = 0;
  std::size_t end = sum.size();
  while (begin + 1 < end && sum[begin] < negligible) ++begin;
  while (end > begin + 1 && sum[end - 1] < negligible) --end;
  CountLaw law;
  law.first = first + other.first + static_cast<std::int64_t>(begin);
  law.mass.assign(sum.begin() + static_cast<std::ptrdiff_t>(begin), sum.begin() + static_cast<std::ptrdiff_t>(end));
  return law;
}

CountLaw CountLaw::times(std::int64_t count) const {
  CountLaw sum;
  CountLaw power = *this;
  for (; count > 0; count /= 2) {
    if (count % 2 == 1) sum = sum.plus(power);
    if (count > 1) power = power.plus(power);
  }
  return sum;
}

double CountLaw::within(std::int64_t lo, std::int64_t hi) const {
  double sum = 0;
  for (std::size_t i = 0; i < mass.size(); ++i) {
    const std::int64_t x = first + static_cast<std::int64_t>(i);
    if (x >= lo && x <= hi) sum += mass[i];
  }
  return sum;
}

CountInterval CountLaw::band(double tail) const {
  double below = 0;
  std::size_t lo = 0;
  while (lo + 1 < mass.size() && below + mass[lo] <= tail) below += mass[lo++];
  double above = 0;
  std::size_t hi = mass.size() - 1;
  while (hi > 0 && above + mass[hi] <= tail) above += mass[hi--];
  return {first + static_cast<std::int64_t>(lo), first + static_cast<std::int64_t>(hi)};
}

}  // namespace plimsoll::stats
