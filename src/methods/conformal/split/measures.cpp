// SPDX-License-Identifier: Apache-2.0
// Further measures of assess: what wrong labels are given (fuzziness), how far probabilities are from frequencies, the slab of the
// features where coverage is worst, and how many calibration rows would make the coverage as steady as wanted.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "methods/conformal/split/answers.h"
#include "stats/distributions.h"
#include "stats/ece.h"

namespace plimsoll::conformal::split {
namespace {

constexpr std::size_t slab_cuts = 40;      // a slab begins and ends at one of these shares of the rows
constexpr std::size_t slab_least = 8;      // and holds at least a fifth
constexpr int slab_directions = 100;

// Coverage is at least 1 - alpha - tolerance in all but `chance` of calibrations of n rows.
bool steady(std::int64_t n, double alpha, int sides, double tolerance, double chance) {
  const std::int64_t each = learn::conformal_rank_of(n, alpha / sides);
  if (each > n) return true;
  const std::int64_t k = sides == 1 ? each : 2 * each - (n + 1);
  return stats::beta_quantile(chance, static_cast<double>(k), static_cast<double>(n + 1 - k)) >= 1 - alpha - tolerance;
}

void add_steadiness(const Model& model, const AssessParams& params, Report& report) {
  const double alpha = model.params.alpha.front();
  const double chance = 1 - params.confidence;
  const int sides = sides_of(model.plan.score);
  const std::int64_t least = learn::conformal_rows_needed(alpha / sides);
  std::int64_t high = std::max<std::int64_t>(least, 16);
  while (high < (std::int64_t{1} << 40) && !steady(high, alpha, sides, params.tolerance, chance)) high *= 2;
  std::int64_t low = std::max(least, high / 2);
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (steady(middle, alpha, sides, params.tolerance, chance)) high = middle;
    else low = middle + 1;
  }
  report.figures.emplace_back("rows_for_steadiness", static_cast<double>(low));
  report.text("How many rows would do", "With about " + std::to_string(low) + " calibration rows the coverage of a calibration is with " + level_name(1 - params.confidence) + " chance at least " + level_name(alpha + params.tolerance) + "; this one has " + std::to_string(model.n) + ".");
}

Result<void> add_fuzziness(Context& context, const Model& model, const Table& data, const Columns& columns, std::span<const std::int32_t> labels, Report& report) {
  if (model.scores.empty()) return {};
  Options options;
  options.p_values = true;
  PLIMSOLL_TRY(const ClassAnswers answers, answer_classes(context, model, data, columns, options));
  const std::size_t classes = model.plan.classes.size();
  double wrong = 0;
  for (std::size_t i = 0; i < labels.size(); ++i)
    for (std::size_t c = 0; c < classes; ++c)
      if (static_cast<std::int32_t>(c) != labels[i]) wrong += answers.p_values[i * classes + c];
  report.figures.emplace_back("fuzziness", wrong / static_cast<double>(labels.size()));
  return {};
}

// Of the most probable class: its probability against how often it is the true one.
Result<void> add_calibration_error(const Model& model, const Table& data, const Columns& columns, std::span<const std::int32_t> labels, Report& report) {
  std::vector<double> best(labels.size(), -1);
  std::vector<std::int32_t> hit(labels.size(), 0);
  for (std::size_t c = 0; c < model.plan.classes.size(); ++c) {
    PLIMSOLL_TRY(const Reals p, data.reals(columns.probability[c]));
    for (std::size_t i = 0; i < best.size(); ++i) {
      if (!(p[i] > best[i])) continue;
      best[i] = p[i];
      hit[i] = static_cast<std::int32_t>(c) == labels[i];
    }
  }
  for (double& p : best) p = std::clamp(p, 0.0, 1.0);
  PLIMSOLL_TRY(const stats::Ece found, stats::expected_calibration_error(best, hit, 15, stats::Binning::equal_width));
  report.figures.emplace_back("top_class_ece", found.ece);
  return {};
}

// Rows cut by their place along a direction: half of them choose the slab with the least coverage, the other half measures it.
struct Slab {
  double chosen = 2;
  double measured = 0;
  std::int64_t rows = 0;
};

Slab worst_along(const std::vector<double>& place, const std::vector<char>& covered) {
  std::vector<std::size_t> order(place.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return place[a] < place[b]; });
  struct Cell {
    double rows[2] = {0, 0};
    double covered[2] = {0, 0};
  };
  std::vector<Cell> cells(slab_cuts);
  for (std::size_t i = 0; i < order.size(); ++i) {
    Cell& cell = cells[i * slab_cuts / order.size()];
    const std::size_t half = order[i] % 2;
    cell.rows[half] += 1;
    cell.covered[half] += covered[order[i]];
  }
  Slab worst;
  for (std::size_t from = 0; from + slab_least <= slab_cuts; ++from) {
    Cell sum;
    for (std::size_t to = from; to < slab_cuts; ++to) {
      for (const std::size_t half : {std::size_t{0}, std::size_t{1}}) {
        sum.rows[half] += cells[to].rows[half];
        sum.covered[half] += cells[to].covered[half];
      }
      if (to + 1 - from < slab_least || sum.rows[0] == 0 || sum.rows[1] == 0 || sum.covered[0] / sum.rows[0] >= worst.chosen) continue;
      worst = {sum.covered[0] / sum.rows[0], sum.covered[1] / sum.rows[1], static_cast<std::int64_t>(sum.rows[1])};
    }
  }
  return worst;
}

