// SPDX-License-Identifier: Apache-2.0
// What labelled rows say of a model: error of the prediction, coverage and width of the intervals at the promised level and along a
// grid of levels, calibration of learned quantiles, and coverage by Mondrian cell, group and fifth of the prediction.

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/exact_sum.h"
#include "learn/row_uses.h"
#include "methods/risk/regressor/regressor.h"
#include "stats/distributions.h"
#include "stats/intervals.h"
#include "table/split.h"

namespace plimsoll::risk::regressor {
namespace {

struct Count {
  std::int64_t tested = 0, covered = 0, finite = 0;
  ExactSum width;

  void add(double lower, double upper, double y) {
    ++tested;
    covered += lower <= y && y <= upper ? 1 : 0;
    if (!std::isfinite(upper - lower)) return;
    ++finite;
    width.add(upper - lower);
  }
  double mean_width() const { return finite > 0 ? width.value() / static_cast<double>(finite) : 0; }
};

void errors_of(const Model& model, const Predicted& p, std::span<const double> y, Diagnostics& d) {
  ExactSum sum, squares, absolute, total;
  for (const double v : y) sum.add(v);
  const auto n = static_cast<double>(y.size());
  const double mean = sum.value() / n;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double miss = y[i] - (model.centre + model.scale * p.mean[i]);
    squares.add(miss * miss);
    absolute.add(std::abs(miss));
    total.add((y[i] - mean) * (y[i] - mean));
  }
  d.rmse = std::sqrt(squares.value() / n);
  d.mae = absolute.value() / n;
  d.r2 = total.value() > 0 ? 1 - squares.value() / total.value() : 0;
}

void widths_of(const Model& model, const Ends& ends, std::span<const double> y, Diagnostics& d) {
  std::vector<double> widths;
  ExactSum score, width;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double w = ends.upper[i] - ends.lower[i];
    d.below += y[i] < ends.lower[i] ? 1 : 0;
    d.above += y[i] > ends.upper[i] ? 1 : 0;
    if (!std::isfinite(w)) {
      ++d.unbounded;
      continue;
    }
    widths.push_back(w);
    width.add(w);
    score.add(w + 2 / model.alpha * (std::max(ends.lower[i] - y[i], 0.0) + std::max(y[i] - ends.upper[i], 0.0)));
  }
  if (widths.empty()) return;
  const auto n = static_cast<double>(widths.size());
  d.mean_width = width.value() / n;
  d.interval_score = score.value() / n;
  std::sort(widths.begin(), widths.end());
  d.median_width = widths[widths.size() / 2];
  constexpr std::size_t bins = 20;
  const double low = widths.front();
  const double step = (widths.back() - low) / static_cast<double>(bins);
  if (!(step > 0)) return;
  for (std::size_t b = 0; b <= bins; ++b) d.width_edges.push_back(low + step * static_cast<double>(b));
  d.width_counts.assign(bins, 0.0);
  for (const double w : widths) d.width_counts[std::min(bins - 1, static_cast<std::size_t>((w - low) / step))] += 1;
}

// Coverage along the grid of levels, with the band that one rank allows (none where cells or sides mix several).
Result<void> curve_of(const Model& model, const Predicted& p, const Tested& tested, Diagnostics& d) {
  const std::size_t entries = model.cell_count() * model.sides();
  for (std::size_t level = 0; level < curve_levels; ++level) {
    std::vector<double> thresholds;
    for (std::size_t e = 0; e < entries; ++e) thresholds.push_back(tested.curve[e * curve_levels + level]);
    const Ends ends = ends_of(model, p, thresholds);
    std::int64_t covered = 0;
    for (std::size_t i = 0; i < tested.y.size(); ++i) covered += ends.lower[i] <= tested.y[i] && tested.y[i] <= ends.upper[i] ? 1 : 0;
    const double nominal = curve_level(level);
    const auto rows = std::ssize(tested.y);
    d.level.push_back(nominal);
    d.observed.push_back(static_cast<double>(covered) / static_cast<double>(rows));
    const std::int64_t n = tested.ranks[0].n;
    const auto k = static_cast<std::int64_t>(std::ceil(static_cast<double>(n + 1) * nominal - 1e-9));
    learn::Coverage band;
    if (entries == 1 && k >= 1 && k <= n) {
      PLIMSOLL_TRY(band, learn::coverage_of("", covered, rows, k, n));
    }
    d.level_low.push_back(band.band_low);
    d.level_high.push_back(band.band_high);
  }
  return {};
}

void quantiles_of(const Model& model, const Predicted& p, std::span<const double> y, Diagnostics& d) {
  const auto judge = [&](double level, std::span<const double> values) {
    QuantileRow row;
    row.level = level;
    row.rows = std::ssize(y);
    ExactSum loss;
    for (std::size_t i = 0; i < y.size(); ++i) {
      const double miss = y[i] - (model.centre + model.scale * values[i]);
      row.below += miss <= 0 ? 1 : 0;
      loss.add(miss >= 0 ? level * miss : (level - 1) * miss);
    }
    const stats::Interval share = stats::clopper_pearson(row.below, row.rows, 0.95);
    row.low = share.lo;
    row.high = share.hi;
    row.pinball = loss.value() / static_cast<double>(y.size());
    d.quantiles.push_back(row);
  };
  if (model.low) judge(model.low->level, p.low);
  for (std::size_t k = 0; k < model.quantiles.size(); ++k) judge(model.quantiles[k].level, p.quantiles[k]);
  if (model.high) judge(model.high->level, p.high);
  std::stable_sort(d.quantiles.begin(), d.quantiles.end(), [](const QuantileRow& a, const QuantileRow& b) { return a.level < b.level; });
}

