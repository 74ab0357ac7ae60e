// SPDX-License-Identifier: Apache-2.0
// A control leaves a share of the events (thinning) and of each loss; several multiply. Its value: what the expected loss, VaR and TVaR
// at 95 % fall by, and (fall - cost) / cost. Where a control says how well it may work (low to high, as multiples of the factors' effect),
// the chance that it pays is over a triangular law of that range. Bundles under a budget: all of them up to 12 controls, else greedily.
#include <algorithm>
#include <cmath>

#include "methods/govern/threats/threats.h"

namespace plimsoll::govern::threats {
namespace {

constexpr std::size_t most_exhaustive = 12;
constexpr std::int64_t chance_draws = 4000;

std::vector<stats::CompoundRisk> with_controls(const Register& book, std::span<const std::size_t> chosen) {
  std::vector<stats::CompoundRisk> laws = book.laws();
  for (const std::size_t c : chosen) {
    const Control& control = book.controls[c];
    for (const std::size_t r : control.risks) {
      laws[r].frequency.kept *= control.frequency;
      for (stats::CompoundPart& part : laws[r].parts) part.severity.factor *= control.severity;
    }
  }
  return laws;
}

double loss_under(const Register& book, std::span<const std::size_t> chosen) { return stats::mean_of(with_controls(book, chosen)); }

// How often the control pays when its effect is uncertain.
double paying_chance(const Control& control, double less, const Stream& root) {
  if (!(control.high > 0)) return less > control.cost ? 1 : 0;
  Stream stream = root.child(control.id);
  stats::SeverityLaw effect{stats::SeverityKind::triangular, control.low, std::clamp(1.0, control.low, control.high), control.high, 4, 1, std::numeric_limits<double>::infinity(), {}};
  if (!(control.high > control.low)) return less * control.low > control.cost ? 1 : 0;
  std::int64_t paid = 0;
  for (std::int64_t i = 0; i < chance_draws; ++i) paid += less * effect.quantile(stream.uniform_open()) > control.cost ? 1 : 0;
  return static_cast<double>(paid) / static_cast<double>(chance_draws);
}

struct Bundle {
  std::vector<std::size_t> chosen;
  double cost = 0, net = 0;
};

Bundle best_of_all(const Register& book, double budget, double gross) {
  Bundle best;
  const std::size_t n = book.controls.size();
  for (std::size_t mask = 1; mask < (std::size_t{1} << n); ++mask) {
    Bundle one;
    for (std::size_t c = 0; c < n; ++c) {
      if ((mask >> c & 1) == 0) continue;
      one.chosen.push_back(c);
      one.cost += book.controls[c].cost;
    }
    if (one.cost > budget) continue;
    one.net = gross - loss_under(book, one.chosen) - one.cost;
    if (one.net > best.net) best = std::move(one);
  }
  return best;
}

Bundle best_greedily(const Register& book, double budget, double gross) {
  Bundle best;
  while (true) {
    Bundle next = best;
    for (std::size_t c = 0; c < book.controls.size(); ++c) {
      if (std::find(best.chosen.begin(), best.chosen.end(), c) != best.chosen.end()) continue;
      Bundle one = best;
      one.chosen.push_back(c);
      one.cost += book.controls[c].cost;
      if (one.cost > budget) continue;
      one.net = gross - loss_under(book, one.chosen) - one.cost;
      if (one.net > next.net) next = std::move(one);
    }
    if (next.chosen.size() == best.chosen.size()) return best;
    best = std::move(next);
  }
}

}  // namespace

Result<void> value_controls(Context& context, const Register& book, const Params& params, Quantified& found) {
  if (book.controls.empty()) return {};
  const std::vector<stats::CompoundRisk> laws = book.laws();
  const double gross = stats::mean_of(laws);
  constexpr std::int64_t cells = 1 << 14;
  PLIMSOLL_TRY(const stats::CompoundLaw before, stats::compound_law(laws, {cells, 0, false}));
  for (std::size_t c = 0; c < book.controls.size(); ++c) {
    PLIMSOLL_CHECK(context.stop.check());
    const Control& control = book.controls[c];
    const std::vector<stats::CompoundRisk> left = with_controls(book, {&c, 1});
    // The same grid: differences do not carry the cells' width.
    PLIMSOLL_TRY(const stats::CompoundLaw after, stats::compound_law(left, {cells, before.step, false}));
    ControlValue value;
    value.id = control.id;
    value.cost = control.cost;
    value.less_loss = gross - stats::mean_of(left);
    value.less_var = before.quantile(0.95).value - after.quantile(0.95).value;
    value.less_tvar = before.tail_mean(0.95).value - after.tail_mean(0.95).value;
    value.value = control.cost > 0 ? (value.less_loss - control.cost) / control.cost : std::numeric_limits<double>::infinity();
    value.chance = paying_chance(control, value.less_loss, context.rng.child("controls"));
    found.controls.push_back(std::move(value));
  }
  const double budget = params.budget > 0 ? params.budget : std::numeric_limits<double>::infinity();
  const Bundle best = book.controls.size() <= most_exhaustive ? best_of_all(book, budget, gross) : best_greedily(book, budget, gross);
  for (const std::size_t c : best.chosen) found.bundle.push_back(book.controls[c].id);
  found.bundle_cost = best.cost;
  found.bundle_less = best.net + best.cost;
  return {};
}

}  // namespace plimsoll::govern::threats