// Cauchois, Gupta and Duchi 2021: slabs along each feature and along random directions of the standardised features.
Result<void> add_worst_slab(Context& context, const Model& model, const Table& data, const std::vector<char>& covered, Report& report) {
  PLIMSOLL_TRY(const std::vector<std::string> names, data.role_columns("feature"));
  if (names.empty() || covered.size() < 2 * slab_cuts) return {};
  std::vector<std::vector<double>> features;
  for (const std::string& name : names) {
    PLIMSOLL_TRY(const Reals column, data.reals(name));
    double mean = 0;
    for (const double x : column) mean += x / static_cast<double>(column.size());
    double square = 0;
    for (const double x : column) square += (x - mean) * (x - mean) / static_cast<double>(column.size());
    std::vector<double>& scaled = features.emplace_back();
    for (const double x : column) scaled.push_back(square > 0 ? (x - mean) / std::sqrt(square) : 0.0);
  }
  Slab worst;
  Stream stream = context.rng.child("slab");
  const int directions = static_cast<int>(names.size()) + (names.size() > 1 ? slab_directions : 0);
  for (int d = 0; d < directions; ++d) {
    PLIMSOLL_CHECK(context.stop.check());
    std::vector<double> place(covered.size(), 0.0);
    for (std::size_t j = 0; j < features.size(); ++j) {
      const bool axis = d < static_cast<int>(names.size());
      const double weight = axis ? (static_cast<int>(j) == d ? 1.0 : 0.0) : stream.normal();
      for (std::size_t i = 0; i < place.size() && weight != 0; ++i) place[i] += weight * features[j][i];
    }
    const Slab found = worst_along(place, covered);
    if (found.chosen < worst.chosen) worst = found;
  }
  if (worst.chosen > 1) return {};
  report.figures.emplace_back("worst_slab", worst.measured);
  report.text("Where coverage is worst", "In the worst slab of the features (at least a fifth of the rows, found on every second row) the others, " + std::to_string(worst.rows) + ", are covered in a share of " + level_name(1 - std::round(worst.measured * 1e4) / 1e4) +
                                             " at level " + level_name(model.params.alpha.front()) + ".");
  return {};
}

}  // namespace

Result<void> add_measures(Context& context, const Model& model, const AssessInputs& inputs, const AssessParams& params, const Columns& columns, const std::vector<std::int32_t>& labels, const std::vector<char>& covered, Report& report) {
  add_steadiness(model, params, report);
  if (of_classes(model.plan.score)) {
    PLIMSOLL_CHECK(add_fuzziness(context, model, inputs.data, columns, labels, report));
    PLIMSOLL_CHECK(add_calibration_error(model, inputs.data, columns, labels, report));
  }
  return add_worst_slab(context, model, inputs.data, covered, report);
}

}  // namespace plimsoll::conformal::split