Result<void> push_coverage(const std::string& name, const Count& count, const learn::Rank& rank, Diagnostics& d) {
  PLIMSOLL_TRY(learn::Coverage row, learn::coverage_of(name, count.covered, count.tested, rank.k, rank.n));
  row.mean_size = count.mean_width();
  d.coverage.push_back(std::move(row));
  return {};
}

// All rows, Mondrian cells, groups of the group columns, fifths of the prediction. A band stands where a single rank promises one.
Result<void> coverages(const Model& model, const Predicted& p, const Tested& tested, const Ends& ends, Diagnostics& d) {
  const std::size_t n = tested.y.size();
  const bool one_rank = model.cell_count() == 1 && model.sides() == 1;
  Count all;
  std::vector<Count> cells(model.cell_count());
  for (std::size_t i = 0; i < n; ++i) {
    all.add(ends.lower[i], ends.upper[i], tested.y[i]);
    if (p.cell[i] >= 0) cells[static_cast<std::size_t>(p.cell[i])].add(ends.lower[i], ends.upper[i], tested.y[i]);
  }
  PLIMSOLL_CHECK(push_coverage("all rows", all, one_rank ? tested.ranks[0] : learn::Rank{}, d));
  for (std::size_t c = 0; model.mondrian != Mondrian::none && c < std::min<std::size_t>(cells.size(), 50); ++c) {
    const std::string name = model.mondrian == Mondrian::group ? model.cells[c] : "spread bin " + std::to_string(c + 1);
    PLIMSOLL_CHECK(push_coverage(name, cells[c], model.sides() == 1 ? tested.ranks[c] : learn::Rank{}, d));
  }
  PLIMSOLL_TRY(std::vector<std::string> columns, tested.rows.role_columns("group"));
  if (columns.empty())
    for (const std::string& name : model.groups)
      if (tested.rows.has(name)) columns.push_back(name);
  for (const std::string& column : columns) {
    PLIMSOLL_TRY(const Categories groups, tested.rows.categories(column));
    if (groups.names.size() > 30 || (model.mondrian == Mondrian::group && columns.size() == 1)) continue;
    std::vector<Count> own(groups.names.size());
    for (std::size_t i = 0; i < n; ++i)
      if (groups.codes[i] >= 0) own[static_cast<std::size_t>(groups.codes[i])].add(ends.lower[i], ends.upper[i], tested.y[i]);
    for (std::size_t g = 0; g < own.size(); ++g) PLIMSOLL_CHECK(push_coverage(column + " = " + groups.names[g], own[g], {}, d));
  }
  return {};
}

Result<void> by_prediction(const Model& model, const Predicted& p, const Tested& tested, const Ends& ends, Diagnostics& d) {
  const std::size_t n = tested.y.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p.mean[a] < p.mean[b]; });
  if (n >= 50) {
    for (std::size_t part = 0; part < 5; ++part) {
      Count own;
      for (std::size_t i = n * part / 5; i < n * (part + 1) / 5; ++i) own.add(ends.lower[order[i]], ends.upper[order[i]], tested.y[order[i]]);
      PLIMSOLL_CHECK(push_coverage("fifth " + std::to_string(part + 1) + " of the prediction", own, {}, d));
    }
  }
  const std::size_t groups = std::min<std::size_t>(20, n);
  for (std::size_t g = 0; g < groups; ++g) {
    ExactSum fitted, actual;
    const std::size_t begin = n * g / groups;
    const std::size_t end = n * (g + 1) / groups;
    for (std::size_t i = begin; i < end; ++i) {
      fitted.add(model.centre + model.scale * p.mean[order[i]]);
      actual.add(tested.y[order[i]]);
    }
    d.fitted.push_back(fitted.value() / static_cast<double>(end - begin));
    d.actual.push_back(actual.value() / static_cast<double>(end - begin));
  }
  return {};
}

