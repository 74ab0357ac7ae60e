// SPDX-License-Identifier: Apache-2.0
// The report of an ensemble: its scores with intervals, spread against skill, ranks, thresholds, anomalies, fields, groups.
#include <algorithm>
#include <cmath>
#include <limits>

#include "methods/score/forecast/forecast.h"
#include "stats/corp.h"
#include "stats/order_statistics.h"

namespace plimsoll::score::forecast {
namespace {

constexpr double far_in_spreads = 20;  // errors beyond this many spreads: other units, most likely

std::string counted(std::int64_t n, const std::string& what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); }

// Everything that the sections share.
struct Work {
  Context& context;
  const Forecasts& forecasts;
  const Params& params;
  Scored scored;
  Measures measures;
  Report report;
  std::vector<Finding> findings;
};

void warn(Work& work, std::string subject, std::string text, std::string mend) {
  work.findings.push_back({ReportSeverity::warning, std::move(subject), std::move(text), std::move(mend)});
}

void note(Work& work, std::string subject, std::string text, std::string mend = {}) {
  work.findings.push_back({ReportSeverity::note, std::move(subject), std::move(text), std::move(mend)});
}


std::vector<double> map_rows(const Scored& scored, const std::function<double(std::size_t)>& f) {
  std::vector<double> values(scored.crps.size(), none);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isnan(scored.crps[i])) values[i] = f(i);
  return values;
}

double median(std::vector<double> values) {
  std::erase_if(values, [](double x) { return std::isnan(x); });
  if (values.empty()) return none;
  return stats::kth_smallest(values, static_cast<std::int64_t>((values.size() + 1) / 2));
}

void look_at_rows(Work& work) {
  const Scored& scored = work.scored;
  if (scored.without_outcome > 0) note(work, "outcomes", counted(scored.without_outcome, "forecast") + " without an outcome: not scored.");
  if (scored.lacking_members > 0)
    warn(work, "members", counted(scored.lacking_members, "forecast") + " not scored for want of members.", "--missing omit scores a row by the members it has");
  if (scored.constant > 0) warn(work, "spread", counted(scored.constant, "forecast") + " whose members are all equal.", "A forecast without spread claims certainty");
  if (scored.fewest < scored.most) {
    const bool fair = work.params.kind == stats::CrpsKind::fair;
    const std::string sizes = "Forecasts have between " + std::to_string(scored.fewest) + " and " + std::to_string(scored.most) + " members.";
    if (fair) note(work, "members", sizes + " Fair scores of different sizes are compared; the standard and almost fair ones are not comparable.");
    else warn(work, "members", sizes + " Only fair scores of different sizes are comparable.", "Give --kind fair");
  }
  const double error = median(map_rows(scored, [&](std::size_t i) { return std::fabs(scored.rows.error[i]); }));
  const double spread = median(map_rows(scored, [&](std::size_t i) { return std::sqrt(scored.rows.variance[i]); }));
  if (spread > 0 && error > far_in_spreads * spread)
    warn(work, "units", "The median error is " + std::to_string(static_cast<std::int64_t>(error / spread)) + " times the median spread.", "Are members and outcomes in one unit (Celsius and Kelvin, mm and m)?");
}

// --- the scores every ensemble has ---

struct Core {
  std::size_t crps = 0, standard = 0, fair = 0, almost = 0, absolute = 0, error = 0, square = 0, scaled_square = 0, variance = 0, dss = 0, spread_error = 0;
  std::size_t linear = 0, curved = 0;
  Ranks ranks;
};

