// SPDX-License-Identifier: Apache-2.0
// The experiment behind the claims.
//   law:       members and outcome are N(0, 1), M = 2, 4, 8: E standard = (1 + 1/M) / sqrt(pi), E fair = 1 / sqrt(pi),
//              E almost fair = (1 + (1 - alpha) / M) / sqrt(pi). The mean score of n rows is a Lipschitz function of n (M + 1) standard
//              normal variables, so P(|mean - E| > t) <= 2 exp(-n t^2 / (2 L^2)) exactly, with L the largest norm of a row's gradient.
//   climate:   signal and noise of unit variance, members biased by 1, Y years. Anomalies against the other years' climates have
//              E fair = sqrt(2 + (1 + 1/M) / (Y - 1)) sqrt(2/pi) - 1 / sqrt(pi); the centring multiplies L by at most Y / (Y - 1).
//   intervals: over fresh samples the interval of the fair score holds 1 / sqrt(pi); hits are binomial.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "methods/score/forecast/forecast.h"
#include "stats/intervals.h"

namespace plimsoll::score::forecast {
namespace {

constexpr double false_alarm = 1e-6;
constexpr double slack = 0.02;  // what percentile intervals of some 200 rows may lack
constexpr int mean_checks = 10;
constexpr double fair_truth = std::numbers::inv_sqrtpi;

struct Sizes {
  std::int64_t law_rows, climate_groups, climate_years, trials, trial_rows;
};

Sizes sizes_of(ProveSize size) {
  switch (size) {
    case ProveSize::quick: return {30000, 4000, 5, 200, 200};
    case ProveSize::normal: return {200000, 20000, 20, 4000, 200};
    case ProveSize::full: return {2000000, 40000, 20, 20000, 200};
  }
  return {};
}

// Largest squared norm of the gradient of one row's score S - share H: the outcome lies above r of the sorted members.
double gradient_bound(int members, double share) {
  double most = 0;
  const double m = members;
  for (int r = 0; r <= members; ++r) {
    const double by_outcome = (m - 2 * r) / m;
    double norm = by_outcome * by_outcome;
    for (int i = 1; i <= members; ++i) {
      const double by_member = (i > r ? 1 : -1) / m - share * (2 * i - m - 1) / (m * (m - 1));
      norm += by_member * by_member;
    }
    most = std::max(most, norm);
  }
  return most;
}

// Half-width that |mean - E| passes with chance at most `alarm`.
double concentration(double gradient, double rows, double alarm) { return std::sqrt(2 * gradient * std::log(2 / alarm) / rows); }

double figure(const Report& report, std::string_view name) {
  for (const auto& [key, value] : report.figures)
    if (key == name) return value;
  return std::nan("");
}

Result<Table> members_table(std::vector<std::vector<double>> member, std::vector<double> observed, std::vector<std::int64_t> year) {
  TableBuilder builder;
  Roles roles = {{"target", {"y"}}};
  for (std::size_t j = 0; j < member.size(); ++j) {
    const std::string name = "m" + std::to_string(j);
    builder.real(name, std::move(member[j]));
    roles["member"].push_back(name);
  }
  builder.real("y", std::move(observed));
  if (!year.empty()) {
    builder.integer("year", std::move(year));
    roles["year"] = {"year"};
  }
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  return table.with_roles(std::move(roles));
}

Result<Table> standard_normal(Stream stream, int members, std::int64_t rows) {
  std::vector<std::vector<double>> member(static_cast<std::size_t>(members));
  std::vector<double> observed;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (auto& column : member) column.push_back(stream.normal());
    observed.push_back(stream.normal());
  }
  return members_table(std::move(member), std::move(observed), {});
}

// Each group is one day of the year, seen in every year; the years' climates are formed within it.
Result<Table> biased_years(Stream stream, int members, std::int64_t groups, std::int64_t years) {
  std::vector<std::vector<double>> member(static_cast<std::size_t>(members));
  std::vector<double> observed;
  std::vector<std::int64_t> year;
  std::vector<std::int64_t> day;
  for (std::int64_t g = 0; g < groups; ++g)
    for (std::int64_t y = 0; y < years; ++y) {
      const double signal = stream.normal();
      for (auto& column : member) column.push_back(1 + signal + stream.normal());
      observed.push_back(signal + stream.normal());
      year.push_back(y);
      day.push_back(g);
    }
  PLIMSOLL_TRY(const Table table, members_table(std::move(member), std::move(observed), std::move(year)));
  PLIMSOLL_TRY(const Table days, TableBuilder().integer("day", std::move(day)).build());
  PLIMSOLL_TRY(const Table joined, table.beside(days));
  Roles roles = table.roles();
  roles["climate"] = {"day"};
  return joined.with_roles(std::move(roles));
}

struct Seen {
  bool passed = true;
  std::map<std::string, double> figures;