void warn(const Model& model, Diagnostics& d) {
  for (const learn::Coverage& c : d.coverage) {
    if (c.tested == 0) continue;
    const double share = static_cast<double>(c.covered) / static_cast<double>(c.tested);
    if (share < c.band_low)
      d.remarks.push_back({2, "coverage of " + c.name, "the intervals hold the outcome more rarely than the promise allows", "these rows are not like the conformal rows: look for a change of population, time or definition, and fit again"});
    else if (share > c.band_high)
      d.remarks.push_back({1, "coverage of " + c.name, "the intervals hold the outcome more often than expected: they may be wider than need be", "many equal outcomes do this; a change of population does too"});
    else if (c.band_low == 0 && c.band_high == 1 && c.tested >= 30 && stats::binomial_cdf(c.covered, c.tested, 1 - model.alpha) < 1e-4)
      d.remarks.push_back({1, "coverage of " + c.name, "only " + std::to_string(100 * c.covered / c.tested) + " % of these rows are covered: the promise is an average over all rows", "use cqr or normalised intervals, or mondrian to hold it within each group"});
  }
  if (d.unbounded > 0) d.remarks.push_back({1, "unbounded intervals", std::to_string(d.unbounded) + " rows have an interval without ends", "give more conformal rows, or a larger alpha"});
  if (d.rows > 1 && d.r2 <= 0) d.remarks.push_back({1, "no skill", "the prediction is no better than the mean of these rows", "add features that bear on the outcome, or more rows"});
}

}  // namespace

Predicted taken(const Predicted& p, std::span<const std::int64_t> rows) {
  const auto pick = [&rows]<class T>(const std::vector<T>& values) {
    std::vector<T> out;
    if (values.empty()) return out;
    for (const std::int64_t row : rows) out.push_back(values[static_cast<std::size_t>(row)]);
    return out;
  };
  Predicted out;
  out.mean = pick(p.mean);
  out.low = pick(p.low);
  out.high = pick(p.high);
  out.scale = pick(p.scale);
  out.spread = pick(p.spread);
  for (const auto& column : p.quantiles) out.quantiles.push_back(pick(column));
  out.cell = pick(p.cell);
  return out;
}

Result<Diagnostics> diagnose(const Model& model, const Predicted& p, const Tested& tested) {
  Diagnostics d;
  d.source = tested.source;
  d.rows = std::ssize(tested.y);
  d.coverage_note = tested.note;
  if (tested.y.empty()) return d;
  std::vector<double> thresholds;
  for (const learn::Rank& rank : tested.ranks) thresholds.push_back(rank.threshold);
  const Ends ends = ends_of(model, p, thresholds);
  errors_of(model, p, tested.y, d);
  widths_of(model, ends, tested.y, d);
  PLIMSOLL_CHECK(curve_of(model, p, tested, d));
  quantiles_of(model, p, tested.y, d);
  PLIMSOLL_CHECK(coverages(model, p, tested, ends, d));
  PLIMSOLL_CHECK(by_prediction(model, p, tested, ends, d));
  warn(model, d);
  return d;
}

Result<Diagnostics> diagnose_test(Context& context, const Model& model, const Table& labelled) {
  PLIMSOLL_TRY(const std::vector<double> y, read_target(labelled));
  if (y.empty()) return Error(ErrorCode::too_few_rows, "the table has no rows to report on", "Give at least one labelled row");
  PLIMSOLL_TRY(const std::vector<learn::Remark> remarks, learn::seen_before(context, model.learning_fingerprint, model.calibration_fingerprint, labelled));
  PLIMSOLL_TRY(const Predicted p, predict(context, model, labelled, std::nullopt));
  const std::string source = remarks.empty() ? "labelled rows that the model did not learn from" : "labelled rows, some of which fit had used";
  PLIMSOLL_TRY(Diagnostics d, diagnose(model, p, {y, model.ranks, model.curve, labelled, source, "The band holds the share of 999 in 1,000 fits: BetaBinomial, from " + std::to_string(model.conformal_rows) + " conformal rows. Rows without a band are promised nothing of their own."}));
  d.remarks.insert(d.remarks.begin(), remarks.begin(), remarks.end());
  return d;
}

// On its own conformal rows a model covers k of n by construction, which shows nothing: a random half of them gives the ranks that
// the other half tests.
Result<Diagnostics> diagnose_conformal(Context& context, const Model& model, const Table& table, std::span<const std::int64_t> rows, std::span<const double> y) {
  if (rows.size() < 2) return Diagnostics{};
  const std::array<double, 2> shares{0.5, 0.5};
  PLIMSOLL_TRY(const auto halves, split_rows(std::ssize(y), shares, context.rng.child("risk.regressor").child("coverage check")));
  if (halves[0].empty() || halves[1].empty()) return Diagnostics{};
  const Table conformal = table.take(rows);
  PLIMSOLL_TRY(const Predicted held, predict(context, model, conformal, std::nullopt));
  std::array<std::vector<double>, 2> part;
  for (std::size_t side = 0; side < 2; ++side)
    for (const std::int64_t i : halves[side]) part[side].push_back(y[static_cast<std::size_t>(i)]);
  const Predicted ranking = taken(held, halves[0]);
  std::vector<learn::Rank> ranks;
  std::vector<double> curve;
  PLIMSOLL_CHECK(rank_cells(model, scores_of(model, ranking, part[0]), ranking.cell, ranks, curve));
  return diagnose(model, taken(held, halves[1]), {part[1], ranks, curve, conformal.take(halves[1]), "one half of the rows kept from learning",
                                                  "On its own conformal rows a model covers as many as its rank says, which shows nothing. So a random half of them gives the thresholds that the other half tests; the band (BetaBinomial, 999 in 1,000) is exact. A test table shows the model's own intervals."});
}

}  // namespace plimsoll::risk::regressor
