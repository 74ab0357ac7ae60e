// SPDX-License-Identifier: Apache-2.0
// OptCS-Full: models learn and are judged on the same rows. With A_i = 1{y_i > c_i} for labelled rows and A = 0 imputed for every
// candidate, row i's prediction m_i comes from a learner that has seen all rows but i; V_i = infinity if A_i = 1 else -m_i and
// T_j = -m_j. A candidate that misses its bar has A = 0 indeed, so it stands among the labelled rows like one of them. With
// impute = one each candidate is judged by learners that saw the labelled rows and it alone (the published code's "2").
// Departures: ridge is left one out by the closed form, exactly; logistic regression and trees are cut into random folds that do
// not look at the rows, which are exchangeable likewise, and are judged by e-values. `balance` weighs both classes the same, where
// the published code repeats rows of the smaller one; the weights are those of all rows together. Features are standardised on
// both tables together.

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "learn/boosted_trees.h"
#include "learn/feature_encoder.h"
#include "learn/leave_one_out.h"
#include "learn/logistic.h"
#include "methods/conformal/select/select.h"

namespace plimsoll::conformal::select {
namespace {

struct Spec {
  std::string learner;
  double penalty = 1;
  std::vector<std::string> features;
  std::string name;
};

// Both tables as one, labelled rows first.
struct JoinedRows {
  std::vector<double> response;         // A, 0 for the pool
  std::vector<std::int32_t> labels;
  std::size_t labelled = 0;
};

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

Result<std::vector<Spec>> specs_of(const Params& params, const Inputs& inputs) {
  PLIMSOLL_TRY(const std::vector<std::string> features, inputs.labelled.role_columns("feature"));
  PLIMSOLL_TRY(const std::vector<std::string> in_pool, inputs.pool.role_columns("feature"));
  if (features.empty() || in_pool != features)
    return Error(ErrorCode::missing_input, features.empty() ? "the role 'feature' is not bound" : "the features of the two tables differ", "Bind the same columns in both: --feature 'x1,x2'.").in_parameter("feature");
  const std::size_t models = std::max({params.learners.size(), params.penalties.size(), params.subsets.size()});
  const auto at = [](const auto& list, std::size_t k) { return list.size() == 1 ? list.front() : list[k]; };
  std::vector<Spec> specs;
  for (std::size_t k = 0; k < models; ++k) {
    Spec spec{at(params.learners, k), at(params.penalties, k), params.subsets.empty() ? features : words_of(at(params.subsets, k)), {}};
    for (const std::string& name : spec.features)
      if (std::find(features.begin(), features.end(), name) == features.end())
        return Error(ErrorCode::missing_column, "the subset names '" + name + "', which is no feature", "Name bound features, words apart.").in_parameter("subsets");
    spec.name = std::to_string(k + 1) + " " + spec.learner;
    specs.push_back(std::move(spec));
  }
  return specs;
}

JoinedRows rows_of(const Params& params, const Read& read, std::int64_t pool) {
  JoinedRows rows;
  const double sign = params.direction == Direction::above ? 1.0 : -1.0;
  for (std::size_t i = 0; i < read.outcome.size(); ++i) rows.labels.push_back(sign * read.outcome[i] > sign * read.bars.labelled[i] ? 1 : 0);
  rows.labelled = rows.labels.size();
  rows.labels.resize(rows.labelled + static_cast<std::size_t>(pool), 0);
  rows.response.assign(rows.labels.begin(), rows.labels.end());
  return rows;
}

// Weights that let both classes weigh the same among the rows in use; 1 else. Rows out of use have weight 0.
std::vector<double> weights_of(const Params& params, const JoinedRows& rows, std::int64_t only) {
  const auto used = [&](std::size_t i) { return only < 0 || i < rows.labelled || i == rows.labelled + static_cast<std::size_t>(only); };
  double ones = 0;
  double all = 0;
  for (std::size_t i = 0; i < rows.labels.size(); ++i) {
    if (!used(i)) continue;
    ones += rows.labels[i];
    all += 1;
  }
  const bool both = params.balance && ones > 0 && ones < all;
  std::vector<double> weights;
  for (std::size_t i = 0; i < rows.labels.size(); ++i) {
    const double balanced = !both ? 1 : rows.labels[i] == 1 ? all / (2 * ones) : all / (2 * (all - ones));
    weights.push_back(used(i) ? balanced : 0);
  }
  return weights;
}

SelectionScores scores_of(const JoinedRows& rows, const std::vector<double>& predicted) {
  SelectionScores scores;
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    if (i >= rows.labelled) scores.pool.push_back(-predicted[i]);
    else scores.labelled.push_back(rows.labels[i] == 1 ? std::numeric_limits<double>::infinity() : -predicted[i]);
  }
  return scores;
}

// Some rows of a design.
class RowsOfDesign final : public learn::Design {
 public:
  RowsOfDesign(const learn::Design& whole, std::span<const std::int64_t> rows) : width_(whole.width()), rows_(rows), values_(static_cast<std::size_t>(whole.rows() * whole.width())), all_(whole.rows()) {
    whole.fill(0, all_, values_.data());
  }
  std::int64_t rows() const override { return static_cast<std::int64_t>(rows_.size()); }
  std::int64_t width() const override { return width_; }
  void fill(std::int64_t begin, std::int64_t end, double* out) const override {
    for (std::int64_t c = 0; c < width_; ++c)
      for (std::int64_t i = begin; i < end; ++i) *out++ = values_[static_cast<std::size_t>(c * all_ + rows_[static_cast<std::size_t>(i)])];
  }

