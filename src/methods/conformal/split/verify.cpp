// SPDX-License-Identifier: Apache-2.0
// An independent check of a model against its calibration rows: scores are computed again from their definitions, a row at a time,
// sorted plainly, and each threshold must be the k-th of them with k from exact integers. Nothing of the calibration's own
// code is used but the reading of columns and the uniforms of randomised scores.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/artifact.h"
#include "learn/score_rows.h"
#include "methods/conformal/split/split.h"

namespace plimsoll::conformal::split {
namespace {

struct PlainRow {
  std::vector<double> p;
  std::size_t label = 0;
  double u = 0;
};

// Classes by falling probability, the first of equals first.
std::vector<std::size_t> ranking(const std::vector<double>& p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
  return order;
}

double plain_class_score(const Model& model, const PlainRow& row) {
  const double own = row.p[row.label];
  const auto order = ranking(row.p);
  const auto rank = static_cast<std::size_t>(std::find(order.begin(), order.end(), row.label) - order.begin()) + 1;
  const double r = static_cast<double>(rank);
  double sum = 0;
  for (std::size_t i = 0; i < rank; ++i) sum += row.p[order[i]];
  const double u = model.params.randomized ? row.u : 0;
  switch (model.plan.score) {
    case Score::lac: return 1 - own;
    case Score::aps: return sum - u * own;
    case Score::raps: return sum - u * own + model.params.penalty * std::max(0.0, r - static_cast<double>(model.params.penalty_free));
    case Score::saps: {
      const double v = model.params.randomized ? row.u : 1;
      return rank == 1 ? v * own : row.p[order[0]] + (r - 2 + v) * model.params.penalty;
    }
    case Score::margin: return row.p[order[rank == 1 ? 1 : 0]] - own;
    case Score::top_k: return r;
    default: return -std::log(own);
  }
}

Result<std::vector<double>> plain_class_scores(const Model& model, const Table& data, const Columns& columns) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(data.rows()));
  std::iota(numbers.begin(), numbers.end(), data.first_row());
  std::vector<std::int32_t> labels;
  PLIMSOLL_CHECK(learn::LabelReader(model.plan.classes).read(data, columns.target, numbers, labels));
  std::vector<Reals> p;
  for (const std::string& name : columns.probability) {
    PLIMSOLL_TRY(Reals column, data.reals(name));
    p.push_back(std::move(column));
  }
  std::vector<double> draws(labels.size());
  if (model.params.randomized) PLIMSOLL_CHECK(learn::draw_rows(Stream(static_cast<std::uint64_t>(model.draw_seed), static_cast<std::uint64_t>(model.draw_key)), data, columns.id, draws));
  std::vector<double> scores;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    PlainRow row;
    for (const Reals& column : p) row.p.push_back(column[i]);
    row.label = static_cast<std::size_t>(labels[i]);
    row.u = draws[i];
    scores.push_back(plain_class_score(model, row));
  }
  return scores;
}

// Both sides; for one-sided scores the second is empty.
Result<std::vector<std::vector<double>>> plain_number_scores(const Model& model, const Table& data, const Columns& columns) {
  const Score score = model.plan.score;
  const double b = model.params.offset;
  PLIMSOLL_TRY(const Reals y, data.reals(columns.target));
  std::vector<Reals> in;
  for (const std::string* name : {&columns.prediction, &columns.sigma, &columns.lower, &columns.upper, &columns.median}) {
    in.emplace_back();
    if (name->empty()) continue;
    PLIMSOLL_TRY(in.back(), data.reals(*name));
  }
  std::vector<std::vector<double>> scores(2);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const auto at = [&](std::size_t c) { return in[c].size() > i ? in[c][i] : 0.0; };
    const double low = std::min(at(2), at(3));
    const double high = std::max(at(2), at(3));
    const double middle = std::min(std::max(at(4), low), high);
    switch (score) {
      case Score::absolute: scores[0].push_back(std::fabs(y[i] - at(0))); break;
      case Score::normalised: scores[0].push_back(std::fabs(y[i] - at(0)) / (at(1) + b)); break;
      case Score::relative: scores[0].push_back(std::fabs(y[i] - at(0)) / at(0)); break;
      case Score::two_tailed: scores[0].push_back(at(0) - y[i]); scores[1].push_back(y[i] - at(0)); break;
      case Score::cqr: scores[0].push_back(std::max(low - y[i], y[i] - high)); break;
      case Score::cqr_asymmetric: scores[0].push_back(low - y[i]); scores[1].push_back(y[i] - high); break;
      case Score::cqr_r: scores[0].push_back(std::max(low - y[i], y[i] - high) / (high - low + b)); break;
      default: scores[0].push_back(std::max((low - y[i]) / (middle - low + b), (y[i] - high) / (high - middle + b))); break;
    }
  }
  return scores;
}

