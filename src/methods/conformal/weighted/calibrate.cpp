// SPDX-License-Identifier: Apache-2.0
// Fit: weights of the calibration rows, given or fitted, and their sums along the sorted scores.

#include <algorithm>
#include <cmath>

#include "learn/overlap.h"
#include "methods/conformal/weighted/weighted.h"
#include "stats/order_statistics.h"
#include "stats/radix_sort.h"
#include "stats/sort_key.h"

namespace plimsoll::conformal::weighted {
namespace {

Error not_usable(const std::string& what, const std::string& column, std::int64_t row) {
  return Error(ErrorCode::bad_value, what, "Weights are finite and at least 0 and not all 0; fixed weights are at most 1.").in_column(column).at_row(row);
}

Result<Weights> resolve(const Params& params, const Inputs& inputs, const std::string& weight, const std::vector<std::string>& features) {
  Weights weights = params.weights;
  if (weights == Weights::automatic) weights = inputs.fresh ? Weights::shift : !weight.empty() ? Weights::given : Weights::decay;
  if ((weights == Weights::given || weights == Weights::fixed) && weight.empty())
    return Error(ErrorCode::missing_input, "no column is bound to the role 'weight'", "Bind it: --weight COLUMN.").in_parameter("weight");
  if (weights == Weights::shift && !inputs.fresh)
    return Error(ErrorCode::missing_input, "a fitted ratio needs rows of the new population", "Give them: --fresh FILE.").in_parameter("fresh");
  if (weights == Weights::shift && features.empty())
    return Error(ErrorCode::missing_input, "no column is bound to the role 'feature'", "Bind the columns that tell the populations apart: --feature a,b,c.").in_parameter("feature");
  return weights;
}

// Weight of each scored row from a column.
Result<std::vector<double>> bound_weights(const Table& data, const Model& model, const learn::TruthScores& truths) {
  PLIMSOLL_TRY(const Reals column, data.reals(model.weight_column));
  std::vector<double> weights;
  for (const std::int64_t number : truths.numbers) {
    const double w = column[static_cast<std::size_t>(number - data.first_row())];
    if (w < 0) return not_usable("a weight is negative", model.weight_column, number);
    if (model.weights == Weights::fixed && w > 1) return not_usable("a fixed weight is above 1", model.weight_column, number);
    weights.push_back(w);
  }
  return weights;
}

// decay^age, age 1 the last row of the table; what moves with `drift` a row of age costs.
Result<std::vector<double>> decayed(const Table& data, Model& model, const learn::TruthScores& truths) {
  PLIMSOLL_TRY(const std::string order, one_column(data, "order"));
  if (!order.empty()) {
    PLIMSOLL_TRY(const Reals times, data.reals(order));
    for (std::size_t i = 1; i < times.size(); ++i)
      if (times[i] < times[i - 1]) return Error(ErrorCode::bad_value, "the order falls", "Sort the rows by time.").in_column(order).at_row(data.first_row() + static_cast<std::int64_t>(i));
  }
  const std::int64_t end = data.first_row() + data.rows();
  std::vector<double> weights;
  for (const std::int64_t number : truths.numbers) weights.push_back(std::pow(model.params.decay, static_cast<double>(end - number)));
  return weights;
}

// What drift may cost: sum w_i min(1, 2 drift age_i) / (sum w_i + 1), and its slope at no drift.
void put_losses(const Table& data, Model& model, const learn::TruthScores& truths, const std::vector<double>& weights) {
  const std::int64_t end = data.first_row() + data.rows();
  double all = 1;
  double loss = 0;
  double slope = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto age = static_cast<double>(end - truths.numbers[i]);
    all += weights[i];
    loss += weights[i] * std::min(1.0, 2 * model.params.drift * age);
    slope += weights[i] * 2 * age;
  }
  model.loss = std::min(1.0, loss / all);
  model.loss_per_drift = slope / all;
}

// Compensated, so that equal weights count as ranks do.
class WeightSum {
 public:
  void add(double weight) {
    const double next = sum_ + weight;
    lost_ += sum_ >= weight ? (sum_ - next) + weight : (weight - next) + sum_;
    sum_ = next;
  }
  double value() const { return sum_ + lost_; }