 private:
  std::int64_t width_;
  std::span<const std::int64_t> rows_;
  std::vector<double> values_;
  std::int64_t all_;
};

struct Part {
  std::vector<std::int64_t> inside, outside;
};

// A random partition that does not look at the rows.
std::vector<Part> parts_of(Stream stream, std::size_t rows, std::int64_t folds) {
  std::vector<std::int64_t> order(rows);
  for (std::size_t i = 0; i < rows; ++i) order[i] = static_cast<std::int64_t>(i);
  stream.shuffle(std::span(order));
  const std::size_t count = std::min(rows, static_cast<std::size_t>(folds));
  std::vector<std::int64_t> fold(rows);
  for (std::size_t i = 0; i < rows; ++i) fold[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i % count);
  std::vector<Part> parts(count);
  for (std::size_t f = 0; f < count; ++f)
    for (std::size_t i = 0; i < rows; ++i) (fold[i] == static_cast<std::int64_t>(f) ? parts[f].outside : parts[f].inside).push_back(static_cast<std::int64_t>(i));
  return parts;
}

Result<std::vector<double>> fold_scores(Context& context, const Params& params, const Spec& spec, const learn::FeatureEncoder& encoder, const Table& table, const Part& part, const std::vector<std::int32_t>& labels, const std::vector<double>& weights) {
  if (spec.learner == "logistic") {
    PLIMSOLL_TRY(const learn::BoundFeatures bound, learn::bind_features(context, encoder, table));
    const learn::FeatureDesign design(bound);
    learn::LogisticOptions options;
    options.l2 = spec.penalty;
    PLIMSOLL_TRY(const learn::LogisticModel model, learn::fit_logistic(context, RowsOfDesign(design, part.inside), labels, weights, 2, options));
    PLIMSOLL_TRY(auto scores, learn::linear_scores(context, model, RowsOfDesign(design, part.outside)));
    return std::move(scores.front());
  }
  learn::TreeOptions options;
  options.rounds = params.rounds;
  options.max_depth = 3;
  options.l2 = spec.penalty;
  PLIMSOLL_TRY(const learn::BoundFeatures inside, learn::bind_features(context, encoder, table, part.inside));
  PLIMSOLL_TRY(const learn::BoundFeatures outside, learn::bind_features(context, encoder, table, part.outside));
  PLIMSOLL_TRY(const learn::BoostedTrees trees, learn::train_trees(context, inside, labels, weights, 2, options));
  PLIMSOLL_TRY(auto scores, learn::tree_scores(context, trees, outside));
  return std::move(scores.front());
}

// Every row by the learner of the other folds. A fold that leaves one class only learns nothing: its rows are predicted alike.
Result<std::vector<double>> by_folds(Context& context, const Params& params, const Spec& spec, const learn::FeatureEncoder& encoder, const Table& table, const JoinedRows& rows) {
  const std::vector<double> all = weights_of(params, rows, -1);
  std::vector<double> predicted(rows.labels.size(), 0.0);
  for (const Part& part : parts_of(context.rng.child("conformal.select folds"), rows.labels.size(), params.folds)) {
    PLIMSOLL_CHECK(context.stop.check());
    std::vector<std::int32_t> labels;
    std::vector<double> weights;
    for (const std::int64_t i : part.inside) {
      labels.push_back(rows.labels[static_cast<std::size_t>(i)]);
      weights.push_back(all[static_cast<std::size_t>(i)]);
    }
    if (std::count(labels.begin(), labels.end(), 1) == 0 || std::count(labels.begin(), labels.end(), 0) == 0) continue;
    PLIMSOLL_TRY(const std::vector<double> scores, fold_scores(context, params, spec, encoder, table, part, labels, weights));
    for (std::size_t i = 0; i < scores.size(); ++i) predicted[static_cast<std::size_t>(part.outside[i])] = scores[i];
  }
  return predicted;
}

Result<Refit> refit_one(Context& context, const Params& params, const Spec& spec, const Table& table, const JoinedRows& rows) {
  PLIMSOLL_TRY(const learn::FeatureEncoder encoder, learn::fit_encoder(context, table, spec.features, std::nullopt, {spec.learner != "trees", 255}));
  Refit model{spec.name, {}, {}};
  if (spec.learner != "ridge") {
    PLIMSOLL_TRY(const std::vector<double> predicted, by_folds(context, params, spec, encoder, table, rows));
    model.scores = scores_of(rows, predicted);
    return model;
  }
  PLIMSOLL_TRY(const learn::BoundFeatures bound, learn::bind_features(context, encoder, table));
  const learn::FeatureDesign design(bound);
  if (params.impute == Impute::all) {
    PLIMSOLL_TRY(const std::vector<double> predicted, learn::ridge_leave_one_out(context, design, rows.response, weights_of(params, rows, -1), spec.penalty));
    model.scores = scores_of(rows, predicted);
    return model;
  }
  // A row of weight 0 is predicted by a fit that has not seen it, so one call serves the labelled rows, j and the other candidates.
  for (std::size_t j = 0; j + rows.labelled < rows.labels.size(); ++j) {
    PLIMSOLL_TRY(const std::vector<double> predicted, learn::ridge_leave_one_out(context, design, rows.response, weights_of(params, rows, static_cast<std::int64_t>(j)), spec.penalty));
    model.own.push_back(scores_of(rows, predicted));
  }
  return model;
}

}  // namespace

