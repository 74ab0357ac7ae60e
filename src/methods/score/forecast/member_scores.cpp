// SPDX-License-Identifier: Apache-2.0
// What an ensemble scores in each row: the CRPS in its three forms, thresholds, anomalies, fields.
#include <algorithm>
#include <cmath>
#include <limits>

#include "methods/score/forecast/forecast.h"
#include "stats/ensemble_field.h"

namespace plimsoll::score::forecast {
namespace {


stats::MissingMember row_policy(MissingPolicy policy) { return policy == MissingPolicy::omit ? stats::MissingMember::omit : stats::MissingMember::propagate; }

Error bad_member(ErrorCode code, const std::string& what, const std::vector<const double*>& members, const std::vector<std::string>& names, std::int64_t row, std::int64_t first_row,
                 bool (*wrong)(double)) {
  std::string column;
  for (std::size_t j = 0; j < members.size() && j < names.size() && column.empty(); ++j)
    if (wrong(members[j][row])) column = names[j];
  return Error(code, what, "Mend the row, or drop it").in_column(column).at_row(first_row + row);
}

void count_rows(const std::vector<const double*>& members, Scored& scored) {
  scored.fewest = static_cast<std::int32_t>(members.size());
  for (std::size_t i = 0; i < scored.rows.size(); ++i) {
    const std::int32_t used = scored.rows.used[i];
    if (used == 0) ++scored.without_outcome;
    else if (std::isnan(scored.crps[i])) ++scored.lacking_members;
    if (std::isnan(scored.crps[i])) continue;
    ++scored.scored;
    scored.fewest = std::min(scored.fewest, used);
    scored.most = std::max(scored.most, used);
    if (used > 1 && scored.rows.half_difference[i] == 0) ++scored.constant;
  }
}

}  // namespace

std::vector<double> kind_column(const stats::EnsembleRows& rows, stats::CrpsKind kind, double alpha) {
  std::vector<double> values(rows.size());
  std::int32_t members = -1;
  double share = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (rows.used[i] != members) share = stats::crps_share(kind, members = rows.used[i], alpha);
    values[i] = share == 0 ? rows.absolute_error[i] : rows.absolute_error[i] - share * rows.half_difference[i];
  }
  return values;
}

Result<Scored> score_members(Context& context, const std::vector<const double*>& members, std::span<const double> observed, const Params& params, std::int64_t first_row,
                             const std::vector<std::string>& names) {
  Scored scored;
  scored.rows = stats::EnsembleRows(observed.size());
  const stats::EnsembleView view{members, observed.data()};
  PLIMSOLL_CHECK(context.runtime.for_each_block(static_cast<std::int64_t>(observed.size()), context.stop, [&](std::int64_t, std::int64_t begin, std::int64_t end) -> Result<void> {
    const std::int64_t infinite = stats::score_ensemble_rows(view, begin, end, row_policy(params.missing), scored.rows);
    if (infinite >= 0) return bad_member(ErrorCode::bad_value, "a member is infinite", members, names, infinite, first_row, [](double x) { return std::isinf(x); });
    if (params.missing != MissingPolicy::error) return {};
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int32_t used = scored.rows.used[static_cast<std::size_t>(i)];
      if (!std::isnan(observed[static_cast<std::size_t>(i)]) && static_cast<std::size_t>(used) < members.size())
        return bad_member(ErrorCode::null_value, "a member is missing", members, names, i, first_row, [](double x) { return std::isnan(x); });
    }
    return {};
  }));
  scored.crps = kind_column(scored.rows, params.kind, params.alpha);
  for (std::size_t i = 0; i < scored.crps.size(); ++i)
    if (std::isinf(scored.crps[i]) || (std::isnan(scored.crps[i]) && std::isinf(scored.rows.absolute_error[i])))
      return Error(ErrorCode::bad_value, "members and outcome lie too far apart for a number", "Mend the row, or drop it").at_row(first_row + static_cast<std::int64_t>(i));
  count_rows(members, scored);
  return scored;
}