Core add_core(Work& work) {
  const stats::EnsembleRows& rows = work.scored.rows;
  const double alpha = work.params.alpha;
  Core core;
  const auto only_scored = [&](std::vector<double> values) {
    for (std::size_t i = 0; i < values.size(); ++i)
      if (std::isnan(work.scored.crps[i])) values[i] = none;
    return values;
  };
  core.crps = work.measures.add(work.scored.crps);
  core.standard = work.measures.add(only_scored(kind_column(rows, stats::CrpsKind::standard, alpha)));
  core.fair = work.measures.add(only_scored(kind_column(rows, stats::CrpsKind::fair, alpha)));
  core.almost = work.measures.add(only_scored(kind_column(rows, stats::CrpsKind::almost_fair, alpha)));
  const auto add = [&](const std::function<double(std::size_t)>& f) { return work.measures.add(map_rows(work.scored, f)); };
  core.absolute = add([&](std::size_t i) { return std::fabs(rows.error[i]); });
  core.error = add([&](std::size_t i) { return rows.error[i]; });
  core.square = add([&](std::size_t i) { return rows.error[i] * rows.error[i]; });
  core.scaled_square = add([&](std::size_t i) { return rows.error[i] * rows.error[i] * rows.used[i] / (rows.used[i] + 1.0); });
  core.variance = add([&](std::size_t i) { return rows.variance[i]; });
  core.dss = add([&](std::size_t i) { return rows.variance[i] > 0 ? stats::dawid_sebastiani(rows.error[i], rows.variance[i]) : none; });
  const std::vector<double> skewness = member_skewness(work.forecasts, work.scored, 1.0);
  core.spread_error = add([&](std::size_t i) { return std::isnan(skewness[i]) ? none : stats::error_spread(rows.error[i], rows.variance[i], skewness[i]); });
  core.ranks = rank_rows(work.context, work.forecasts, rows);
  core.linear = work.measures.add(core.ranks.linear, false);
  core.curved = work.measures.add(core.ranks.curved, false);
  return core;
}

void say_core(Work& work, const Core& core) {
  const Measures& m = work.measures;
  const double level = work.params.level;
  const auto root = [](std::span<const double> means) { return std::sqrt(means[0]); };
  std::vector<Line> lines = {
      {"crps", "CRPS (" + std::string(choices_of(work.params.kind)[static_cast<std::size_t>(work.params.kind)]) + ")", m.mean(core.crps, level), "leads this report"},
      {"crps_standard", "CRPS, standard", m.mean(core.standard, level), "of the members as they are; too small a spread is rewarded"},
      {"crps_fair", "CRPS, fair", m.mean(core.fair, level), "of the law that the members are drawn from, whatever their number"},
      {"crps_almost_fair", "CRPS, almost fair", m.mean(core.almost, level), "alpha times fair and 1 - alpha times standard"},
      {"mae", "absolute error of the mean", m.mean(core.absolute, level), ""},
      {"rmse", "RMSE of the mean", m.of({core.square}, level, root), ""},
      {"bias", "mean of members less outcome", m.mean(core.error, level), "positive: forecast too high"},
      {"spread", "spread", m.of({core.variance}, level, root), "root of the mean variance (M - 1)"},
      {"spread_skill", "spread / RMSE", m.of({core.variance, core.scaled_square}, level, [](std::span<const double> v) { return std::sqrt(v[0] / v[1]); }),
       "RMSE scaled by sqrt(M / (M + 1)); 1 is right, below too confident"},
      {"dawid_sebastiani", "Dawid-Sebastiani score", m.mean(core.dss, level), "log variance + error^2 / variance"},
      {"error_spread", "error-spread score", m.mean(core.spread_error, level), "zero if spread and skewness foretell the error"}};
  add_lines(work.report, "Scores", "Lower is better but for bias (0) and spread / RMSE (1). Intervals by block bootstrap of " + counted(static_cast<std::int64_t>(work.forecasts.units), work.forecasts.unit_name) +
                                       ", blocks of " + std::to_string(m.block()) + ".",
            lines);
  add_rank_histogram(work.report, core.ranks, m, core.linear, core.curved, work.findings);
}