bool leaves_one_out(const Params& params) {
  return std::all_of(params.learners.begin(), params.learners.end(), [](const std::string& learner) { return learner == "ridge"; });
}

Result<std::vector<Refit>> refit(Context& context, const Params& params, const Inputs& inputs, const Read& read) {
  PLIMSOLL_TRY(const std::vector<Spec> specs, specs_of(params, inputs));
  if (params.method == Procedure::optcs_full && specs.size() > 1)
    return Error(ErrorCode::bad_parameter, "optcs_full takes one model, " + std::to_string(specs.size()) + " are described", "Use --method optcs_full_msel to choose among them.").in_parameter("method");
  const JoinedRows rows = rows_of(params, read, inputs.pool.rows());
  PLIMSOLL_TRY(const std::vector<std::string> features, inputs.labelled.role_columns("feature"));
  PLIMSOLL_TRY(const Table labelled, inputs.labelled.select(features));
  PLIMSOLL_TRY(const Table pool, inputs.pool.select(features));
  const std::vector<Table> both = {labelled.with_roles({}), pool.with_roles({})};
  PLIMSOLL_TRY(const Table table, Table::concatenate(both));
  std::vector<Refit> models;
  for (const Spec& spec : specs) {
    if (inputs.pool.rows() == 0) {
      models.push_back({spec.name, {std::vector<double>(rows.labelled, 0.0), {}}, {}});
      continue;
    }
    PLIMSOLL_TRY(Refit model, refit_one(context, params, spec, table, rows));
    models.push_back(std::move(model));
  }
  return models;
}

}  // namespace plimsoll::conformal::select