 private:
  double sum_ = 0;
  double lost_ = 0;
};

struct KeyedWeight {
  std::uint64_t key;
  double weight;
};

// No threshold lies below the score where the weight first reaches (1 - largest tail) of all: of many rows only those near it and
// above are sorted and kept, found by the weights of 2^16 cells of the sortable key. Returns the first cell that is kept.
std::uint64_t first_cell(const std::vector<KeyedWeight>& rows, double largest_tail) {
  std::vector<double> cells(std::size_t{1} << 16, 0.0);
  double all = 0;
  for (const KeyedWeight& row : rows) {
    cells[row.key >> 48] += row.weight;
    all += row.weight;
  }
  const double below = (1 - largest_tail) * all * (1 - 1e-6);
  double reached = 0;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    reached += cells[c];
    if (reached >= below) return c;
  }
  return 0;
}

Side side_of(const std::vector<double>& scores, const std::vector<double>& weights, double largest_tail) {
  constexpr std::size_t many = 65536;
  std::vector<KeyedWeight> rows(scores.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = {stats::sort_key(scores[i]), weights[i]};
  WeightSum sum;
  if (rows.size() >= many) {
    const std::uint64_t first = first_cell(rows, largest_tail);
    std::size_t kept = 0;
    for (const KeyedWeight row : rows) {
      if (row.key >> 48 < first) sum.add(row.weight);
      else rows[kept++] = row;
    }
    rows.resize(kept);
  }
  std::vector<KeyedWeight> other;
  stats::radix_sort(rows, other, [](const KeyedWeight& row) { return row.key; });
  Side side;
  side.scores.resize(rows.size());
  side.reached.resize(rows.size());
  double reached = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    sum.add(rows[i].weight);
    reached = std::max(reached, sum.value());
    side.scores[i] = stats::of_sort_key(rows[i].key);
    side.reached[i] = reached;
  }
  return side;
}

}  // namespace

Result<std::vector<double>> ratio_weights(Context& context, const Ratio& ratio, const Table& rows) {
  std::vector<double> weights;
  if (rows.rows() == 0) return weights;
  PLIMSOLL_TRY(const learn::BoundFeatures bound, learn::bind_features(context, ratio.encoder, rows));
  std::vector<std::vector<double>> odds;
  if (ratio.logistic) {
    PLIMSOLL_TRY(odds, learn::linear_scores(context, *ratio.logistic, learn::FeatureDesign(bound)));
  } else {
    PLIMSOLL_TRY(odds, learn::tree_scores(context, *ratio.trees, bound));
  }
  for (const double one : odds.front()) weights.push_back(std::min(ratio.most, std::exp(one + ratio.log_scale)));
  return weights;
}

