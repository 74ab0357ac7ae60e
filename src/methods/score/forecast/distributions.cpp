// SPDX-License-Identifier: Apache-2.0
// Forecasts given as quantiles or as a normal law, and scores by group.
// Weighted interval score: Bracher et al., PLoS Computational Biology 2021, equal to the mean of twice the pinball losses.
#include <algorithm>
#include <cmath>
#include <limits>

#include "methods/score/forecast/forecast.h"
#include "stats/distributions.h"

namespace plimsoll::score::forecast {
namespace {

constexpr std::size_t most_values = 50;  // of a group column

Report opened(const Forecasts& forecasts, const std::string& title, std::int64_t scored, const Measures& measures, const Params& params) {
  Report report;
  report.title = title;
  report.verdict = "green";
  report.facts = {{"forecasts", std::to_string(forecasts.rows)}, {"scored", std::to_string(scored)},
                  {"bootstrap", std::to_string(params.replicates) + " draws of " + std::to_string(measures.units()) + " units, blocks of " + std::to_string(measures.block())}};
  return report;
}

// Which rows have an outcome and a whole forecast; counts of the others.
struct Usable {
  std::vector<bool> row;
  std::int64_t count = 0;
};

Result<Usable> usable_rows(const Forecasts& forecasts, const Params& params, const std::vector<const Reals*>& columns) {
  Usable usable{std::vector<bool>(forecasts.rows), 0};
  for (std::size_t i = 0; i < forecasts.rows; ++i) {
    bool whole = true;
    for (const Reals* column : columns) {
      if (std::isinf((*column)[i])) return Error(ErrorCode::bad_value, "a forecast is infinite", "Mend the row, or drop it").at_row(forecasts.first_row + static_cast<std::int64_t>(i));
      whole = whole && !std::isnan((*column)[i]);
    }
    if (!whole && params.missing == MissingPolicy::error) return Error(ErrorCode::null_value, "a forecast is missing", "Mend the row, or drop it").at_row(forecasts.first_row + static_cast<std::int64_t>(i));
    usable.row[i] = whole && !std::isnan(forecasts.observed[i]);
    usable.count += usable.row[i] ? 1 : 0;
  }
  if (usable.count == 0) return Error(ErrorCode::too_few_rows, "no forecast can be scored: outcomes or forecasts are missing in every row", "Give whole rows.");
  return usable;
}

std::vector<double> rows_of(const Usable& usable, const std::function<double(std::size_t)>& f) {
  std::vector<double> values(usable.row.size(), none);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (usable.row[i]) values[i] = f(i);
  return values;
}

// The level that makes a central interval with this one, or npos.
std::size_t partner(const std::vector<double>& levels, std::size_t k) {
  for (std::size_t l = levels.size(); l-- > k + 1;)
    if (std::fabs(levels[k] + levels[l] - 1) < 1e-9) return l;
  return static_cast<std::size_t>(-1);
}

struct Central {
  std::size_t lower = 0, upper = 0, score = 0, covered = 0;
};

void say_quantiles(Report& report, const Measures& measures, const Params& params, const std::vector<std::size_t>& pinball, const std::vector<std::size_t>& below, const std::vector<Central>& centrals) {
  TableBlock levels{"Levels", "A right forecast has the share `below` equal to the level.", {"level", "pinball loss", "low", "high", "below", "low", "high"}, {}};
  for (std::size_t k = 0; k < pinball.size(); ++k) {
    const stats::Estimate loss = measures.mean(pinball[k], params.level);
    const stats::Estimate share = measures.mean(below[k], params.level);
    levels.rows.push_back({params.levels[k], loss.value, loss.interval.lo, loss.interval.hi, share.value, share.interval.lo, share.interval.hi});
  }
  report.table(std::move(levels));
  if (centrals.empty()) return;
  TableBlock intervals{"Central intervals", "", {"nominal", "coverage", "low", "high", "interval score", "low", "high"}, {}};
  for (const Central& c : centrals) {
    const stats::Estimate covered = measures.mean(c.covered, params.level);
    const stats::Estimate score = measures.mean(c.score, params.level);
    intervals.rows.push_back({params.levels[c.upper] - params.levels[c.lower], covered.value, covered.interval.lo, covered.interval.hi, score.value, score.interval.lo, score.interval.hi});
  }
  report.table(std::move(intervals));
}

// --- groups ---

// The forecasts of one value of a group, with their units numbered anew.
Forecasts part_of(const Forecasts& all, const Labels& labels, std::int32_t code, std::vector<std::size_t>& rows) {
  Forecasts part;
  part.in_time = all.in_time;
  std::vector<std::int32_t> number(all.units, -1);
  for (std::size_t i = 0; i < all.rows; ++i) {
    if (labels.codes[i] != code) continue;
    rows.push_back(i);
    std::int32_t& unit = number[static_cast<std::size_t>(all.unit[i])];
    if (unit < 0) unit = static_cast<std::int32_t>(part.units++);
    part.unit.push_back(unit);
    if (!all.weight.empty()) part.weight.push_back(all.weight[i]);
  }
  part.rows = rows.size();
  return part;
}

struct GroupLine {
  std::string label;
  std::int64_t rows = 0;
  stats::Estimate score, ratio;
};

Result<GroupLine> score_group(Context& context, const Forecasts& all, const Params& params, std::span<const double> score, const stats::EnsembleRows* rows, const Labels& labels, std::int32_t code) {
  std::vector<std::size_t> chosen;
  const Forecasts part = part_of(all, labels, code, chosen);
  Measures measures(part);
  const auto pick = [&](const std::function<double(std::size_t)>& f) {
    std::vector<double> values;
    for (const std::size_t i : chosen) values.push_back(std::isnan(score[i]) ? none : f(i));
    return measures.add(values);
  };
  GroupLine line;
  line.label = labels.names[static_cast<std::size_t>(code)];
  for (const std::size_t i : chosen) line.rows += std::isnan(score[i]) ? 0 : 1;
  const std::size_t mean = pick([&](std::size_t i) { return score[i]; });
  std::size_t variance = 0;
  std::size_t square = 0;
  if (rows) {
    variance = pick([&](std::size_t i) { return rows->variance[i]; });
    square = pick([&](std::size_t i) { return rows->error[i] * rows->error[i] * rows->used[i] / (rows->used[i] + 1.0); });
  }
  if (line.rows == 0) return line;
  PLIMSOLL_CHECK(measures.draw(context, params, "score.forecast." + labels.column + "." + line.label));
  line.score = measures.mean(mean, params.level);
  if (rows) line.ratio = measures.of({variance, square}, params.level, [](std::span<const double> v) { return std::sqrt(v[0] / v[1]); });
  return line;
}

}  // namespace

Result<void> add_groups(Context& context, const Forecasts& forecasts, const Params& params, std::span<const double> score, const stats::EnsembleRows* rows, Report& report) {
  for (const Labels& labels : forecasts.groups) {
    TableBlock block{"By " + labels.column, "", {labels.column, "forecasts", "score", "low", "high"}, {}};
    if (rows) block.columns.insert(block.columns.end(), {"spread / RMSE", "low", "high"});
    FigureBlock figure;
    figure.kind = FigureKind::intervals;
    figure.title = "Score by " + labels.column;
    figure.description = "The leading score of each value of the group with its interval.";
    figure.x_title = labels.column;
    figure.y_title = "score";
    const std::size_t count = std::min(labels.names.size(), most_values);
    for (std::size_t g = 0; g < count; ++g) {
      PLIMSOLL_TRY(const GroupLine line, score_group(context, forecasts, params, score, rows, labels, static_cast<std::int32_t>(g)));
      if (line.rows == 0) continue;
      std::vector<Cell> cells = {line.label, line.rows, line.score.value, line.score.interval.lo, line.score.interval.hi};
      if (rows) cells.insert(cells.end(), {line.ratio.value, line.ratio.interval.lo, line.ratio.interval.hi});
      block.rows.push_back(std::move(cells));
      if (std::isinf(line.score.interval.lo)) continue;
      figure.label.push_back(line.label);
      figure.y.push_back(line.score.value);
      figure.lo.push_back(line.score.interval.lo);
      figure.hi.push_back(line.score.interval.hi);
    }
    if (labels.names.size() > count) block.caption = "The first " + std::to_string(count) + " of " + std::to_string(labels.names.size()) + " values.";
    report.table(std::move(block));
    if (!figure.y.empty()) report.figure(std::move(figure));
  }
  return {};
}

Result<Report> report_quantiles(Context& context, const Forecasts& forecasts, const Params& params) {
  std::vector<const Reals*> columns;
  for (const Reals& column : forecasts.quantile) columns.push_back(&column);
  PLIMSOLL_TRY(const Usable usable, usable_rows(forecasts, params, columns));
  Measures measures(forecasts);
  const auto quantile = [&](std::size_t k, std::size_t i) { return forecasts.quantile[k][i]; };
  const std::size_t levels = params.levels.size();
  std::vector<std::size_t> pinball, below;
  for (std::size_t k = 0; k < levels; ++k) {
    pinball.push_back(measures.add(rows_of(usable, [&](std::size_t i) { return stats::quantile_score(quantile(k, i), params.levels[k], forecasts.observed[i]) / 2; })));
    below.push_back(measures.add(rows_of(usable, [&](std::size_t i) { return forecasts.observed[i] <= quantile(k, i) ? 1.0 : 0.0; })));
  }
  const std::vector<double> score = rows_of(usable, [&](std::size_t i) {
    double sum = 0;
    for (std::size_t k = 0; k < levels; ++k) sum += stats::quantile_score(quantile(k, i), params.levels[k], forecasts.observed[i]);
    return sum / static_cast<double>(levels);
  });
  const std::size_t mean = measures.add(score);
  std::vector<Central> centrals;
  for (std::size_t k = 0; k < levels; ++k) {
    const std::size_t l = partner(params.levels, k);
    if (l == static_cast<std::size_t>(-1) || l <= k) continue;
    const double miss = params.levels[k] + (1 - params.levels[l]);
    centrals.push_back({k, l, measures.add(rows_of(usable, [&](std::size_t i) { return stats::interval_score(quantile(k, i), quantile(l, i), miss, forecasts.observed[i]); })),
                        measures.add(rows_of(usable, [&](std::size_t i) { return quantile(k, i) <= forecasts.observed[i] && forecasts.observed[i] <= quantile(l, i) ? 1.0 : 0.0; }))});
  }
  std::int64_t crossed = 0;
  for (std::size_t i = 0; i < forecasts.rows; ++i)
    for (std::size_t k = 1; usable.row[i] && k < levels; ++k)
      if (quantile(k, i) < quantile(k - 1, i)) {
        ++crossed;
        break;
      }
  PLIMSOLL_CHECK(measures.draw(context, params, "score.forecast.bootstrap"));
  Report report = opened(forecasts, "Quantile forecast", usable.count, measures, params);
  add_lines(report, "Scores", "Lower is better.", {{"quantile_score", "mean of twice the pinball losses (weighted interval score)", measures.mean(mean, params.level), "the CRPS in the limit of many even levels"}});
  say_quantiles(report, measures, params, pinball, below, centrals);
  PLIMSOLL_CHECK(add_groups(context, forecasts, params, score, nullptr, report));
  if (crossed > 0) {
    report.verdict = "yellow";
    report.findings({"Findings", {{ReportSeverity::warning, "quantiles", std::to_string(crossed) + " forecasts whose quantiles cross.", "Sort the quantiles of a row; scores are of the columns as given"}}});
  }
  return report;
}

Result<Report> report_normal(Context& context, const Forecasts& forecasts, const Params& params) {
  PLIMSOLL_TRY(const Usable usable, usable_rows(forecasts, params, {&forecasts.mean, &forecasts.sd}));
  for (std::size_t i = 0; i < forecasts.rows; ++i)
    if (forecasts.sd[i] < 0 || (usable.row[i] && forecasts.sd[i] == 0))
      return Error(ErrorCode::bad_value, "a standard deviation is not above 0", "Mend the row, or drop it").at_row(forecasts.first_row + static_cast<std::int64_t>(i));
  Measures measures(forecasts);
  const auto z = [&](std::size_t i) { return (forecasts.observed[i] - forecasts.mean[i]) / forecasts.sd[i]; };
  const std::vector<double> crps = rows_of(usable, [&](std::size_t i) { return stats::normal_crps(forecasts.mean[i], forecasts.sd[i], forecasts.observed[i]); });
  const std::size_t mean = measures.add(crps);
  const std::size_t log = measures.add(rows_of(usable, [&](std::size_t i) { return stats::normal_log_score(forecasts.mean[i], forecasts.sd[i], forecasts.observed[i]); }));
  const std::size_t dss = measures.add(rows_of(usable, [&](std::size_t i) { return stats::dawid_sebastiani(forecasts.mean[i] - forecasts.observed[i], forecasts.sd[i] * forecasts.sd[i]); }));
  const std::size_t bias = measures.add(rows_of(usable, [&](std::size_t i) { return forecasts.mean[i] - forecasts.observed[i]; }));
  const std::size_t square = measures.add(rows_of(usable, [&](std::size_t i) { return z(i) * z(i); }));
  const std::vector<double> transform = rows_of(usable, [&](std::size_t i) { return stats::normal_cdf(z(i)); });
  PLIMSOLL_CHECK(measures.draw(context, params, "score.forecast.bootstrap"));
  Report report = opened(forecasts, "Normal forecast", usable.count, measures, params);
  add_lines(report, "Scores", "Lower is better but for bias (0) and the standardised error (1).",
            {{"crps", "CRPS", measures.mean(mean, params.level), "closed form"},
             {"log_score", "log score", measures.mean(log, params.level), "-log density"},
             {"dawid_sebastiani", "Dawid-Sebastiani score", measures.mean(dss, params.level), ""},
             {"bias", "mean less outcome", measures.mean(bias, params.level), ""},
             {"standardised_error", "RMS of error / sd", measures.of({square}, params.level, [](std::span<const double> v) { return std::sqrt(v[0]); }), "above 1: too confident"}});
  add_transform_histogram(report, transform, "Where outcomes fall in their forecast distributions; a right forecast gives equal bars.");
  PLIMSOLL_CHECK(add_groups(context, forecasts, params, crps, nullptr, report));
  return report;
}

}  // namespace plimsoll::score::forecast
