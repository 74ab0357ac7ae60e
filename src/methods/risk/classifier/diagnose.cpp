// SPDX-License-Identifier: Apache-2.0
// CORP reliability curve, decomposition and consistency band (Dimitriadis, Gneiting and Jordan 2021); AUROC with DeLong's interval;
// average precision with a bootstrap interval; calibration error beside its law under exact probabilities; net benefit (Vickers
// and Elkin 2006). Replicates are fewer on many rows, where a replicate says more: the work stays near 2e7 redrawn outcomes.

#include <algorithm>
#include <array>
#include <cmath>

#include "methods/risk/classifier/diagnostics.h"
#include "stats/corp.h"
#include "stats/decision_curve.h"
#include "stats/distributions.h"
#include "stats/ece.h"
#include "stats/intervals.h"
#include "stats/pav.h"
#include "stats/roc.h"
#include "stats/scores.h"

namespace plimsoll::risk::classifier {
namespace {

constexpr double level = 0.95;
constexpr std::size_t curve_points = 200;
constexpr std::size_t most_groups = 50;

int replicates_for(std::size_t rows, double redraws) { return static_cast<int>(std::clamp(redraws / static_cast<double>(rows), 20.0, 200.0)); }

Interval interval_of(const stats::Estimate& e) { return {true, e.value, e.interval.lo, e.interval.hi}; }

Result<Interval> auroc_interval(std::span<const double> p, std::span<const std::int32_t> y) {
  const auto events = std::count(y.begin(), y.end(), 1);
  if (events == 0 || events == std::ssize(y)) return Interval{};
  PLIMSOLL_TRY(const stats::Auroc area, stats::auroc(p, y, level));
  return interval_of(area.estimate);
}

// The event that the report is about: the positive class, or that the most probable class is right.
struct Event {
  std::vector<double> p;
  std::vector<std::int32_t> y;
};

std::vector<std::int32_t> most_probable_of(const Predicted& predicted) {
  std::vector<std::int32_t> top(predicted.labels.size(), 0);
  for (std::size_t k = 1; k < predicted.probability.size(); ++k)
    for (std::size_t i = 0; i < top.size(); ++i)
      if (predicted.probability[k][i] > predicted.probability[static_cast<std::size_t>(top[i])][i]) top[i] = static_cast<std::int32_t>(k);
  return top;
}

Event event_of(const Setting& setting, const Predicted& predicted, std::span<const std::int32_t> top) {
  Event event;
  event.y.resize(predicted.labels.size());
  if (setting.positive >= 0) {
    event.p = predicted.probability[static_cast<std::size_t>(setting.positive)];
    for (std::size_t i = 0; i < event.y.size(); ++i) event.y[i] = predicted.labels[i] == setting.positive ? 1 : 0;
    return event;
  }
  event.p.resize(event.y.size());
  for (std::size_t i = 0; i < event.y.size(); ++i) {
    event.p[i] = predicted.probability[static_cast<std::size_t>(top[i])][i];
    event.y[i] = predicted.labels[i] == top[i] ? 1 : 0;
  }
  return event;
}

// The scores below all rank the rows: they find them in order.
Event by_probability(const Event& event) {
  Event sorted;
  sorted.p.reserve(event.p.size());
  sorted.y.reserve(event.y.size());
  for (const std::uint32_t row : stats::order_by(event.p)) {
    sorted.p.push_back(event.p[row]);
    sorted.y.push_back(event.y[row]);
  }
  return sorted;
}

Result<void> rank_quality(Context& context, const Event& event, const Stream& rng, Diagnostics& d) {
  PLIMSOLL_TRY(d.auroc, auroc_interval(event.p, event.y));
  if (!d.auroc.defined) return {};
  const stats::Resampling resampling{context.runtime, context.stop, rng.child("precision"), replicates_for(event.p.size(), 1e7)};
  PLIMSOLL_TRY(const stats::Estimate precision, stats::average_precision_estimate(event.p, event.y, level, resampling));
  d.auprc = interval_of(precision);
  PLIMSOLL_TRY(const auto points, stats::roc_curve(event.p, event.y, curve_points));
  for (const stats::RocPoint& point : points) {
    d.roc.x.push_back(point.false_positive_rate);
    d.roc.y.push_back(point.true_positive_rate);
  }
  return {};
}

// Value of a right-continuous step curve of PAV bins at x.
double recalibrated_at(const std::vector<stats::CorpBin>& bins, double x) {
  const auto after = std::upper_bound(bins.begin(), bins.end(), x, [](double v, const stats::CorpBin& bin) { return v < bin.from; });
  return after == bins.begin() ? bins.front().recalibrated : std::prev(after)->recalibrated;
}

Result<void> calibration_quality(Context& context, const Event& event, const Stream& rng, Diagnostics& d) {
  PLIMSOLL_TRY(const stats::Corp corp, stats::corp(event.p, event.y));
  d.brier = corp.brier.score;
  d.miscalibration = corp.brier.miscalibration;
  d.discrimination = corp.brier.discrimination;
  d.uncertainty = corp.brier.uncertainty;
  const stats::Resampling band_draws{context.runtime, context.stop, rng.child("band"), 100};
  PLIMSOLL_TRY(const stats::ConsistencyBand band, stats::consistency_band(event.p, level, curve_points, band_draws));
  d.reliability.x = band.forecast;
  d.reliability.low = band.lo;
  d.reliability.high = band.hi;
  for (const double x : band.forecast) d.reliability.y.push_back(recalibrated_at(corp.bins, x));
  const double p_value = stats::resampling_p_value(band.null_miscalibration, d.miscalibration);
  if (p_value < 0.015)
    d.remarks.push_back({1, "calibration", "the probabilities are off by more than chance explains (p-value " + std::to_string(p_value).substr(0, 5) + "; miscalibration part of the Brier score " + std::to_string(d.miscalibration).substr(0, 6) + ")",
                         "look at the reliability diagram; fit again with rows from the population that is to be scored, or another calibrator"});
  const stats::Resampling null_draws{context.runtime, context.stop, rng.child("ece"), replicates_for(event.p.size(), 2e7)};
  PLIMSOLL_TRY(const stats::EceTest ece, stats::ece_with_null(event.p, event.y, 15, stats::Binning::equal_mass, null_draws));
  d.ece = ece.observed.ece;
  d.ece_null = ece.null_mean;
  d.ece_p_value = ece.p_value;
  return {};
}

Result<void> benefit_curve(const Event& event, Diagnostics& d) {
  std::vector<double> thresholds;
  for (int i = 1; i <= 99; ++i) thresholds.push_back(static_cast<double>(i) / 100.0);
  PLIMSOLL_TRY(const auto curve, stats::decision_curve(event.p, event.y, thresholds, level));
  const double worst = -0.5 * std::max(1e-3, static_cast<double>(d.events) / static_cast<double>(d.rows));
  for (const stats::NetBenefit& point : curve) {
    d.benefit.x.push_back(point.threshold);
    d.benefit.y.push_back(point.model);
    d.benefit.low.push_back(point.interval.lo);
    d.benefit.high.push_back(point.interval.hi);
    if (point.treat_all < worst) continue;  // far below zero it would only squeeze the figure
    d.benefit_all.x.push_back(point.threshold);
    d.benefit_all.y.push_back(point.treat_all);
  }
  return {};
}

void histogram(const Event& event, Diagnostics& d) {
  constexpr std::size_t bins = 40;
  for (std::size_t i = 0; i <= bins; ++i) d.histogram_edges.push_back(static_cast<double>(i) / static_cast<double>(bins));
  d.histogram_events.assign(bins, 0);
  d.histogram_others.assign(bins, 0);
  for (std::size_t i = 0; i < event.p.size(); ++i) {
    const auto bin = std::min(bins - 1, static_cast<std::size_t>(event.p[i] * static_cast<double>(bins)));
    (event.y[i] == 1 ? d.histogram_events : d.histogram_others)[bin] += 1;
  }
}

Result<void> by_class(const Setting& setting, const Predicted& predicted, Diagnostics& d) {
  const std::size_t classes = setting.classes.size();
  d.classes.resize(classes);
  double cost = 0;
  std::vector<std::int32_t> y(predicted.labels.size());
  for (std::size_t k = 0; k < classes; ++k) {
    ClassRow& row = d.classes[k];
    row.name = setting.classes[k];
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      y[i] = predicted.labels[i] == static_cast<std::int32_t>(k) ? 1 : 0;
      row.rows += y[i];
      sum += predicted.probability[k][i];
    }
    row.mean_probability = std::clamp(sum / static_cast<double>(y.size()), 0.0, 1.0);
    if (classes == 2 && d.unseen_labels == 0) {
      row.auroc = d.auroc;  // one against the other is the same ranking, read backwards
    } else if (classes <= 50) {
      PLIMSOLL_TRY(row.auroc, auroc_interval(predicted.probability[k], y));
    }
  }
  for (std::size_t i = 0; i < predicted.decision.size(); ++i) {
    if (predicted.labels[i] < 0) continue;
    const auto k = static_cast<std::size_t>(predicted.labels[i]);
    ClassRow& row = d.classes[k];
    const std::uint8_t decision = predicted.decision[i];
    (decision == 0 ? row.act : decision == 1 ? row.pass : row.abstain) += 1;
    const double price = setting.cost[decision * classes + k];
    if (!std::isfinite(price)) continue;
    cost += price;
    ++d.priced;
  }
  if (d.priced > 0) d.mean_cost = cost / static_cast<double>(d.priced);
  return {};
}

Result<GroupRow> one_group(const std::vector<std::size_t>& rows, const Event& event, const Predicted& predicted) {
  GroupRow group;
  group.rows = std::ssize(rows);
  std::vector<double> p;
  std::vector<std::int32_t> y;
  double events = 0, sum = 0, covered = 0, sizes = 0, act = 0, abstain = 0;
  for (const std::size_t i : rows) {
    p.push_back(event.p[i]);
    y.push_back(event.y[i]);
    events += event.y[i];
    sum += event.p[i];
    if (!predicted.set_size.empty()) {
      covered += predicted.covered[i];
      sizes += predicted.set_size[i];
    }
    if (!predicted.decision.empty()) {
      act += predicted.decision[i] == 0 ? 1 : 0;
      abstain += predicted.decision[i] == 2 ? 1 : 0;
    }
  }
  const double n = static_cast<double>(rows.size());
  const stats::Interval rate = stats::wilson(events, n, level);
  group.event_rate = {true, events / n, rate.lo, rate.hi};
  group.mean_probability = std::clamp(sum / n, 0.0, 1.0);
  group.brier = stats::brier_score(p, y);
  PLIMSOLL_TRY(group.auroc, auroc_interval(p, y));
  group.covered_share = predicted.set_size.empty() ? -1 : covered / n;
  group.mean_size = sizes / n;
  group.act_share = act / n;
  group.abstain_share = abstain / n;
  return group;
}

Result<void> by_group(const Setting& setting, const Predicted& predicted, const Event& event, Diagnostics& d) {
  for (const GroupColumn& column : setting.groups) {
    if (column.names.size() > most_groups)
      d.remarks.push_back({0, "group " + column.name, "has " + std::to_string(column.names.size()) + " different values, so only the " + std::to_string(most_groups) + " largest are shown", "cut the column into fewer groups"});
    std::vector<std::vector<std::size_t>> members(column.names.size());
    for (std::size_t i = 0; i < column.codes.size(); ++i)
      if (column.codes[i] >= 0) members[static_cast<std::size_t>(column.codes[i])].push_back(i);
    std::vector<std::size_t> order(members.size());
    for (std::size_t g = 0; g < order.size(); ++g) order[g] = g;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      if (members[a].size() != members[b].size()) return members[a].size() > members[b].size();
      return column.names[a] < column.names[b];
    });
    if (order.size() > most_groups) order.resize(most_groups);
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return column.names[a] < column.names[b]; });
    for (const std::size_t g : order) {
      if (members[g].empty()) continue;
      PLIMSOLL_TRY(GroupRow row, one_group(members[g], event, predicted));
      row.column = column.name;
      row.name = column.names[g];
      d.groups.push_back(std::move(row));
    }
  }
  return {};
}

