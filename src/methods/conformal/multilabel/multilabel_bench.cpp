// SPDX-License-Identifier: Apache-2.0
// conformal.multilabel: CPU seconds of the label-sets of one row (20 labels), of listing alone, of a certified count and of the summary.
//   bench_conformal_multilabel [LABELS [CALIBRATION_ROWS [NEW_ROWS]]]
// prints one JSON line: list (s a row), sets (all listed), walk (label-sets/s of the kernel), count (s a row of 53 labels), summary
// (rows/s at 50 labels).

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "bench/generator.h"
#include "engine/workspace.h"
#include "methods/conformal/multilabel/multilabel.h"

namespace {

using namespace plimsoll;
namespace multilabel = plimsoll::conformal::multilabel;

double forecast(std::size_t labels, std::int64_t row, std::size_t label) {
  const double u = bench::uniform(bench::mix(7), static_cast<std::uint64_t>(row) * labels + label);
  return u * u;
}

// Calibrated on rows whose labels come true as forecast.
multilabel::Model calibrated(std::size_t labels, std::int64_t rows) {
  multilabel::Model model;
  for (std::size_t j = 0; j < labels; ++j) model.columns.label.push_back(std::to_string(j));
  multilabel::Sample sample;
  for (std::int64_t i = 0; i < rows; ++i) {
    std::vector<double> o(labels);
    std::vector<std::uint8_t> y(labels);
    for (std::size_t j = 0; j < labels; ++j) {
      o[j] = forecast(labels, i, j);
      y[j] = bench::uniform(bench::mix(8), static_cast<std::uint64_t>(i) * labels + j) < o[j] ? 1 : 0;
    }
    const multilabel::Costs costs = multilabel::costs_of(model, o);
    std::vector<std::uint64_t> flips = multilabel::mask_of(y);
    for (std::size_t w = 0; w < flips.size(); ++w) flips[w] ^= costs.base[w];
    sample.scores.push_back(multilabel::score_of(model, costs, flips));
  }
  std::sort(sample.scores.begin(), sample.scores.end());
  model.samples.push_back(std::move(sample));
  return model;
}

double seconds_a_row(const multilabel::Model& model, std::int64_t first, std::int64_t rows, const multilabel::Options& options, double* sets) {
  Workspace workspace({.backend = Backend::serial});
  const std::size_t labels = model.columns.label.size();
  const double start = bench::cpu_seconds();
  for (std::int64_t i = first; i < first + rows; ++i) {
    std::vector<double> o(labels);
    for (std::size_t j = 0; j < labels; ++j) o[j] = forecast(labels, i, j);
    const auto answer = multilabel::answer_of(workspace.context(), model, o, &model.samples[0], 1, options).value();
    if (sets) *sets += static_cast<double>(answer.sets.size());
  }
  return (bench::cpu_seconds() - start) / static_cast<double>(rows);
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, std::int64_t otherwise) { return argc > i ? static_cast<std::int64_t>(std::atof(argv[i])) : otherwise; };
  const auto labels = static_cast<std::size_t>(argument(1, 20));
  const std::int64_t rows = argument(2, 500);
  const std::int64_t fresh = argument(3, 20);
  multilabel::Options all;
  all.max_sets = 100'000'000;
  double sets = 0;
  const double list = seconds_a_row(calibrated(labels, rows), rows, fresh, all, &sets);
  // The kernel alone: 2^22 sets into memory that is there already.
  std::vector<std::int64_t> costs;
  for (std::int64_t j = 0; j < 40; ++j) costs.push_back(1000 + 10 * j);
  std::vector<std::uint64_t> masks;
  std::vector<std::int64_t> sums;
  masks.reserve(1 << 22);
  sums.reserve(1 << 22);
  const double start = bench::cpu_seconds();
  stats::walk_flips(costs, 8000, 1 << 22, masks, sums);
  const double walk = static_cast<double>(sums.size()) / (bench::cpu_seconds() - start);
  multilabel::Options counting;
  counting.max_sets = 0;
  counting.on_overflow = multilabel::Overflow::count;
  const double count = seconds_a_row(calibrated(53, rows), rows, fresh, counting, nullptr);
  multilabel::Options brief;
  brief.max_sets = 0;
  const double summary = 1 / seconds_a_row(calibrated(50, rows), rows, 20 * fresh, brief, nullptr);
  std::printf("{\"list\":%.9g,\"sets\":%.17g,\"walk\":%.9g,\"count\":%.9g,\"summary\":%.9g}\n", list, sets, walk, count, summary);
  return 0;
}