// d_i = mean of members - y is the error of the row; with sums over the rows of a climate group and of one of its years, the others'
// mean error is what must be added to y: y + (climate of members) - (climate of outcomes).
std::vector<double> anomaly_outcomes(const Forecasts& forecasts, const Scored& scored) {
  const std::size_t years = forecasts.year.names.size();
  const std::size_t climates = forecasts.climate.codes.empty() ? 1 : forecasts.climate.names.size();
  std::vector<double> year_sum(years * climates);
  std::vector<double> year_count(years * climates);
  std::vector<double> sum(climates);
  std::vector<double> count(climates);
  const auto climate_of = [&](std::size_t i) { return forecasts.climate.codes.empty() ? std::size_t{0} : static_cast<std::size_t>(forecasts.climate.codes[i]); };
  for (std::size_t i = 0; i < forecasts.rows; ++i) {
    if (std::isnan(scored.crps[i])) continue;
    const std::size_t cell = climate_of(i) * years + static_cast<std::size_t>(forecasts.year.codes[i]);
    year_sum[cell] += scored.rows.error[i];
    year_count[cell] += 1;
  }
  for (std::size_t c = 0; c < climates; ++c)
    for (std::size_t y = 0; y < years; ++y) {
      sum[c] += year_sum[c * years + y];
      count[c] += year_count[c * years + y];
    }
  std::vector<double> shifted(forecasts.rows, none);
  for (std::size_t i = 0; i < forecasts.rows; ++i) {
    if (std::isnan(scored.crps[i])) continue;
    const std::size_t c = climate_of(i);
    const std::size_t cell = c * years + static_cast<std::size_t>(forecasts.year.codes[i]);
    const double others = count[c] - year_count[cell];
    if (others > 0) shifted[i] = forecasts.observed[i] + (sum[c] - year_sum[cell]) / others;
  }
  return shifted;
}

std::vector<double> member_skewness(const Forecasts& forecasts, const Scored& scored, double sign) {
  std::vector<double> skewness(forecasts.rows, none);
  const std::vector<const double*> members = forecasts.member_columns();
  for (std::size_t i = 0; i < forecasts.rows; ++i) {
    const std::int32_t used = scored.rows.used[i];
    if (std::isnan(scored.crps[i]) || used < 3 || !(scored.rows.variance[i] > 0)) continue;
    double cubes = 0;
    for (const double* member : members) {
      if (std::isnan(member[i])) continue;
      const double c = (member[i] - forecasts.observed[i]) - scored.rows.error[i];
      cubes += c * c * c;
    }
    const double m = used;
    const double unbiased = m / ((m - 1) * (m - 2)) * cubes;
    skewness[i] = sign * unbiased / (scored.rows.variance[i] * std::sqrt(scored.rows.variance[i]));
  }
  return skewness;
}

// Members and outcome raised to the threshold: the CRPS of these is the integral of the squared difference above it only.
Result<Threshold> score_threshold(Context& context, const Forecasts& forecasts, const Scored& scored, const Params& params, double at) {
  Threshold threshold;
  threshold.at = at;
  const std::size_t rows = forecasts.rows;
  std::vector<std::int32_t> above(rows);
  stats::EnsembleRows raised(rows);
  const std::vector<const double*> members = forecasts.member_columns();
  PLIMSOLL_CHECK(context.runtime.for_each_block(static_cast<std::int64_t>(rows), context.stop, [&](std::int64_t, std::int64_t begin, std::int64_t end) -> Result<void> {
    const auto count = static_cast<std::size_t>(end - begin);
    const auto raise = [&](double x) { return x < at ? at : x; };
    std::vector<std::vector<double>> copies(members.size(), std::vector<double>(count));
    std::vector<const double*> columns;
    for (std::size_t j = 0; j < members.size(); ++j) {
      const double* from = members[j] + begin;
      for (std::size_t i = 0; i < count; ++i) {
        copies[j][i] = raise(from[i]);
        above[static_cast<std::size_t>(begin) + i] += from[i] > at ? 1 : 0;
      }
      columns.push_back(copies[j].data());
    }
    std::vector<double> outcome(count);
    for (std::size_t i = 0; i < count; ++i) outcome[i] = raise(forecasts.observed[static_cast<std::size_t>(begin) + i]);
    stats::EnsembleRows block(count);
    stats::score_ensemble_rows({columns, outcome.data()}, 0, end - begin, row_policy(params.missing), block);
    for (std::size_t i = 0; i < count; ++i) {
      raised.absolute_error[static_cast<std::size_t>(begin) + i] = block.absolute_error[i];
      raised.half_difference[static_cast<std::size_t>(begin) + i] = block.half_difference[i];
      raised.used[static_cast<std::size_t>(begin) + i] = block.used[i];
    }
    return {};
  }));
  threshold.weighted_crps = kind_column(raised, params.kind, params.alpha);
  threshold.brier.assign(rows, none);
  threshold.fair_brier.assign(rows, none);
  for (std::size_t i = 0; i < rows; ++i) {
    if (std::isnan(scored.crps[i])) continue;
    const bool happened = forecasts.observed[i] > at;
    threshold.brier[i] = stats::exceedance_brier(above[i], scored.rows.used[i], happened);
    threshold.fair_brier[i] = stats::fair_exceedance_brier(above[i], scored.rows.used[i], happened);
    threshold.probability.push_back((above[i] + 0.5) / (scored.rows.used[i] + 1));
    threshold.happened.push_back(happened ? 1 : 0);
  }
  return threshold;
}

