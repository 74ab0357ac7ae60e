// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the benchmarks of calibrators share: rows of scores and outcomes, and the timing of a fit and of an apply to as many new
// rows beside their floor, a sort of the scores.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "bench/generator.h"
#include "engine/subject.h"
#include "engine/workspace.h"
#include "table/table.h"

namespace plimsoll::bench {

// l = -1 + 1.5 N, p = sigmoid(1.3 l), y ~ Bernoulli(sigmoid(l)).
struct ScoredEvents {
  std::vector<double> p;
  std::vector<std::int32_t> y;
};
inline ScoredEvents scored_events(std::uint64_t stream, std::size_t rows) {
  const std::uint64_t key = mix(stream);
  const std::uint64_t label_key = mix(stream + 1);
  ScoredEvents drawn;
  for (std::uint64_t i = 0; i < rows; ++i) {
    const double l = -1 + 1.5 * normal(key, i);
    drawn.p.push_back(1 / (1 + std::exp(-1.3 * l)));
    drawn.y.push_back(uniform(label_key, i) < 1 / (1 + std::exp(-l)) ? 1 : 0);
  }
  return drawn;
}

inline Table scored_table(std::uint64_t stream, std::int64_t rows, bool with_target) {
  ScoredEvents drawn = scored_events(stream, static_cast<std::size_t>(rows));
  TableBuilder builder;
  builder.real("p", std::move(drawn.p));
  if (with_target) builder.integer("y", std::vector<std::int64_t>(drawn.y.begin(), drawn.y.end()));
  Roles roles = {{"probability", {"p"}}};
  if (with_target) roles["target"] = {"y"};
  return std::move(builder).build().value().with_roles(std::move(roles));
}

// The plain sort of the standard library.
inline double seconds_of_sort(std::vector<double> values) {
  const double start = cpu_seconds();
  std::sort(values.begin(), values.end());
  const double seconds = cpu_seconds() - start;
  return values.front() <= values.back() ? seconds : 0;
}

// Prints one JSON line a round: floor, fit, apply, mean, peak_mb.
template <class Model, class Inputs, class Params, class Apply>
int time_fit_and_apply(const Method& entry, const Params& params, std::int64_t rows, int rounds, const Apply& apply) {
  const auto fail = [](const Error& error) {
    std::fprintf(stderr, "%s\n", error.message().c_str());
    return 1;
  };
  const Table past = scored_table(21, rows, true);
  const Table fresh = scored_table(23, rows, false);
  WorkspaceOptions options;
  options.threads = 1;
  Workspace workspace(options);
  Context& context = workspace.context();
  const double base = resident_mb("VmRSS:");
  for (int round = 0; round < rounds; ++round) {
    const Reals scores = past.reals("p").value();
    const double floor = seconds_of_sort({scores.begin(), scores.end()});
    reset_peak();
    const Inputs inputs{past, std::nullopt};
    const double start = cpu_seconds();
    auto model = run_fit(context, entry, &inputs, &params);
    if (!model) return fail(model.error());
    const double after_fit = cpu_seconds();
    auto out = apply(context, model.value().template as<Model>(), fresh);
    if (!out) return fail(out.error());
    const double after_apply = cpu_seconds();
    const double peak = resident_mb("VmHWM:") - base;
    double mean = 0;
    const Reals p = out.value().rows.reals("calibrated").value();
    for (const double x : p) mean += x / static_cast<double>(rows);
    std::printf("{\"floor\": %.4f, \"fit\": %.4f, \"apply\": %.4f, \"mean\": %.9f, \"peak_mb\": %.0f}\n", floor, after_fit - start, after_apply - after_fit, mean, peak);
  }
  return 0;
}

}  // namespace plimsoll::bench
