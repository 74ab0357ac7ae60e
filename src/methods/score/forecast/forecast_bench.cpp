// SPDX-License-Identifier: Apache-2.0
// score.forecast on a table in memory, CPU seconds against the floor, a plain sum of the same columns.
//   kernel: the standard CRPS of every row and its mean, as the peers compute it
//   assess: the whole report with intervals of every number
// member x_ij = N + 0.3 N(row), outcome N.
//   bench_score_forecast ROWS [MEMBERS [ROUNDS]]      prints one JSON line a round

#include <algorithm>
#include <cmath>

#include "bench/generator.h"
#include "engine/subject.h"
#include "engine/workspace.h"
#include "methods/score/forecast/forecast.h"

namespace {

using namespace plimsoll;
namespace forecast = plimsoll::score::forecast;

forecast::Inputs draw(std::int64_t rows, std::size_t members) {
  const std::uint64_t key = bench::mix(41);
  const std::uint64_t row_key = bench::mix(42);
  const std::uint64_t outcome_key = bench::mix(43);
  std::vector<std::vector<double>> columns(members, std::vector<double>(static_cast<std::size_t>(rows)));
  std::vector<double> observed;
  for (std::size_t i = 0; i < static_cast<std::size_t>(rows); ++i) {
    const double shift = 0.3 * bench::normal(row_key, i);
    for (std::size_t j = 0; j < members; ++j) columns[j][i] = bench::normal(key, i * members + j) + shift;
    observed.push_back(bench::normal(outcome_key, i));
  }
  TableBuilder builder;
  Roles roles = {{"target", {"y"}}};
  for (std::size_t j = 0; j < members; ++j) {
    builder.real("m" + std::to_string(j), std::move(columns[j]));
    roles["member"].push_back("m" + std::to_string(j));
  }
  builder.real("y", std::move(observed));
  return {std::move(builder).build().value().with_roles(std::move(roles)), std::nullopt};
}

double sum_of(const std::vector<Reals>& columns) {
  double total = 0;
  for (const Reals& column : columns) {
    double lanes[8] = {};
    const auto values = column.span();
    std::size_t i = 0;
    for (; i + 8 <= values.size(); i += 8)
      for (std::size_t l = 0; l < 8; ++l) lanes[l] += values[i + l];
    for (const double lane : lanes) total += lane;
  }
  return total;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t rows = argc > 1 ? static_cast<std::int64_t>(std::atof(argv[1])) : 100'000;
  const std::size_t members = argc > 2 ? static_cast<std::size_t>(std::atoi(argv[2])) : 50;
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 3;
  const forecast::Inputs inputs = draw(rows, members);
  const forecast::Params params;
  WorkspaceOptions options;
  options.threads = 1;
  Workspace workspace(options);
  for (int round = 0; round < rounds; ++round) {
    const auto given = forecast::read_forecasts(workspace.context(), inputs, params);
    if (!given) return 1;
    const double start = bench::cpu_seconds();
    const double total = sum_of(given->member);
    const double after_floor = bench::cpu_seconds();
    const double base = bench::resident_mb("VmRSS:");
    bench::reset_peak();
    const double before = bench::cpu_seconds();
    std::vector<double> scores(static_cast<std::size_t>(rows));
    const auto columns = given->member_columns();
    if (stats::ensemble_crps({columns, given->observed.data()}, stats::CrpsKind::standard, 1, stats::MissingMember::propagate, scores) >= 0) return 1;
    double mean = 0;
    for (const double score : scores) mean += score / static_cast<double>(rows);
    const double after_kernel = bench::cpu_seconds();
    const double peak = bench::resident_mb("VmHWM:") - base;
    const auto report = forecast::assess(workspace.context(), inputs, params);
    const double after_assess = bench::cpu_seconds();
    if (!report) return 1;
    std::printf("{\"floor\": %.4f, \"kernel\": %.4f, \"assess\": %.4f, \"mean\": %.12f, \"sum\": %.6f, \"peak_mb\": %.0f}\n", after_floor - start, after_kernel - before, after_assess - after_kernel, mean, total,
                peak);
  }
  return 0;
}