namespace {

// Rows of each case, and which cases can be scored.
struct CaseRows {
  std::vector<std::size_t> row;     // by case, then in order
  std::vector<std::size_t> begin;   // of each case in `row`; one more at the end
};

CaseRows rows_by_case(const Forecasts& forecasts) {
  CaseRows found;
  found.begin.assign(forecasts.case_count + 1, 0);
  for (const std::int32_t c : forecasts.cases) ++found.begin[static_cast<std::size_t>(c) + 1];
  for (std::size_t c = 0; c < forecasts.case_count; ++c) found.begin[c + 1] += found.begin[c];
  found.row.resize(forecasts.rows);
  std::vector<std::size_t> at(found.begin.begin(), found.begin.end() - 1);
  for (std::size_t i = 0; i < forecasts.rows; ++i) found.row[at[static_cast<std::size_t>(forecasts.cases[i])]++] = i;
  return found;
}

}  // namespace

Result<FieldScores> score_fields(Context& context, const Forecasts& forecasts, const Scored& scored, const Params& params) {
  const CaseRows cases = rows_by_case(forecasts);
  const std::vector<const double*> members = forecasts.member_columns();
  FieldScores scores;
  scores.energy.assign(forecasts.case_count, none);
  scores.variogram.assign(forecasts.case_count, none);
  scores.kernel.assign(forecasts.case_count, none);
  const auto m = static_cast<std::int32_t>(members.size());
  PLIMSOLL_CHECK(context.runtime.for_each(static_cast<std::int64_t>(forecasts.case_count), context.stop, [&](std::int64_t number) -> Result<void> {
    const auto c = static_cast<std::size_t>(number);
    const std::span<const std::size_t> rows = std::span(cases.row).subspan(cases.begin[c], cases.begin[c + 1] - cases.begin[c]);
    // A field is scored whole: a row that lacks its outcome or a member would make another field of it.
    for (const std::size_t i : rows)
      if (std::isnan(scored.crps[i]) || scored.rows.used[i] != m) return {};
    stats::Field field;
    field.member.resize(members.size());
    for (std::size_t j = 0; j < members.size(); ++j)
      for (const std::size_t i : rows) field.member[j].push_back(members[j][i]);
    for (const std::size_t i : rows) {
      field.observed.push_back(forecasts.observed[i]);
      if (!forecasts.weight.empty()) field.weight.push_back(forecasts.weight[i]);
    }
    PLIMSOLL_TRY(const stats::EnergyParts energy, stats::energy_parts(field, context.stop));
    scores.energy[c] = stats::crps_of(params.kind, energy.absolute_error, energy.half_difference, m, params.alpha);
    if (rows.size() <= static_cast<std::size_t>(params.variogram_points)) {
      PLIMSOLL_TRY(scores.variogram[c], stats::variogram_score(field, params.variogram_order, context.stop));
    }
    if (params.kernel_bandwidth > 0) {
      PLIMSOLL_TRY(const stats::KernelParts kernel, stats::kernel_parts(field, params.kernel_bandwidth, context.stop));
      // As the CRPS: all pairs for the standard score, the share of different ones for the fair score.
      const double share = stats::crps_share(params.kind, m, params.alpha);
      const double among = m < 2 ? 1 : share * kernel.among + (1 - share);
      scores.kernel[c] = 0.5 + 0.5 * among - kernel.to_observed;
    }
    return {};
  }));
  for (std::size_t c = 0; c < forecasts.case_count; ++c) {
    scores.left_out += std::isnan(scores.energy[c]) ? 1 : 0;
    scores.variogram_too_large = scores.variogram_too_large || (!std::isnan(scores.energy[c]) && std::isnan(scores.variogram[c]));
  }
  return scores;
}

}  // namespace plimsoll::score::forecast