  void mean(const std::string& name, double value, double truth, double allowed, double standard_error) {
    figures[name] = value;
    figures[name + "_truth"] = truth;
    figures[name + "_errors"] = (value - truth) / standard_error;
    passed = passed && std::fabs(value - truth) <= allowed;  // a NaN fails
  }
};

double standard_error(const Report& report, const std::string& name) { return (figure(report, name + "_high") - figure(report, name + "_low")) / (2 * 1.959963984540054); }

Result<void> look_at_law(Context& context, const Subject& subject, Stream root, const Sizes& sizes, Seen& seen) {
  Params params;
  params.replicates = 200;
  for (const int members : {2, 4, 8}) {
    PLIMSOLL_TRY(Table table, standard_normal(root.child(static_cast<std::uint64_t>(members)), members, sizes.law_rows));
    PLIMSOLL_TRY(const Report report, subject.assess(context, Inputs{std::move(table), std::nullopt}, params));
    for (const auto kind : {stats::CrpsKind::standard, stats::CrpsKind::fair, stats::CrpsKind::almost_fair}) {
      const std::string name(stats::choices_of(kind)[static_cast<std::size_t>(kind)]);
      const double share = stats::crps_share(kind, members, params.alpha);
      const double allowed = concentration(gradient_bound(members, share), static_cast<double>(sizes.law_rows), false_alarm / 2 / mean_checks);
      seen.mean(name + "_" + std::to_string(members), figure(report, "crps_" + name), (2 - share) * fair_truth, allowed, standard_error(report, "crps_" + name));
    }
  }
  return {};
}

Result<void> look_at_climate(Context& context, const Subject& subject, Stream root, const Sizes& sizes, Seen& seen) {
  constexpr int members = 8;
  Params params;
  params.replicates = 200;
  const auto years = static_cast<double>(sizes.climate_years);
  PLIMSOLL_TRY(Table table, biased_years(root, members, sizes.climate_groups, sizes.climate_years));
  const double rows = static_cast<double>(table.rows());
  PLIMSOLL_TRY(const Report report, subject.assess(context, Inputs{std::move(table), std::nullopt}, params));
  const double truth = std::sqrt(2 + (1 + 1.0 / members) / (years - 1)) * std::numbers::sqrt2 * std::numbers::inv_sqrtpi - fair_truth;
  const double centring = years / (years - 1);
  const double allowed = concentration(centring * centring * gradient_bound(members, 1), rows, false_alarm / 2 / mean_checks);
  seen.figures["climate_raw"] = figure(report, "crps_raw");
  seen.mean("climate_anomaly", figure(report, "crps_anomaly"), truth, allowed, standard_error(report, "crps_anomaly"));
  return {};
}

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const Sizes sizes = sizes_of(options.size);
  const Stream root = Stream(options.seed).child("score.forecast.prove");
  Seen seen;
  PLIMSOLL_CHECK(look_at_law(context, subject, root.child("law"), sizes, seen));
  PLIMSOLL_CHECK(look_at_climate(context, subject, root.child("climate"), sizes, seen));
  Params params;
  params.replicates = 200;
  std::int64_t hits = 0;
  const Stream trials = root.child("intervals");
  for (std::int64_t trial = 0; trial < sizes.trials; ++trial) {
    PLIMSOLL_CHECK(context.stop.check());
    PLIMSOLL_TRY(Table table, standard_normal(trials.child(static_cast<std::uint64_t>(trial)), 4, sizes.trial_rows));
    PLIMSOLL_TRY(const Report report, subject.assess(context, Inputs{std::move(table), std::nullopt}, params));
    if (figure(report, "crps_fair_low") <= fair_truth && fair_truth <= figure(report, "crps_fair_high")) ++hits;
  }
  const stats::Interval band = stats::clopper_pearson(hits, sizes.trials, 1 - false_alarm);
  Evidence evidence;
  evidence.method = "score.forecast";
  evidence.claim = "the three CRPS have their exact expectations at any ensemble size, anomalies keep the scored year out, and the interval of the fair score holds its truth";
  evidence.level = params.level - slack;
  evidence.observed = static_cast<double>(hits) / static_cast<double>(sizes.trials);
  evidence.low = band.lo;
  evidence.high = band.hi;
  evidence.trials = sizes.trials;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.passed = seen.passed && stats::clopper_pearson_upper(hits, sizes.trials, 1 - false_alarm / 2) >= evidence.level;
  evidence.detects = "the standard score under the name of the fair one; a climate that holds the scored year; intervals of half their width";
  evidence.figures = std::move(seen.figures);
  return evidence;
}

}  // namespace plimsoll::score::forecast
