// SPDX-License-Identifier: Apache-2.0
// Each event draws its own severity: the widely copied shortcut of one severity times the count makes all events of a year alike and
// nearly doubles the 99th percentile at sigma = 1. Counts come from a uniform by the inverse distribution function, which couples them
// where risks hang together. The band of a quantile is by ranks: X_(l) <= x_p <= X_(u) with l, u from the binomial law.
#include "stats/compound_draws.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/exact_sum.h"
#include "stats/distributions.h"

namespace plimsoll::stats {
namespace {

constexpr std::array<std::string_view, 4> kinds = {"none", "gaussian", "t", "common_shock"};

struct Prepared {
  const CompoundRisk* risk = nullptr;
  std::vector<double> steps;  // of the count without thinning
  Stream stream;
  std::size_t place = 0;      // among the caller's risks
};

// In the order of their names, so that sums do not depend on the caller's order.
std::vector<Prepared> prepared(std::span<const CompoundRisk> risks, std::span<const std::string> names, const Stream& root) {
  std::vector<Prepared> out;
  for (std::size_t r = 0; r < risks.size(); ++r) {
    FrequencyLaw whole = risks[r].frequency;
    whole.kept = 1;
    out.push_back({&risks[r], whole.cumulative(), root.child("risk").child(names[r]), r});
  }
  std::sort(out.begin(), out.end(), [&](const Prepared& a, const Prepared& b) { return names[a.place] < names[b.place]; });
  return out;
}

// Levels of a block's counts: one uniform a year, coupled across risks by what the block's own stream draws.
class Coupling {
 public:
  Coupling(const DrawOptions& options, const Stream& root, std::int64_t block, std::size_t years) : options_(options) {
    if (options.dependence == Dependence::none) return;
    Stream stream = root.child("common").child(static_cast<std::uint64_t>(block));
    for (std::size_t y = 0; y < years; ++y) {
      const bool shock = options.dependence == Dependence::common_shock;
      factor_.push_back(shock ? stream.uniform() : stream.normal());
      if (options.dependence == Dependence::t) scale_.push_back(std::sqrt(options.df / (2 * stream.gamma(options.df / 2))));
      if (shock) struck_.push_back(stream.bernoulli(options.correlation));
    }
  }
  double level(Stream& own, std::size_t year) const {
    switch (options_.dependence) {
      case Dependence::none: return own.uniform();
      case Dependence::common_shock: {
        const double u = own.uniform();
        return struck_[year] ? factor_[year] : u;
      }
      case Dependence::gaussian: return normal_cdf(score(own, year));
      case Dependence::t: return student_t_cdf(score(own, year) * scale_[year], options_.df);
    }
    return 0;
  }