// Ten groups of equal size by spread: their error should rise along the diagonal.
void add_spread_skill(Work& work) {
  const stats::EnsembleRows& rows = work.scored.rows;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (!std::isnan(work.scored.crps[i]) && rows.used[i] > 1) order.push_back(i);
  constexpr std::size_t bins = 10;
  if (order.size() < 20 * bins) return;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rows.variance[a] != rows.variance[b] ? rows.variance[a] < rows.variance[b] : a < b; });
  FigureBlock figure;
  figure.kind = FigureKind::lines;
  figure.title = "Spread and skill";
  figure.description = "Forecasts in ten groups by rising spread: the root mean square error of each group against its spread. A right ensemble lies on the line where both are equal.";
  figure.x_title = "spread";
  figure.y_title = "RMSE, scaled to the size of the ensemble";
  std::vector<double> spreads;
  std::vector<double> errors;
  for (std::size_t b = 0; b < bins; ++b) {
    double variance = 0;
    double square = 0;
    const std::size_t begin = b * order.size() / bins;
    const std::size_t end = (b + 1) * order.size() / bins;
    for (std::size_t k = begin; k < end; ++k) {
      const std::size_t i = order[k];
      variance += rows.variance[i];
      square += rows.error[i] * rows.error[i] * rows.used[i] / (rows.used[i] + 1.0);
    }
    spreads.push_back(std::sqrt(variance / static_cast<double>(end - begin)));
    errors.push_back(std::sqrt(square / static_cast<double>(end - begin)));
  }
  for (const bool seen : {true, false})
    for (std::size_t b = 0; b < bins; ++b) {
      figure.x.push_back(spreads[b]);
      figure.y.push_back(seen ? errors[b] : spreads[b]);
      figure.series.emplace_back(seen ? "seen" : "equal");
    }
  work.report.figure(std::move(figure));
}

// --- rivals ---

struct Rival {
  std::vector<double> crps;
  std::size_t ours = 0, theirs = 0, climatology = 0, ours_with_climatology = 0;
  std::int32_t members = 0;
};

Result<Rival> add_rival(Work& work) {
  Rival rival;
  const Forecasts& forecasts = work.forecasts;
  std::vector<double> outcomes;
  std::vector<double> weights;
  for (std::size_t i = 0; i < forecasts.rows; ++i) {
    if (std::isnan(work.scored.crps[i])) continue;
    outcomes.push_back(forecasts.observed[i]);
    if (!forecasts.weight.empty()) weights.push_back(forecasts.weight[i]);
  }
  std::vector<double> fair(outcomes.size());
  stats::climatology_scores(outcomes, weights, fair);
  std::size_t at = 0;
  rival.climatology = work.measures.add(map_rows(work.scored, [&](std::size_t) { return fair[at++]; }));
  if (forecasts.reference.empty()) return rival;
  PLIMSOLL_TRY(Scored scored, score_members(work.context, forecasts.reference_columns(), forecasts.observed, work.params, forecasts.first_row, {}));
  rival.members = scored.most;
  rival.crps = std::move(scored.crps);
  std::vector<double> ours = work.scored.crps;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (std::isnan(rival.crps[i])) ours[i] = none;
    if (std::isnan(ours[i])) rival.crps[i] = none;
  }
  rival.ours = work.measures.add(ours);
  rival.theirs = work.measures.add(rival.crps);
  if (work.params.kind != stats::CrpsKind::fair && (scored.most != work.scored.most || scored.fewest != work.scored.fewest))
    warn(work, "reference", "The rival has " + std::to_string(scored.most) + " members, this ensemble " + std::to_string(work.scored.most) + ": the larger has an unearned advantage.", "Give --kind fair");
  return rival;
}

void say_rival(Work& work, const Core& core, const Rival& rival) {
  const double level = work.params.level;
  const auto skill = [](std::span<const double> v) { return v[1] > 0 ? 1 - v[0] / v[1] : none; };
  std::vector<Line> lines;
  // The climatology has a fair score of its own size, so it meets the fair score.
  lines.push_back({"skill_climatology", "skill against climatology", work.measures.of({core.fair, rival.climatology}, level, skill),
                   "1 - fair CRPS / fair CRPS of all other outcomes as an ensemble; below 0 is worse than knowing nothing of the day"});
  if (!rival.crps.empty()) {
    lines.push_back({"crps_reference", "CRPS of the rival", work.measures.mean(rival.theirs, level), ""});
    lines.push_back({"skill_reference", "skill against the rival", work.measures.of({rival.ours, rival.theirs}, level, skill), "1 - CRPS / CRPS of the rival"});
    lines.push_back({"crps_difference", "CRPS less that of the rival", work.measures.of({rival.ours, rival.theirs}, level, [](std::span<const double> v) { return v[0] - v[1]; }), "negative: ours is better"});
  }
  add_lines(work.report, "Skill", "", lines);
  if (rival.crps.empty()) return;
  const PairedTest test = paired_test(work.forecasts, work.scored.crps, rival.crps);
  work.report.figures.emplace_back("diebold_mariano", test.statistic);
  work.report.figures.emplace_back("diebold_mariano_p", test.p_value);
  work.report.table({"Is the difference to the rival real?", "Diebold-Mariano test of equal expected scores, two-sided; Newey-West variance; Student's t.",
                     {"statistic", "p-value", "lag"},
                     {{test.statistic, test.p_value, test.lag}}});
}

