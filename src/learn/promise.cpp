// SPDX-License-Identifier: Apache-2.0
#include "learn/promise.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/fields.h"
#include "stats/distributions.h"
#include "stats/order_statistics.h"

namespace plimsoll::learn {

void describe(Fields& f, Rank& rank) {
  f({"n", "conformal rows", at_least(0)}, rank.n);
  f({"k", "rank among them", at_least(0)}, rank.k);
  f({"threshold", "largest score that stays in the set", any_real()}, rank.threshold);
}

Result<Rank> rank_of(std::vector<double> scores, double alpha) {
  PLIMSOLL_TRY(const stats::ConformalRank found, stats::conformal_rank(std::ssize(scores), alpha));
  Rank rank{found.n, found.k, std::numeric_limits<double>::infinity()};
  if (found.infinite)
    rank.k = found.n + 1;
  else
    rank.threshold = stats::kth_smallest(scores, found.k);
  return rank;
}

std::int64_t rows_needed(double alpha) {
  const auto rank = stats::conformal_rank(0, alpha);
  return rank ? rank.value().needed_n : 1;
}

void describe(Fields& f, Coverage& c) {
  f({"name", "which rows"}, c.name);
  f({"tested", "rows tested", at_least(0)}, c.tested);
  f({"covered", "of these, with the truth in the answer", at_least(0)}, c.covered);
  f({"band_low", "lower edge of the share that the promise allows", within(0, 1)}, c.band_low);
  f({"band_high", "upper edge", within(0, 1)}, c.band_high);
  f({"mean_size", "mean number of classes in a set, or mean width", at_least(0)}, c.mean_size);
}

Result<Coverage> coverage_of(std::string name, std::int64_t covered, std::int64_t tested, std::int64_t k, std::int64_t n) {
  Coverage c;
  c.name = std::move(name);
  c.tested = tested;
  c.covered = covered;
  if (tested == 0 || n == 0 || k < 1 || k > n) return c;
  PLIMSOLL_TRY(const stats::BetaBinomial law, stats::BetaBinomial::make(tested, static_cast<double>(k), static_cast<double>(n + 1 - k)));
  const stats::CountInterval band = law.central(0.001);
  c.band_low = static_cast<double>(band.lo) / static_cast<double>(tested);
  c.band_high = static_cast<double>(band.hi) / static_cast<double>(tested);
  return c;
}

void describe(Fields& f, Importance& importance) {
  f({"name", "feature"}, importance.name);
  f({"share", "share of the whole", within(0, 1)}, importance.share);
}

void describe(Fields& f, Remark& remark) {
  f({"severity", "0 note, 1 warning, 2 alarm", within(0, 2)}, remark.severity);
  f({"subject", "what it is about"}, remark.subject);
  f({"text", "what was seen"}, remark.text);
  f({"mend", "what to do"}, remark.mend);
}

std::vector<Importance> importance_of(const std::vector<std::string>& names, const std::vector<double>& weight) {
  double total = 0;
  for (const double x : weight) total += x;
  std::vector<Importance> out;
  for (std::size_t i = 0; i < names.size(); ++i) out.push_back({names[i], total > 0 ? weight[i] / total : 0});
  std::stable_sort(out.begin(), out.end(), [](const Importance& a, const Importance& b) { return a.share > b.share; });
  return out;
}

}  // namespace plimsoll::learn