 private:
  double score(Stream& own, std::size_t year) const {
    const double z = own.normal();
    return std::sqrt(options_.correlation) * factor_[year] + std::sqrt(1 - options_.correlation) * z;
  }
  const DrawOptions& options_;
  std::vector<double> factor_, scale_;
  std::vector<bool> struck_;
};

double draw_event(const CompoundRisk& risk, Stream& stream) {
  double loss = 0;
  for (const CompoundPart& part : risk.parts) {
    const bool strikes = part.probability >= 1 || stream.uniform() < part.probability;
    const double cost = part.severity.draw(stream);  // drawn either way: scenarios keep their events
    if (strikes) loss += cost;
  }
  return loss;
}

// One risk over the years of a block: adds to totals, raises largest.
void draw_risk(const Prepared& one, const Coupling& coupling, std::int64_t block, std::span<double> totals, std::span<double> largest) {
  Stream stream = one.stream.child(static_cast<std::uint64_t>(block));
  const double kept = one.risk->frequency.kept;
  for (std::size_t year = 0; year < totals.size(); ++year) {
    const double u = coupling.level(stream, year);
    const auto count = std::min(std::upper_bound(one.steps.begin(), one.steps.end(), u) - one.steps.begin(), std::ssize(one.steps) - 1);
    for (std::ptrdiff_t event = 0; event < count; ++event) {
      const double chance = stream.uniform();
      const double loss = draw_event(*one.risk, stream);
      if (chance >= kept) continue;
      totals[year] += loss;
      largest[year] = std::max(largest[year], loss);
    }
  }
}

}  // namespace

std::span<const std::string_view> choices_of(Dependence) { return kinds; }

Result<DrawnYears> draw_years(Context& context, std::span<const CompoundRisk> risks, std::span<const std::string> names, const DrawOptions& options) {
  const Stream root = context.rng.child("compound draws");
  const std::vector<Prepared> all = prepared(risks, names, root);
  DrawnYears drawn;
  drawn.totals.assign(static_cast<std::size_t>(options.years), 0.0);
  drawn.largest = drawn.totals;
  PLIMSOLL_CHECK(context.runtime.for_each_block(options.years, context.stop, [&](std::int64_t block, std::int64_t begin, std::int64_t end) -> Result<void> {
    const auto count = static_cast<std::size_t>(end - begin);
    const Coupling coupling(options, root, block, count);
    const std::span<double> largest = std::span(drawn.largest).subspan(static_cast<std::size_t>(begin), count);
    const std::span<double> totals = std::span(drawn.totals).subspan(static_cast<std::size_t>(begin), count);
    std::vector<double> own(count);
    for (const Prepared& one : all) {
      std::fill(own.begin(), own.end(), 0.0);
      draw_risk(one, coupling, block, own, largest);
      for (std::size_t y = 0; y < count; ++y) totals[y] += own[y];
    }
    return {};
  }));
  std::sort(drawn.totals.begin(), drawn.totals.end());
  std::sort(drawn.largest.begin(), drawn.largest.end());
  return drawn;
}

Result<std::vector<double>> drawn_shares(Context& context, std::span<const CompoundRisk> risks, std::span<const std::string> names, const DrawOptions& options, double threshold) {
  const Stream root = context.rng.child("compound draws");
  const std::vector<Prepared> all = prepared(risks, names, root);
  const std::int64_t blocks = (options.years + block_rows - 1) / block_rows;
  std::vector<std::vector<ExactSum>> parts(static_cast<std::size_t>(blocks), std::vector<ExactSum>(risks.size()));
  std::vector<std::int64_t> met(static_cast<std::size_t>(blocks), 0);
  PLIMSOLL_CHECK(context.runtime.for_each_block(options.years, context.stop, [&](std::int64_t block, std::int64_t begin, std::int64_t end) -> Result<void> {
    const auto count = static_cast<std::size_t>(end - begin);
    const Coupling coupling(options, root, block, count);
    std::vector<double> largest(count, 0.0);
    std::vector<double> sums(count, 0.0);
    std::vector<std::vector<double>> own(all.size(), std::vector<double>(count, 0.0));
    for (std::size_t r = 0; r < all.size(); ++r) {
      draw_risk(all[r], coupling, block, own[r], largest);
      for (std::size_t y = 0; y < count; ++y) sums[y] += own[r][y];
    }
    for (std::size_t y = 0; y < count; ++y) {
      if (sums[y] < threshold) continue;
      ++met[static_cast<std::size_t>(block)];
      for (std::size_t r = 0; r < all.size(); ++r) parts[static_cast<std::size_t>(block)][all[r].place].add(own[r][y]);
    }
    return {};
  }));
  std::vector<double> shares(risks.size(), 0.0);
  std::int64_t years = 0;
  for (const std::int64_t one : met) years += one;
  for (std::size_t r = 0; years > 0 && r < shares.size(); ++r) {
    ExactSum sum;
    for (const auto& part : parts) sum.merge(part[r]);
    shares[r] = sum.value() / static_cast<double>(years);
  }
  return shares;
}

std::int64_t quantile_rank(std::int64_t n, double p) {
  const auto rank = static_cast<std::int64_t>(std::ceil(p * static_cast<double>(n) * (1 - 4e-16)));
  return std::clamp<std::int64_t>(rank, 1, n);
}

RankPair quantile_ranks(std::int64_t n, double p, double level) {
  const auto quantile = [n, p](double at) {  // smallest k with P(Binomial(n, p) <= k) >= at
    std::int64_t low = -1, high = n;
    while (high - low > 1) {
      const std::int64_t middle = low + (high - low) / 2;
      (binomial_cdf(middle, n, p) >= at ? high : low) = middle;
    }
    return high;
  };
  const double tail = (1 - level) / 2;
  return {std::max<std::int64_t>(1, quantile(tail)), std::min(n, quantile(1 - tail) + 1)};
}

}  // namespace plimsoll::stats