// --- anomalies ---

struct Anomalies {
  bool any = false;
  std::size_t crps = 0, raw = 0;
  std::int64_t left_out = 0;
};

Result<Anomalies> add_anomalies(Work& work) {
  Anomalies anomalies;
  if (work.forecasts.year.codes.empty()) return anomalies;
  const std::vector<double> shifted = anomaly_outcomes(work.forecasts, work.scored);
  PLIMSOLL_TRY(const Scored scored, score_members(work.context, work.forecasts.member_columns(), shifted, work.params, work.forecasts.first_row, work.forecasts.member_names));
  std::vector<double> raw = work.scored.crps;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (!std::isnan(raw[i]) && std::isnan(scored.crps[i])) ++anomalies.left_out;
    if (std::isnan(scored.crps[i])) raw[i] = none;
  }
  anomalies.any = scored.scored > 0;
  anomalies.crps = work.measures.add(scored.crps);
  anomalies.raw = work.measures.add(raw);
  if (anomalies.left_out > 0) warn(work, "climate", counted(anomalies.left_out, "forecast") + " whose climate group has no other year: no anomaly.", "Bind fewer climate columns, or give more years");
  return anomalies;
}

void say_anomalies(Work& work, const Anomalies& anomalies) {
  if (!anomalies.any) return;
  const double level = work.params.level;
  add_lines(work.report, "Anomalies",
            "Members less the model's own climate against outcomes less theirs, each climate from the other years only: a constant bias costs nothing here, and the scored year cannot leak into its own reference.",
            {{"crps_raw", "CRPS of the same rows, raw", work.measures.mean(anomalies.raw, level), ""},
             {"crps_anomaly", "CRPS of anomalies", work.measures.mean(anomalies.crps, level), ""},
             {"anomaly_gain", "raw less anomaly", work.measures.of({anomalies.raw, anomalies.crps}, level, [](std::span<const double> v) { return v[0] - v[1]; }), "what the model's bias costs"}});
}

// --- thresholds ---

struct Exceedance {
  Threshold threshold;
  std::size_t brier = 0, fair = 0, crps = 0, outcome = 0;
};
struct Thresholds {
  std::vector<Exceedance> each;
  std::size_t rps = 0, fair_rps = 0;
};

Result<Thresholds> add_thresholds(Work& work) {
  Thresholds all;
  std::vector<double> rps(work.forecasts.rows);
  std::vector<double> fair_rps(work.forecasts.rows);
  for (const double at : work.params.thresholds) {
    Exceedance e;
    PLIMSOLL_TRY(e.threshold, score_threshold(work.context, work.forecasts, work.scored, work.params, at));
    e.brier = work.measures.add(e.threshold.brier);
    e.fair = work.measures.add(e.threshold.fair_brier);
    e.crps = work.measures.add(e.threshold.weighted_crps);
    e.outcome = work.measures.add(map_rows(work.scored, [&](std::size_t i) { return work.forecasts.observed[i] > at ? 1.0 : 0.0; }));
    for (std::size_t i = 0; i < rps.size(); ++i) {
      rps[i] += e.threshold.brier[i];
      fair_rps[i] += e.threshold.fair_brier[i];
    }
    all.each.push_back(std::move(e));
  }
  if (!all.each.empty()) {
    all.rps = work.measures.add(rps);
    all.fair_rps = work.measures.add(fair_rps);
  }
  return all;
}

