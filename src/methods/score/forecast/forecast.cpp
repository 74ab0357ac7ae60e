// SPDX-License-Identifier: Apache-2.0
// Verification of ensemble, quantile and normal forecasts. The CRPS half of Lang et al. 2024, arXiv 2412.15832 (AIFS-CRPS):
//   S = (1/M) sum_j |x_j - y|,  G = sum_{j<k} |x_j - x_k|
//   standard S - G / M^2,  fair S - G / (M (M - 1)),  almost fair alpha fair + (1 - alpha) standard = S - (1 - eps) G / (M (M - 1)),
//   eps = (1 - alpha) / M.  For i.i.d. members E fair does not depend on M and is least for the true law; E standard is larger by
//   E|X - X'| / (2M).
// Departures: every number has an interval (circular block bootstrap over times, cases or rows, percentile); climates of anomalies
// come from the other years only, as in the paper's subseasonal scores, and for each row's own group.
#include "methods/score/forecast/forecast.h"

#include <cmath>

namespace plimsoll::score::forecast {

Result<Report> assess(Context& context, const Inputs& in, const Params& params) {
  PLIMSOLL_TRY(const Forecasts forecasts, read_forecasts(context, in, params));
  switch (forecasts.form) {
    case Form::members: return report_members(context, forecasts, params);
    case Form::quantiles: return report_quantiles(context, forecasts, params);
    case Form::normal: return report_normal(context, forecasts, params);
  }
  return Error(ErrorCode::internal, "a form of forecast without a report");
}

// A right ensemble: members and outcome are drawn alike around a signal that both know. Ten points a day, two lead times.
Result<Example> example(Context&, Verb, std::uint64_t seed, std::int64_t rows) {
  constexpr std::size_t members = 8;
  const Stream root = Stream(seed).child("score.forecast.example");
  std::vector<std::vector<double>> member(members);
  std::vector<double> observed;
  std::vector<double> area;
  std::vector<std::int64_t> day;
  std::vector<std::int64_t> lead;
  for (std::int64_t i = 0; i < rows; ++i) {
    Stream stream = root.child(static_cast<std::uint64_t>(i));
    const double signal = 3 * stream.normal();
    const double spread = i % 2 == 0 ? 1.0 : 2.0;
    for (auto& column : member) column.push_back(signal + spread * stream.normal());
    observed.push_back(signal + spread * stream.normal());
    area.push_back(0.5 + stream.uniform());
    day.push_back(i / 10);
    lead.push_back(i % 2 == 0 ? 24 : 72);
  }
  TableBuilder builder;
  Roles roles = {{"target", {"observed"}}, {"time", {"day"}}, {"group", {"lead"}}, {"weight", {"area"}}};
  for (std::size_t j = 0; j < members; ++j) {
    const std::string name = "m" + std::to_string(j);
    builder.real(name, std::move(member[j]));
    roles["member"].push_back(name);
  }
  builder.real("observed", std::move(observed)).real("area", std::move(area)).integer("day", std::move(day)).integer("lead", std::move(lead));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  Params params;
  params.thresholds = {0, 3};
  return Example::of(Inputs{table.with_roles(std::move(roles)), std::nullopt}, params);
}

extern constinit const Method entry;
constinit const Method entry = method("score.forecast").assess<&assess>().check<&check>().example<&example>().prove<&prove>();

}  // namespace plimsoll::score::forecast