// A group whose share of events its mean probability misses, at 1 in 1,000 over all groups.
void warn_of_groups(Diagnostics& d) {
  if (d.groups.empty()) return;
  const double strict = 1.0 - 0.001 / static_cast<double>(d.groups.size());
  for (const GroupRow& g : d.groups) {
    const double n = static_cast<double>(g.rows);
    const stats::Interval rate = stats::wilson(g.event_rate.value * n, n, strict);
    if (g.rows < 30 || rate.contains(g.mean_probability)) continue;
    d.remarks.push_back({1, g.column + " = " + g.name, "the mean probability " + std::to_string(g.mean_probability).substr(0, 5) + " misses the group's share of events " + std::to_string(g.event_rate.value).substr(0, 5),
                         "give the learner more rows of that group, or let it use the column"});
  }
}

void warn_of_rows(const Setting& setting, Diagnostics& d) {
  const std::int64_t fewer = std::min(d.events, d.rows - d.events);
  if (d.unseen_labels > 0) d.remarks.push_back({1, "classes", std::to_string(d.unseen_labels) + " rows are of a class that the model does not know; no set can hold it", "fit again with rows of that class"});
  if (fewer == 0) d.remarks.push_back({1, "outcomes", "all rows have the same outcome: ranking cannot be judged", "report on rows of both outcomes"});
  else if (fewer < 20) d.remarks.push_back({1, "few rows", "only " + std::to_string(fewer) + " rows have the rarer outcome: every figure is uncertain, see its interval", "report on more rows"});
  else if (fewer * 100 < d.rows) d.remarks.push_back({0, "imbalance", "the rarer outcome makes up less than 1 % of the rows: accuracy says nothing here", "read AUPRC and the decision curve"});
  if (d.rows < 200 && fewer > 0) d.remarks.push_back({0, "few rows", std::to_string(d.rows) + " rows give wide intervals", "report on more rows"});
  if (!d.auroc.defined) return;
  if (d.auroc.value > 0.995 && fewer >= 20)
    d.remarks.push_back({1, "too good", "an AUROC above 0.995 is rarely honest: a feature may have been recorded after the outcome, or copy it", "look at the most important features, and leave out what is not known when the decision is taken"});
  if (d.auroc.low <= 0.5 && setting.positive >= 0) d.remarks.push_back({1, "no ranking", "the interval of the AUROC includes 0.5: on these rows the model cannot be told from chance", "add features that bear on the outcome, or more rows"});
}

}  // namespace