Result<void> say_thresholds(Work& work, const Thresholds& all) {
  if (all.each.empty()) return {};
  const double level = work.params.level;
  TableBlock block{"Thresholds", "Exceedance of each value: Brier score of the share of members above it, as it is and fair; CRPS with weight above the value only; CORP of the probabilities (k + 1/2) / (M + 1).",
                   {"threshold", "share above", "Brier", "low", "high", "fair Brier", "low", "high", "weighted CRPS", "low", "high", "miscalibration", "discrimination", "uncertainty"}, {}};
  std::size_t figures = 0;
  for (const Exceedance& e : all.each) {
    const stats::Estimate brier = work.measures.mean(e.brier, level);
    const stats::Estimate fair = work.measures.mean(e.fair, level);
    const stats::Estimate crps = work.measures.mean(e.crps, level);
    std::vector<Cell> row = {e.threshold.at, work.measures.mean(e.outcome, level).value};
    for (const stats::Estimate& x : {brier, fair, crps}) row.insert(row.end(), {x.value, x.interval.lo, x.interval.hi});
    PLIMSOLL_TRY(const stats::Corp corp, stats::corp(e.threshold.probability, e.threshold.happened));
    row.insert(row.end(), {corp.brier.miscalibration, corp.brier.discrimination, corp.brier.uncertainty});
    block.rows.push_back(std::move(row));
    if (++figures > 6) continue;
    FigureBlock figure;
    figure.kind = FigureKind::reliability;
    figure.title = "Reliability of exceeding " + std::to_string(e.threshold.at);
    figure.description = "Forecast probability of exceeding the threshold against how often it happened, by pool-adjacent-violators.";
    figure.x_title = "forecast probability";
    figure.y_title = "observed share";
    for (const stats::CorpBin& bin : corp.bins) {
      if (figure.x.size() >= 400) break;
      figure.x.push_back((bin.from + bin.to) / 2);
      figure.y.push_back(bin.recalibrated);
    }
    work.report.figure(std::move(figure));
  }
  work.report.table(std::move(block));
  add_lines(work.report, "Ranked probability score", "Sum of the Brier scores of all thresholds: the score of their classes.",
            {{"rps", "RPS", work.measures.mean(all.rps, level), ""}, {"rps_fair", "RPS, fair", work.measures.mean(all.fair_rps, level), ""}});
  return {};
}

// --- quantiles taken from members ---

std::vector<std::size_t> add_levels(Work& work) {
  const std::vector<double>& levels = work.params.levels;
  std::vector<std::vector<double>> scores(levels.size(), std::vector<double>(work.forecasts.rows, none));
  const std::vector<const double*> members = work.forecasts.member_columns();
  std::vector<double> sorted;
  for (std::size_t i = 0; !levels.empty() && i < work.forecasts.rows; ++i) {
    if (std::isnan(work.scored.crps[i])) continue;
    sorted.clear();
    for (const double* member : members)
      if (!std::isnan(member[i])) sorted.push_back(member[i]);
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t k = 0; k < levels.size(); ++k) scores[k][i] = stats::quantile_score(stats::quantile_of_sorted(sorted, levels[k]), levels[k], work.forecasts.observed[i]) / 2;
  }
  std::vector<std::size_t> measures;
  for (const auto& score : scores) measures.push_back(work.measures.add(score));
  return measures;
}

void say_levels(Work& work, const std::vector<std::size_t>& measures) {
  if (measures.empty()) return;
  std::vector<Line> lines;
  for (std::size_t k = 0; k < measures.size(); ++k)
    lines.push_back({"", "pinball loss at " + std::to_string(work.params.levels[k]), work.measures.mean(measures[k], work.params.level), ""});
  add_lines(work.report, "Quantiles of the members", "Between order statistics (type 7).", lines, false);
}

// --- fields ---

struct FieldSection {
  bool any = false;
  FieldScores scores;
  std::size_t energy = 0, variogram = 0, kernel = 0;
};

Result<FieldSection> add_fields(Work& work) {
  FieldSection fields;
  if (work.forecasts.cases.empty()) return fields;
  fields.any = true;
  PLIMSOLL_TRY(fields.scores, score_fields(work.context, work.forecasts, work.scored, work.params));
  fields.energy = work.measures.add_by_case(fields.scores.energy);
  fields.variogram = work.measures.add_by_case(fields.scores.variogram);
  fields.kernel = work.measures.add_by_case(fields.scores.kernel);
  if (fields.scores.left_out > 0)
    warn(work, "fields", counted(fields.scores.left_out, "case") + " not scored as a field: a row lacks its outcome or a member.", "Give whole fields, or drop those cases");
  if (fields.scores.variogram_too_large)
    note(work, "fields", "The variogram score takes all pairs of points and is left out for fields of more than " + std::to_string(work.params.variogram_points) + ".", "Raise --variogram_points");
  return fields;
}

