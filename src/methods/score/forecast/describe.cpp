// SPDX-License-Identifier: Apache-2.0
// What score.forecast takes: ports, roles and parameters, each described once.
#include <algorithm>
#include <cmath>

#include "methods/score/forecast/forecast.h"

namespace plimsoll::score::forecast {
namespace {

constexpr std::array<RoleInfo, 14> data_roles = {{
    {"member", "members of the ensemble, one column each; with `number`, the one column of their values", false, true},
    {"target", "what happened", false, false},
    {"key", "columns that together name a forecast: they join `observed` and gather the long form", false, true},
    {"number", "which member a row holds: the table is in long form, one row a member", false, false},
    {"reference", "members of a rival ensemble: skill and a paired test against it", false, true},
    {"quantile", "forecast quantiles, one column a level of `levels`, instead of members", false, true},
    {"mean", "mean of a normal forecast, instead of members", false, false},
    {"sd", "standard deviation of a normal forecast", false, false},
    {"time", "rows of one time are drawn together, and near times in blocks", false, false},
    {"case", "rows of one case are one field: energy and variogram score", false, true},
    {"group", "scores are given for each value, for instance of the lead time", false, true},
    {"weight", "weight of the row, for instance the area of its cell", false, false},
    {"year", "year of the row: anomalies against the climate of the other years are scored too", false, false},
    {"climate", "columns within whose values those climates are formed, such as point, variable and lead", false, true},
}};
constexpr std::array<RoleInfo, 2> observed_roles = {{
    {"target", "what happened", false, false},
    {"key", "columns that name the forecast, as in the table of forecasts", false, true},
}};

}  // namespace

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"data", "forecasts, with what happened unless that stands in `observed`", data_roles}, in.data);
  f(PortInfo{"observed", "what happened, joined to the forecasts by `key`", observed_roles}, in.observed);
}

void describe(Fields& f, Params& p) {
  f({"kind", "which CRPS leads the report: that of the members as they are, of the law they are drawn from, or between"}, p.kind);
  f({"alpha", "of the almost fair CRPS: 1 is fair, 0 standard", within(0, 1)}, p.alpha);
  f({"missing", "rows that lack a member: not scored, scored by the members they have, or an error"}, p.missing);
  f({"thresholds", "values whose exceedance is scored: Brier scores, reliability, threshold-weighted CRPS, RPS over their classes"}, p.thresholds);
  f({"levels", "quantile levels, rising: of the `quantile` columns, or of quantiles taken from members"}, p.levels);
  f({"variogram_order", "power of the differences in the variogram score", between(0, 10)}, p.variogram_order);
  f({"variogram_points", "largest field whose variogram score is computed: it takes all pairs of points", at_least(0)}, p.variogram_points);
  f({"kernel_bandwidth", "bandwidth of the Gaussian kernel score of a field; 0 leaves it out", at_least(0)}, p.kernel_bandwidth);
  f({"level", "of all intervals", between(0, 1)}, p.level);
  f({"replicates", "draws of the bootstrap", within(100, 100000)}, p.replicates);
  f({"block", "times drawn in one block; 0 takes the cube root of their number with a `time`, else 1", at_least(0)}, p.block);
}

Result<void> check(const Params& params) {
  const auto rising = [](const std::vector<double>& values) {
    return std::adjacent_find(values.begin(), values.end(), [](double a, double b) { return !(a < b); }) == values.end();
  };
  for (const double t : params.thresholds)
    if (!std::isfinite(t)) return Error(ErrorCode::bad_parameter, "a threshold is not finite", "Give numbers.").in_parameter("thresholds");
  if (!rising(params.thresholds)) return Error(ErrorCode::bad_parameter, "the thresholds do not rise", "Give each once, in rising order.").in_parameter("thresholds");
  if (params.thresholds.size() > 50) return Error(ErrorCode::bad_parameter, "more than 50 thresholds", "Give fewer.").in_parameter("thresholds");
  for (const double level : params.levels)
    if (!(level > 0 && level < 1)) return Error(ErrorCode::bad_parameter, "a quantile level does not lie between 0 and 1", "Give levels such as 0.05,0.5,0.95.").in_parameter("levels");
  if (!rising(params.levels)) return Error(ErrorCode::bad_parameter, "the levels do not rise", "Give each once, in rising order.").in_parameter("levels");
  if (params.levels.size() > 99) return Error(ErrorCode::bad_parameter, "more than 99 levels", "Give fewer.").in_parameter("levels");
  return {};
}

}  // namespace plimsoll::score::forecast
