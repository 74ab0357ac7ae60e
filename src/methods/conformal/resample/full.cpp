// SPDX-License-Identifier: Apache-2.0
// Full conformal prediction with least squares. Fitting n + 1 rows with the new row's target y gives residuals |a_i + b_i y|, so
//   p(y) = #{i <= n + 1 : |a_i + b_i y| >= |a_{n+1} + b_{n+1} y|} / (n + 1)
// changes only where two of them cross: {y : p(y) > alpha} is a union of intervals found by one sweep over 2 n points (Nouretdinov,
// Melluish, Vovk 2001). The answer is its hull, which covers at least as often; `pieces` says of how many intervals it consists.
// Classes: one column of 0 and 1 for each, s_i = the largest fitted value of another class less that of i's own; a candidate class
// changes one target, so all candidates come from one solution.

#include <algorithm>
#include <cmath>
#include <functional>

#include "learn/ridge.h"
#include "methods/conformal/resample/resample.h"

namespace plimsoll::conformal::resample {
namespace {

struct Hull {
  double low = infinity;
  double high = -infinity;
  std::int64_t pieces = 0;
};

// Where |a + b y| >= |c + d y|: between two points, outside them, from or up to one, everywhere or nowhere.
struct Region {
  double low = 0;
  double high = 0;
  bool inside = true;   // [low, high]; else (-inf, low] and [high, inf)
  bool nowhere = false;
};

Region region_of(double a, double b, double c, double d) {
  if (b < 0) {
    a = -a;
    b = -b;
  }
  if (d < 0) {
    c = -c;
    d = -d;
  }
  if (b == d) {
    if (a == c || (b == 0 && std::fabs(a) >= std::fabs(c))) return {-infinity, infinity, true, false};
    if (b == 0) return {0, 0, true, true};
    const double cross = -(a + c) / (2 * b);
    return a > c ? Region{cross, infinity, true, false} : Region{-infinity, cross, true, false};
  }
  const double u = -(a - c) / (b - d);
  const double v = -(a + c) / (b + d);
  return {std::min(u, v), std::max(u, v), d > b, false};
}

// The points where at least `least` of the regions hold.
Hull hull_of(std::span<const Region> regions, std::int64_t least) {
  struct Event {
    double at;
    int change;  // +1 before the point, -1 after it
  };
  std::vector<Event> events;
  std::int64_t count = 0;
  for (const Region& r : regions) {
    if (r.nowhere) continue;
    if (r.inside) {
      if (r.low == -infinity) ++count;
      else events.push_back({r.low, 1});
      if (r.high != infinity) events.push_back({r.high, -1});
    } else {
      ++count;
      events.push_back({r.low, -1});
      events.push_back({r.high, 1});
    }
  }
  std::sort(events.begin(), events.end(), [](const Event& x, const Event& y) { return x.at != y.at ? x.at < y.at : x.change > y.change; });
  Hull hull;
  bool in = count >= least;
  if (in) {
    hull.low = -infinity;
    hull.pieces = 1;
  }
  for (const Event& event : events) {
    count += event.change;
    const bool now = count >= least;
    if (now && !in) {
      hull.low = std::min(hull.low, event.at);
      ++hull.pieces;
    }
    if (in && !now) hull.high = event.at;
    in = now;
  }
  if (in) hull.high = infinity;
  return hull;
}

void number_answer(const Model& model, const learn::AugmentedRidge& ridge, std::span<const double> x, std::size_t row, Answers& answers) {
  const auto n = static_cast<std::size_t>(model.n);
  std::vector<std::vector<double>> fitted;
  std::vector<double> self;
  const std::vector<std::span<const double>> targets = {model.residuals};
  ridge.fit(x, targets, fitted, self);
  std::vector<Region> regions;
  for (std::size_t i = 0; i < n; ++i) regions.push_back(region_of(model.residuals[i] - fitted[0][i], -self[i], -fitted[0][n], 1 - self[n]));
  for (std::size_t a = 0; a < model.ranks.size(); ++a) {
    const Hull hull = hull_of(regions, model.n + 1 - model.ranks[a]);
    answers.lower[a][row] = hull.low;
    answers.upper[a][row] = hull.high;
    if (model.ranks.size() == 1) answers.pieces[row] = hull.pieces;
  }
}

double margin(const std::vector<std::vector<double>>& fitted, std::size_t i, std::size_t own, std::size_t raised, double by) {
  double other = -infinity;
  for (std::size_t c = 0; c < fitted.size(); ++c)
    if (c != own) other = std::max(other, fitted[c][i] + (c == raised ? by : 0));
  return other - (fitted[own][i] + (own == raised ? by : 0));
}

void class_answer(const Model& model, const learn::AugmentedRidge& ridge, std::span<const std::span<const double>> targets, std::span<const double> x, std::size_t row, Answers& answers) {
  const auto n = static_cast<std::size_t>(model.n);
  const std::size_t k = model.classes.size();
  std::vector<std::vector<double>> fitted;
  std::vector<double> self;
  ridge.fit(x, targets, fitted, self);
  for (std::size_t y = 0; y < k; ++y) {
    const double own = margin(fitted, n, y, y, self[n]);
    std::int64_t below = 0;
    for (std::size_t i = 0; i < n; ++i) below += margin(fitted, i, static_cast<std::size_t>(model.residuals[i]), y, self[i]) < own ? 1 : 0;
    answers.p_values[row * k + y] = static_cast<double>(model.n + 1 - below) / static_cast<double>(model.n + 1);
    for (std::size_t a = 0; a < model.ranks.size(); ++a) answers.inside[a][row * k + y] = below < model.ranks[a] ? 1 : 0;
  }
}

}  // namespace

Result<Answers> answer_full(Context& context, const Model& model, const Table& rows) {
  const auto count = static_cast<std::size_t>(rows.rows());
  const std::size_t k = model.classes.size();
  PLIMSOLL_TRY(std::vector<std::string> names, rows.role_columns("feature"));
  if (names.empty()) names = model.columns.feature;
  if (names.size() != model.columns.feature.size()) return Error(ErrorCode::bad_parameter, std::to_string(names.size()) + " features stand against " + std::to_string(model.columns.feature.size()) + " of the fit", "Bind the same.").in_parameter("feature");
  std::vector<Reals> columns;
  for (const std::string& name : names) {
    PLIMSOLL_TRY(Reals column, rows.reals(name));
    columns.push_back(std::move(column));
  }
  std::vector<std::vector<double>> indicators(k, std::vector<double>(model.residuals.size(), 0.0));
  for (std::size_t i = 0; model.of_classes && i < model.residuals.size(); ++i) indicators[static_cast<std::size_t>(model.residuals[i])][i] = 1;
  const std::vector<std::span<const double>> targets(indicators.begin(), indicators.end());
  Answers answers;
  if (model.of_classes) {
    answers.p_values.resize(count * k);
    answers.inside.assign(model.ranks.size(), std::vector<std::uint8_t>(count * k));
  } else {
    answers.lower.assign(model.ranks.size(), std::vector<double>(count));
    answers.upper = answers.lower;
    if (model.ranks.size() == 1) answers.pieces.resize(count);
  }
  const learn::AugmentedRidge ridge(model.features, names.size(), model.params.l2);
  PLIMSOLL_CHECK(context.runtime.for_each(static_cast<std::int64_t>(count), context.stop, [&](std::int64_t at) -> Result<void> {
    const auto row = static_cast<std::size_t>(at);
    std::vector<double> x;
    for (const Reals& column : columns) x.push_back(column[row]);
    if (model.of_classes) class_answer(model, ridge, targets, x, row, answers);
    else number_answer(model, ridge, x, row, answers);
    return {};
  }));
  return answers;
}

}  // namespace plimsoll::conformal::resample