Result<Ratio> fit_ratio(Context& context, const Table& old_rows, const Table& new_rows, const std::vector<std::string>& features, const Params& params) {
  if (old_rows.rows() == 0 || new_rows.rows() == 0) return Error(ErrorCode::too_few_rows, "the ratio of densities needs rows of both populations", "Give rows in --fresh and in the calibration (or --unlabelled).").in_parameter("fresh");
  PLIMSOLL_TRY(const Table left, old_rows.select(features));
  PLIMSOLL_TRY(const Table right, new_rows.select(features));
  const std::vector<Table> parts = {left.with_roles({}), right.with_roles({})};
  PLIMSOLL_TRY(const Table both, Table::concatenate(parts));
  std::vector<std::int32_t> labels(static_cast<std::size_t>(both.rows()), 0);
  std::fill(labels.begin() + static_cast<std::ptrdiff_t>(old_rows.rows()), labels.end(), 1);
  Ratio ratio;
  ratio.most = std::numeric_limits<double>::max();
  ratio.log_scale = std::log(static_cast<double>(old_rows.rows())) - std::log(static_cast<double>(new_rows.rows()));
  learn::EncoderOptions encoding;
  encoding.linear = params.learner == Learner::logistic;
  PLIMSOLL_TRY(ratio.encoder, learn::fit_encoder(context, both, features, std::nullopt, encoding));
  for (std::size_t i = 0; i < ratio.encoder.kept_out.size(); ++i) context.warn("column \"" + ratio.encoder.kept_out[i] + "\" is not used: " + ratio.encoder.notes[i]);
  PLIMSOLL_TRY(const learn::BoundFeatures bound, learn::bind_features(context, ratio.encoder, both));
  if (params.learner == Learner::logistic) {
    learn::LogisticOptions options;
    options.l2 = params.l2;
    PLIMSOLL_TRY(ratio.logistic, learn::fit_logistic(context, learn::FeatureDesign(bound), labels, {}, 2, options));
    if (ratio.logistic->status != learn::FitStatus::converged) context.warn("The ratio of densities did not converge: the populations may be apart altogether. A larger --l2 helps.");
  } else {
    learn::TreeOptions options;
    options.rounds = params.rounds;
    options.max_depth = 3;
    PLIMSOLL_TRY(ratio.trees, learn::train_trees(context, bound, labels, {}, 2, options));
  }
  return ratio;
}

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  PLIMSOLL_CHECK(check(params));
  const Table& data = inputs.data;
  Model model;
  model.params = params;
  PLIMSOLL_TRY(model.plan, learn::plan_of(data, params));
  PLIMSOLL_TRY(model.weight_column, one_column(data, "weight"));
  PLIMSOLL_TRY(const std::vector<std::string> features, data.role_columns("feature"));
  PLIMSOLL_TRY(model.weights, resolve(params, inputs, model.weight_column, features));
  PLIMSOLL_TRY(model.overlap_remark, learn::overlap_remark(context, data, inputs.learned));
  PLIMSOLL_TRY(const learn::TruthScores truths, learn::score_truths(context, data, model.plan, params, params.missing, context.rng.child("calibrate")));
  model.n = static_cast<std::int64_t>(truths.numbers.size());
  if (model.n == 0) return Error(ErrorCode::too_few_rows, "the calibration table has no rows", "Give at least " + std::to_string(learn::conformal_rows_needed(params.alpha.front())) + " labelled rows.").in_parameter("data");
  std::vector<double> weights;
  if (model.weights == Weights::shift) {
    PLIMSOLL_TRY(Ratio ratio, fit_ratio(context, inputs.unlabelled ? *inputs.unlabelled : data, *inputs.fresh, features, params));
    PLIMSOLL_TRY(std::vector<double> all, ratio_weights(context, ratio, data));
    for (const std::int64_t number : truths.numbers) weights.push_back(all[static_cast<std::size_t>(number - data.first_row())]);
    std::vector<double> sorted = weights;
    std::sort(sorted.begin(), sorted.end());
    ratio.most = stats::quantile_of_sorted(sorted, params.clip);
    for (double& w : weights) {
      ratio.clipped += w > ratio.most ? 1 : 0;
      w = std::min(w, ratio.most);
    }
    model.ratio = std::move(ratio);
  } else if (model.weights == Weights::decay) {
    PLIMSOLL_TRY(weights, decayed(data, model, truths));
  } else {
    PLIMSOLL_TRY(weights, bound_weights(data, model, truths));
  }
  double sum = 0;
  double squares = 0;
  const double largest = *std::max_element(weights.begin(), weights.end());
  if (!(largest > 0)) return not_usable("all weights are zero", model.weight_column, truths.numbers.front());
  for (const double w : weights) {
    sum += w / largest;
    squares += (w / largest) * (w / largest);
  }
  model.effective_size = sum * sum / squares;
  if (model.weights == Weights::fixed || model.weights == Weights::decay) put_losses(data, model, truths, weights);
  for (const auto& side : truths.sides) model.sides.push_back(side_of(side, weights, *std::max_element(params.alpha.begin(), params.alpha.end()) / static_cast<double>(truths.sides.size())));
  if (!std::isfinite(model.sides.front().reached.back())) return not_usable("the weights sum to infinity", model.weight_column, truths.numbers.front());
  model.dropped = truths.dropped;
  model.crossed = truths.crossed;
  model.off = truths.off;
  learn::warn_of_scores(context, model.off, model.crossed, model.dropped);
  if (model.effective_size < static_cast<double>(learn::conformal_rows_needed(params.alpha.front())))
    context.warn("The weights are worth " + std::to_string(static_cast<std::int64_t>(model.effective_size)) + " rows of equal weight only: most answers will be the whole space.");
  return model;
}

}  // namespace plimsoll::conformal::weighted