void say_fields(Work& work, const FieldSection& fields) {
  if (!fields.any) return;
  const double level = work.params.level;
  std::vector<Line> lines = {{"energy", "energy score", work.measures.mean(fields.energy, level), "the CRPS of a field, of the kind that leads this report"},
                             {"variogram", "variogram score", work.measures.mean(fields.variogram, level), "dependence between points, order " + std::to_string(work.params.variogram_order)}};
  if (work.params.kernel_bandwidth > 0) lines.push_back({"kernel", "Gaussian kernel score", work.measures.mean(fields.kernel, level), "bounded: far outliers count little"});
  add_lines(work.report, "Fields", "Each case is one field of its rows.", lines);
}

void open_report(Work& work) {
  Report& report = work.report;
  report.title = "Ensemble forecast";
  report.facts = {{"forecasts", std::to_string(work.forecasts.rows)},
                  {"scored", std::to_string(work.scored.scored)},
                  {"members", std::to_string(work.forecasts.member.size())},
                  {"bootstrap", counted(work.params.replicates, "draw") + " of " + counted(static_cast<std::int64_t>(work.measures.units()), "unit")}};
  report.text("What the scores mean",
              "The CRPS measures a whole forecast distribution in the unit of the forecast: 0 is certainty that was right. With members x and outcome y it is mean |x - y| less a share of the mean difference between "
              "members. The fair form estimates the score of the law that the members are drawn from, so ensembles of different sizes compare; the standard form adds E|X - X'| / (2M). Fair presumes members drawn "
              "independently of each other: after a correction that couples members (a shift by their mean, attention among them) it is not fair.");
}

void close_report(Work& work) {
  const bool warned = std::any_of(work.findings.begin(), work.findings.end(), [](const Finding& f) { return f.severity != ReportSeverity::note; });
  work.report.verdict = warned ? "yellow" : "green";
  if (!work.findings.empty()) work.report.findings({"Findings", work.findings});
}

}  // namespace

void add_lines(Report& report, const std::string& title, const std::string& caption, const std::vector<Line>& lines, bool as_figures) {
  TableBlock block{title, caption, {"score", "estimate", "low", "high", "standard error", "meaning"}, {}};
  for (const Line& line : lines) {
    const stats::Estimate& e = line.estimate;
    block.rows.push_back({line.title, e.value, e.interval.lo, e.interval.hi, e.standard_error, line.note});
    if (!as_figures) continue;
    report.figures.emplace_back(line.name, e.value);
    report.figures.emplace_back(line.name + "_low", e.interval.lo);
    report.figures.emplace_back(line.name + "_high", e.interval.hi);
  }
  report.table(std::move(block));
}

Result<Report> report_members(Context& context, const Forecasts& forecasts, const Params& params) {
  PLIMSOLL_TRY(Scored scored, score_members(context, forecasts.member_columns(), forecasts.observed, params, forecasts.first_row, forecasts.member_names));
  if (scored.scored == 0) return Error(ErrorCode::too_few_rows, "no forecast can be scored: outcomes or members are missing in every row", "Give outcomes, or --missing omit for rows that lack members.");
  Work work{context, forecasts, params, std::move(scored), Measures(forecasts), {}, {}};
  const Core core = add_core(work);
  PLIMSOLL_TRY(const Rival rival, add_rival(work));
  PLIMSOLL_TRY(const Anomalies anomalies, add_anomalies(work));
  PLIMSOLL_TRY(const Thresholds thresholds, add_thresholds(work));
  const std::vector<std::size_t> levels = add_levels(work);
  PLIMSOLL_TRY(const FieldSection fields, add_fields(work));
  PLIMSOLL_CHECK(work.measures.draw(context, params, "score.forecast.bootstrap"));
  look_at_rows(work);
  open_report(work);
  say_core(work, core);
  add_spread_skill(work);
  say_rival(work, core, rival);
  say_anomalies(work, anomalies);
  PLIMSOLL_CHECK(say_thresholds(work, thresholds));
  say_levels(work, levels);
  say_fields(work, fields);
  PLIMSOLL_CHECK(add_groups(context, forecasts, params, work.scored.crps, &work.scored.rows, work.report));
  close_report(work);
  return std::move(work.report);
}

}  // namespace plimsoll::score::forecast