void add_finding(Findings& found, bool good, const std::string& subject, const std::string& text) {
  found.findings.push_back({good ? ReportSeverity::note : ReportSeverity::alarm, subject, text, good ? "" : "Do not use this model: calibrate again."});
}

// k is the least integer with k >= (n + 1)(1 - tail), up to the rounding of 1 - tail; checked by its two neighbours.
bool rank_is_right(std::int64_t n, double tail, std::int64_t k) {
  const long double exact = static_cast<long double>(n + 1) * (1.0L - static_cast<long double>(tail));
  const long double slack = 1e-14L * static_cast<long double>(n + 1);
  if (k > n) return exact > static_cast<long double>(n) - slack;
  return static_cast<long double>(k) >= exact - slack && static_cast<long double>(k - 1) < exact + slack;
}

void check_threshold(const Model& model, const std::vector<double>& sorted, std::size_t a, std::size_t side, Findings& found) {
  const auto sides = static_cast<std::size_t>(sides_of(model.plan.score));
  const std::int64_t k = model.ranks[a * sides + side];
  const double threshold = model.thresholds[a * sides + side];
  const std::string subject = "threshold at level " + level_name(model.params.alpha[a]) + (sides == 2 ? (side == 0 ? ", lower side" : ", upper side") : "");
  const double tail = model.params.alpha[a] / static_cast<double>(sides);
  add_finding(found, rank_is_right(model.n, tail, k), subject, "rank " + std::to_string(k) + " for n = " + std::to_string(model.n));
  if (k > model.n) {
    add_finding(found, threshold == infinity, subject, "too few rows: the threshold must be infinite");
    return;
  }
  const double tolerance = model.plan.score == Score::aps || model.plan.score == Score::raps || model.plan.score == Score::neg_log ? 1e-12 * std::max(1.0, std::fabs(threshold)) : 0;
  const auto at_most = std::upper_bound(sorted.begin(), sorted.end(), threshold + tolerance) - sorted.begin();
  const auto less = std::lower_bound(sorted.begin(), sorted.end(), threshold - tolerance) - sorted.begin();
  add_finding(found, at_most >= k && less < k, subject, std::to_string(at_most) + " scores are at most the threshold and " + std::to_string(less) + " below it; rank " + std::to_string(k) + " is wanted");
}

}  // namespace

Result<Findings> verify(Context&, const VerifyInputs& inputs) {
  if (!inputs.model) return Error(ErrorCode::missing_input, "verify needs a calibrated model", "Give one: --model model.plim.").in_parameter("model");
  const Model& model = inputs.model->model().as<Model>();
  PLIMSOLL_CHECK(sound(model));
  if (model.dropped > 0) return Error(ErrorCode::bad_parameter, "the model left out rows with missing values", "Verify with the rows that were used.").in_parameter("data");
  PLIMSOLL_TRY(const Columns columns, learn::columns_of(inputs.data, model.plan, model.params, true));
  std::vector<std::vector<double>> scores(2);
  if (of_classes(model.plan.score)) {
    PLIMSOLL_TRY(scores[0], plain_class_scores(model, inputs.data, columns));
  } else {
    PLIMSOLL_TRY(scores, plain_number_scores(model, inputs.data, columns));
  }
  Findings found;
  add_finding(found, static_cast<std::int64_t>(scores[0].size()) == model.n, "rows", std::to_string(scores[0].size()) + " rows here, " + std::to_string(model.n) + " in the model");
  const auto sides = static_cast<std::size_t>(sides_of(model.plan.score));
  for (std::size_t side = 0; side < sides; ++side) {
    std::sort(scores[side].begin(), scores[side].end());
    for (std::size_t a = 0; a < model.params.alpha.size(); ++a) check_threshold(model, scores[side], a, side, found);
  }
  if (!model.scores.empty() && model.scores.size() == scores[0].size()) {
    double worst = 0;
    for (std::size_t i = 0; i < scores[0].size(); ++i)
      if (scores[0][i] != model.scores[i]) worst = std::max(worst, std::fabs(scores[0][i] - model.scores[i]));
    add_finding(found, worst <= 1e-12, "kept scores", "largest difference " + std::to_string(worst));
  }
  return found;
}

}  // namespace plimsoll::conformal::split
