// SPDX-License-Identifier: Apache-2.0
// Consequences of acting from one threshold on, and the threshold that suits the costs best.

#include <algorithm>
#include <cmath>
#include <limits>

#include "methods/score/decision/parts.h"
#include "stats/intervals.h"
#include "stats/ranking.h"

namespace plimsoll::score::decision {
namespace {

constexpr std::size_t most_forecasters = 20;

// A ratio of two means, with what each row adds; shares get their interval on the logit scale.
stats::Influence ratio(const std::vector<double>& above, const std::vector<double>& below, std::span<const double> weight) {
  const stats::Influence a = stats::mean_influence(above, weight), b = stats::mean_influence(below, weight);
  if (!(b.value > 0)) return {nan, {}};
  stats::Influence out{a.value / b.value, std::vector<double>(a.rows.size())};
  for (std::size_t i = 0; i < a.rows.size(); ++i) out.rows[i] = (a.rows[i] - out.value * b.rows[i]) / b.value;
  return out;
}

stats::Estimate share_estimate(const stats::Influence& i, const stats::Dependence& d, double level) {
  stats::Estimate e = stats::estimate(i, d, level);
  if (e.value > 0 && e.value < 1 && e.standard_error > 0) e.interval = stats::logit_interval(e.value, e.standard_error, level);
  return e;
}

struct Line {
  const char* name;
  const char* figure;
  stats::Influence Consequences::*value;
  bool share;
  const char* remark;
};
constexpr std::array<Line, 7> lines = {{{"acted on", "treated", &Consequences::treated, true, "share of rows at or above the threshold"},
                                        {"sensitivity", "sensitivity", &Consequences::sensitivity, true, "share of the events acted on"},
                                        {"specificity", "specificity", &Consequences::specificity, true, "share of the others left alone"},
                                        {"precision", "precision", &Consequences::precision, true, "share of events among those acted on"},
                                        {"negative value", "negative_value", &Consequences::negative_value, true, "share of others among those left alone"},
                                        {"net benefit", "net_benefit", &Consequences::net_benefit, false, "in true positives a row"},
                                        {"mean cost", "cost", &Consequences::cost, false, "a row, in the units of the costs"}}};

// Rows to choose on and rows to measure on: halves at random, clusters whole.
std::vector<std::int32_t> halves(const Case& c) {
  std::vector<std::int32_t> part(c.data.rows());
  const Stream rng = c.context.rng.child("score.decision").child("halves");
  for (std::size_t i = 0; i < part.size(); ++i) {
    Stream own = rng.child(c.data.cluster.empty() ? i : static_cast<std::size_t>(c.data.cluster[i]));
    part[i] = own.bernoulli(0.5) ? 1 : 0;
  }
  return part;
}

// The threshold of least cost on the rows of a part (-1: all): acting on nothing is a threshold above every forecast.
Result<double> cheapest(const Case& c, const std::vector<std::int32_t>& part, std::int32_t chosen) {
  std::vector<double> p, w;
  std::vector<std::int32_t> y;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (chosen >= 0 && part[i] != chosen) continue;
    p.push_back(c.forecast(0)[i]);
    y.push_back(c.data.outcome[i]);
    w.push_back(c.data.weight.empty() ? 1 : c.data.weight[i]);
  }
  const auto table = stats::rank_table(p, y, w);
  if (!table) return c.params.threshold();  // one outcome only: nothing to learn from
  double cost = table.value().positives * c.params.cost_false_negative, least = cost, best = std::numeric_limits<double>::infinity();
  for (std::size_t i = table.value().groups.size(); i-- > 0;) {
    const stats::RankGroup& g = table.value().groups[i];
    cost += g.negatives * c.params.cost_false_positive - g.positives * c.params.cost_false_negative;
    if (cost < least) {
      least = cost;
      best = g.score;
    }
  }
  return best;
}

double cost_of(const Params& params, double p, std::int32_t y, double threshold) {
  if (p >= threshold) return y == 1 ? 0 : params.cost_false_positive;
  return y == 1 ? params.cost_false_negative : 0;
}

}  // namespace

Consequences consequences(const Params& params, std::span<const double> p, std::span<const std::int32_t> y,
                          std::span<const double> weight, double threshold) {
  const std::size_t n = p.size();
  std::vector<double> treated(n), left(n), events(n), others(n), hits(n), quiet(n), benefit(n), cost(n);
  const double odds = params.cost_false_positive / params.cost_false_negative;
  for (std::size_t i = 0; i < n; ++i) {
    const bool act = p[i] >= threshold, event = y[i] == 1;
    treated[i] = act ? 1 : 0;
    left[i] = act ? 0 : 1;
    events[i] = event ? 1 : 0;
    others[i] = event ? 0 : 1;
    hits[i] = act && event ? 1 : 0;
    quiet[i] = !act && !event ? 1 : 0;
    benefit[i] = act ? (event ? 1 : -odds) : 0;
    cost[i] = cost_of(params, p[i], y[i], threshold);
  }
  return {stats::mean_influence(treated, weight), ratio(hits, events, weight), ratio(quiet, others, weight), ratio(hits, treated, weight),
          ratio(quiet, left, weight), stats::mean_influence(benefit, weight), stats::mean_influence(cost, weight)};
}