Result<Diagnostics> diagnose(Context& context, const Setting& setting, const Predicted& predicted) {
  Diagnostics d;
  d.source = setting.source;
  d.alpha = setting.alpha;
  d.event = setting.positive >= 0 ? setting.target + " = " + setting.classes[static_cast<std::size_t>(setting.positive)] : "the most probable class right";
  d.rows = std::ssize(predicted.labels);
  d.unseen_labels = std::count(predicted.labels.begin(), predicted.labels.end(), -1);
  const std::vector<std::int32_t> top = most_probable_of(predicted);
  const Event event = event_of(setting, predicted, top);
  d.events = std::count(event.y.begin(), event.y.end(), 1);
  const double n = static_cast<double>(d.rows);
  double sum = 0, width = 0, right = 0;
  for (std::size_t i = 0; i < event.p.size(); ++i) {
    sum += event.p[i];
    right += predicted.labels[i] == top[i] ? 1 : 0;
    if (!predicted.lower.empty()) width += predicted.upper[i] - predicted.lower[i];
  }
  d.mean_probability = std::clamp(sum / n, 0.0, 1.0);
  d.pair_width = std::clamp(width / n, 0.0, 1.0);
  d.accuracy = right / n;
  const Stream rng = context.rng.child("risk.classifier").child("diagnostics");
  const Event sorted = by_probability(event);
  PLIMSOLL_CHECK(rank_quality(context, sorted, rng, d));
  warn_of_rows(setting, d);
  PLIMSOLL_CHECK(calibration_quality(context, sorted, rng, d));
  PLIMSOLL_CHECK(benefit_curve(sorted, d));
  d.log_loss = stats::log_loss(event.p, event.y).clipped_value;
  if (setting.classes.size() > 2 && d.unseen_labels == 0) {
    const std::vector<std::span<const double>> columns(predicted.probability.begin(), predicted.probability.end());
    d.brier_all_classes = stats::class_brier_score(columns, predicted.labels);
    d.log_loss = stats::class_log_loss(columns, predicted.labels).clipped_value;
  }
  histogram(event, d);
  PLIMSOLL_CHECK(by_class(setting, predicted, d));
  PLIMSOLL_CHECK(by_group(setting, predicted, event, d));
  warn_of_groups(d);
  if (predicted.set_size.empty()) return d;
  d.set_sizes.assign(static_cast<std::size_t>(*std::max_element(predicted.set_size.begin(), predicted.set_size.end())) + 1, 0);
  for (const std::int32_t size : predicted.set_size) d.set_sizes[static_cast<std::size_t>(size)] += 1;
  return d;
}

}  // namespace plimsoll::risk::classifier
