// SPDX-License-Identifier: Apache-2.0
// AEP(x) = P(T > x), OEP(x) = P(largest event > x). VaR_p = inf{x: F(x) >= p}, TVaR_p = VaR_p + E (T - VaR_p)+ / (1 - p). The exact
// engine bounds each by its two discretisations; the simulation's band is by ranks and free of laws. Euler: E[S_r | T >= VaR_p].
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/exact_sum.h"
#include "methods/govern/threats/threats.h"

namespace plimsoll::govern::threats {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t curve_points = 160;
constexpr std::size_t most_shared = 64;       // risks whose shares the exact engine keeps

std::vector<std::string> names_of(const Register& book) {
  std::vector<std::string> names;
  for (const Risk& risk : book.risks) names.push_back(risk.id);
  return names;
}

stats::DrawOptions draw_options(const Params& params) { return {params.years, params.dependence, params.correlation, params.df}; }

bool one_part_each(const std::vector<stats::CompoundRisk>& laws) {
  return std::all_of(laws.begin(), laws.end(), [](const stats::CompoundRisk& law) { return law.parts.size() == 1; });
}

double share_above(const std::vector<double>& sorted, double x) {
  return static_cast<double>(sorted.end() - std::upper_bound(sorted.begin(), sorted.end(), x)) / static_cast<double>(sorted.size());
}

void simulated_level(const stats::DrawnYears& drawn, Level& level) {
  const auto n = std::ssize(drawn.totals);
  const stats::RankPair band = stats::quantile_ranks(n, level.p, 0.95);
  level.simulated = drawn.totals[static_cast<std::size_t>(stats::quantile_rank(n, level.p) - 1)];
  level.low = drawn.totals[static_cast<std::size_t>(band.low - 1)];
  level.high = drawn.totals[static_cast<std::size_t>(band.high - 1)];
  ExactSum above;
  for (auto i = drawn.totals.rbegin(); i != drawn.totals.rend() && *i > level.simulated; ++i) above.add(*i - level.simulated);
  level.simulated_tail = level.simulated + above.value() / static_cast<double>(n) / (1 - level.p);
}

std::vector<Level> levels_of(const std::vector<double>& wanted, const std::optional<stats::CompoundLaw>& law, const std::optional<stats::DrawnYears>& drawn) {
  std::vector<Level> out;
  for (const double p : wanted) {
    Level level;
    level.p = p;
    level.exact = level.tail_mean = {none, none, none};
    level.simulated = level.low = level.high = level.simulated_tail = none;
    if (law) {
      level.exact = law->quantile(p);
      level.tail_mean = law->tail_mean(p);
    }
    if (drawn) simulated_level(*drawn, level);
    out.push_back(level);
  }
  return out;
}

// Points whose chances fall evenly in ln P(T > x), so that the tail keeps its share of the curve.
void draw_curve(const std::vector<stats::CompoundRisk>& laws, const std::optional<stats::CompoundLaw>& law, const std::optional<stats::DrawnYears>& drawn, Quantified& found) {
  const double least = law ? 1e-4 : std::max(1e-4, 20.0 / static_cast<double>(drawn->totals.size()));
  double before = -1;
  for (std::size_t i = 0; i < curve_points; ++i) {
    const double chance = 0.995 * std::pow(least / 0.995, static_cast<double>(i) / static_cast<double>(curve_points - 1));
    Point point;
    if (law) {
      point.loss = law->quantile(1 - chance).value;
      if (!std::isfinite(point.loss)) break;
      const auto cell = static_cast<std::size_t>(point.loss / law->step + 1e-9);
      if (cell >= law->middle.size()) break;
      point.aep = point.loss > 0 ? chance : 1 - law->middle[0];
      point.aep_low = 1 - law->least[cell];
      point.aep_high = 1 - law->most[cell];
    } else {
      const auto n = std::ssize(drawn->totals);
      point.loss = drawn->totals[static_cast<std::size_t>(stats::quantile_rank(n, 1 - chance) - 1)];
      point.aep = share_above(drawn->totals, point.loss);
      const double half = 1.96 * std::sqrt(point.aep * (1 - point.aep) / static_cast<double>(n));
      point.aep_low = std::max(0.0, point.aep - half);
      point.aep_high = point.aep + half;
    }
    if (point.loss <= before) continue;
    before = point.loss;
    point.oep = law && one_part_each(laws) ? 1 - stats::largest_event_cdf(laws, point.loss) : drawn ? share_above(drawn->largest, point.loss) : none;
    found.curve.push_back(point);
  }
}

Result<void> shares_of(Context& context, const Register& book, const Params& params, const std::vector<stats::CompoundRisk>& laws, const std::optional<stats::CompoundLaw>& law, Quantified& found) {
  for (const Risk& risk : book.risks) {
    PLIMSOLL_TRY(const stats::CompoundLaw alone, stats::compound_law({&risk.law, 1}, {1 << 13, 0, false}));
    found.alone.push_back(alone.quantile(0.95).value);
  }
  const Level& level = found.tail[found.tail.size() > 1 ? found.tail.size() - 2 : 0];
  found.share_level = level.p;
  if (law && !law->share.empty()) {
    for (std::size_t r = 0; r < laws.size(); ++r) found.share.push_back(law->share_beyond(r, level.exact.value));
    return {};
  }
  PLIMSOLL_TRY(found.share, stats::drawn_shares(context, laws, names_of(book), draw_options(params), std::isnan(level.simulated) ? level.exact.value : level.simulated));
  return {};
}

}  // namespace

Result<Quantified> quantify(Context& context, const Register& book, const Params& params) {
  const std::vector<stats::CompoundRisk> laws = book.laws();
  Quantified found;
  found.exact = params.engine != Engine::mc && params.dependence == stats::Dependence::none;
  found.simulated = params.engine != Engine::exact;
  found.mean = stats::mean_of(laws);
  // A copula leaves the marginal laws, and so the mean, but not the variance.
  found.sd = params.dependence == stats::Dependence::none ? std::sqrt(stats::variance_of(laws)) : none;
  found.no_loss = params.dependence == stats::Dependence::none ? 1 : none;
  for (const stats::CompoundRisk& law : laws) {
    double none_struck = 1;
    for (const stats::CompoundPart& part : law.parts) none_struck *= 1 - part.probability * part.severity.at_least(std::numeric_limits<double>::min());
    found.no_loss *= law.frequency.pgf(none_struck);
  }
  std::optional<stats::CompoundLaw> law;
  std::optional<stats::DrawnYears> drawn;
  if (found.exact) {
    PLIMSOLL_TRY(law, stats::compound_law(laws, {params.grid, 0, laws.size() <= most_shared}));
    found.step = law->step;
    found.clipped = law->clipped;
    found.beyond = law->beyond;
  }
  if (found.simulated) {
    PLIMSOLL_TRY(drawn, stats::draw_years(context, laws, names_of(book), draw_options(params)));
  }
  found.tail = levels_of(params.tail, law, drawn);
  found.reserve = levels_of(params.reserve, law, drawn);
  draw_curve(laws, law, drawn, found);
  PLIMSOLL_CHECK(shares_of(context, book, params, laws, law, found));
  found.layer = {none, none, none};
  if (params.limit > 0 && law) found.layer = law->layer(params.retention, params.limit);
  if (params.limit > 0 && !law) {
    ExactSum sum;
    for (const double t : drawn->totals) sum.add(std::clamp(t - params.retention, 0.0, params.limit));
    found.layer.value = sum.value() / static_cast<double>(drawn->totals.size());
  }
  return found;
}

}  // namespace plimsoll::govern::threats