Result<void> at_the_threshold(Case& c) {
  const double t = c.params.threshold();
  c.figure("threshold", t);
  const std::vector<double> everything(c.data.rows(), 1.0);
  const Consequences all = consequences(c.params, everything, c.data.outcome, c.weight(), t);
  TableBlock differences;
  differences.title = "Differences of net benefit at the threshold";
  differences.caption = "Row by row; Holm's p-values take the number of comparisons into account.";
  differences.columns = {"forecast", "less", "difference", "low", "high", "p-value", "Holm"};
  std::vector<double> p_values;
  Consequences first;
  for (std::size_t k = 0; k < std::min(c.data.forecasters.size(), most_forecasters); ++k) {
    const std::string& name = c.data.forecasters[k].name;
    const Consequences now = consequences(c.params, c.forecast(k), c.data.outcome, c.weight(), t);
    TableBlock table;
    table.title = "Acting from " + learn::short_number(t) + " on: " + name;
    table.caption = "A false alarm costs " + learn::short_number(c.params.cost_false_positive) + ", a miss " + learn::short_number(c.params.cost_false_negative) + "; acting costs no more than passing from the threshold on.";
    table.columns = {"what", "value", "low", "high", "remark"};
    for (const Line& line : lines) {
      const stats::Influence& i = now.*(line.value);
      const stats::Estimate e = line.share ? share_estimate(i, c.dependence, c.params.level) : stats::estimate(i, c.dependence, c.params.level);
      table.rows.push_back(learn::estimate_cells(line.name, e, line.remark));
      if (k == 0) c.figure(line.figure, e);
    }
    const double most = c.base;  // net benefit of acting on all events and nothing else
    table.rows.push_back({std::string("standardised net benefit"), learn::number_or_words(most > 0 ? now.net_benefit.value / most : nan), learn::number_or_words(nan), learn::number_or_words(nan), std::string("1 is acting on events alone")});
    table.rows.push_back({std::string("interventions avoided"), (now.net_benefit.value - all.net_benefit.value) * (1 - t) / t, learn::number_or_words(nan), learn::number_or_words(nan), std::string("a row, against acting on all, at equal hits")});
    c.report.table(std::move(table));
    const auto add = [&](const std::string& less, const stats::Influence& other, const std::string& figure) {
      const stats::Comparison one = stats::compare(k == 0 ? now.net_benefit : first.net_benefit, other, c.dependence, c.params.level);
      differences.rows.push_back({c.data.forecasters.front().name, less, learn::number_or_words(one.difference.value), learn::number_or_words(one.difference.interval.lo), learn::number_or_words(one.difference.interval.hi), learn::number_or_words(one.p_value), 0.0});
      p_values.push_back(std::isnan(one.p_value) ? 1 : one.p_value);
      c.figure(figure, one.difference);
    };
    if (k == 0) {
      first = now;
      c.figure("treat_all", all.net_benefit.value);
      add("acting on all", all.net_benefit, "benefit_over_all");
      add("acting on none", stats::Influence{0, std::vector<double>(c.data.rows())}, "benefit_over_none");
    } else {
      add(name, now.net_benefit, "benefit_over_" + name);
    }
  }
  const std::vector<double> adjusted = stats::holm_adjusted(p_values);
  for (std::size_t i = 0; i < adjusted.size(); ++i) differences.rows[i][6] = adjusted[i];
  c.report.table(std::move(differences));
  return {};
}

Result<void> best_threshold(Case& c) {
  const std::vector<std::int32_t> part = halves(c);
  PLIMSOLL_TRY(const double best, cheapest(c, part, -1));
  double by_half[2];
  for (int h = 0; h < 2; ++h) {
    PLIMSOLL_TRY(by_half[h], cheapest(c, part, h));
  }
  std::vector<double> seen(part.size()), honest(part.size()), told(part.size());
  for (std::size_t i = 0; i < part.size(); ++i) {
    const double p = c.forecast(0)[i];
    const std::int32_t y = c.data.outcome[i];
    seen[i] = cost_of(c.params, p, y, best);
    honest[i] = cost_of(c.params, p, y, by_half[1 - part[i]]);
    told[i] = cost_of(c.params, p, y, c.params.threshold());
  }
  const stats::Influence told_cost = stats::mean_influence(told, c.weight()), honest_cost = stats::mean_influence(honest, c.weight());
  const stats::Comparison gap = stats::compare(honest_cost, told_cost, c.dependence, c.params.level);
  TableBlock table;
  table.title = "Would another threshold cost less?";
  table.caption = "Exact forecasts need none but that of the costs. The threshold that is best on these rows flatters itself on them; measured on the half that it was not chosen on, it does not.";
  table.columns = {"threshold", "mean cost", "low", "high", "remark"};
  const auto add = [&](const std::string& name, const stats::Influence& i, std::string remark) { table.rows.push_back(learn::estimate_cells(name, stats::estimate(i, c.dependence, c.params.level), std::move(remark))); };
  add(learn::short_number(c.params.threshold()), told_cost, "of the costs");
  add(std::isinf(best) ? "never" : learn::short_number(best), stats::mean_influence(seen, c.weight()), "best on these rows, measured on them");
  add(learn::short_number(by_half[0]) + " and " + learn::short_number(by_half[1]), honest_cost, "chosen on one half, measured on the other");
  table.rows.push_back(learn::estimate_cells("difference", gap.difference, "the last less the first, p-value " + learn::short_number(gap.p_value)));
  c.figure("best_threshold", best);
  c.figure("best_threshold_gain", gap.difference);
  c.report.table(std::move(table));
  return {};
}

}  // namespace plimsoll::score::decision
