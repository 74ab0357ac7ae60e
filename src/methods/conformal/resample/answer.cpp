// SPDX-License-Identifier: Apache-2.0
// Apply: intervals as order statistics of shifted residuals, sets as p-values above alpha. Cross-validation needs no memory but the
// sorted residuals (stats/shifted_lists.h); the bootstrap walks the rows that calibrate once for each new one.

#include <algorithm>
#include <cmath>
#include <limits>

#include "learn/score_rows.h"
#include "methods/conformal/resample/resample.h"
#include "stats/order_statistics.h"
#include "stats/shifted_lists.h"

namespace plimsoll::conformal::resample {
namespace {

using Predictions = std::vector<std::vector<double>>;

// One column a model, or models x classes of them, fold after fold.
Result<Predictions> predictions_of(Context& context, const Model& model, const Table& rows) {
  Predictions all;
  if (!model.learners.empty()) {
    for (const learn::FittedLearner& learner : model.learners) {
      PLIMSOLL_CHECK(context.stop.check());
      PLIMSOLL_TRY(auto columns, learn::predict(context, learner, rows));
      for (auto& column : columns) all.push_back(std::move(column));
    }
    return all;
  }
  const std::string role = model.of_classes ? "probability" : "prediction";
  PLIMSOLL_TRY(const std::vector<std::string> names, rows.role_columns(role));
  const std::size_t wanted = static_cast<std::size_t>(model.models) * (model.of_classes ? model.classes.size() : 1);
  if (names.size() != wanted) {
    std::string words = "the model reads " + std::to_string(wanted) + " columns of the role '" + role + "', one for each ";
    words += model.of_classes ? "class of each fold" : model.params.scheme == Scheme::cv ? "fold" : "bag";
    return Error(names.empty() ? ErrorCode::missing_input : ErrorCode::bad_parameter, words + ", got " + std::to_string(names.size()), "Bind them in the order of the " + std::string(model.params.scheme == Scheme::cv ? "folds' names." : "bags.")).in_parameter(role);
  }
  for (const std::string& name : names) {
    PLIMSOLL_TRY(const Reals column, rows.reals(name));
    all.emplace_back(column.begin(), column.end());
  }
  return all;
}

Result<void> by_blocks(Context& context, std::int64_t rows, const std::function<void(std::size_t, std::size_t)>& work) {
  return context.runtime.for_each_block(rows, context.stop, [&](std::int64_t, std::int64_t begin, std::int64_t end) -> Result<void> {
    work(static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
    return {};
  });
}

double threshold_at(const Model& model, std::int64_t rank) {
  if (rank > model.n) return infinity;
  std::vector<double> scratch = model.residuals;
  return stats::kth_smallest(scratch, rank);
}

// [least - q, most + q] of the predictions that `which(i)` gives.
void widen(const Model& model, std::size_t i, double least, double most, std::span<const double> thresholds, Answers& answers) {
  for (std::size_t a = 0; a < model.ranks.size(); ++a) {
    answers.lower[a][i] = least - thresholds[a];
    answers.upper[a][i] = most + thresholds[a];
  }
}

Result<void> fold_intervals(Context& context, const Model& model, const Predictions& mu, std::size_t rows, Answers& answers) {
  const stats::ShiftedLists lists(model.residuals, model.offsets);
  std::vector<stats::ShiftedLists::Plan> plans;
  std::vector<double> thresholds;
  const bool minmax = model.params.interval == Interval::minmax;
  for (const std::int64_t rank : model.ranks) {
    plans.push_back(lists.plan(rank));
    thresholds.push_back(minmax ? threshold_at(model, rank) : 0);
  }
  return by_blocks(context, static_cast<std::int64_t>(rows), [&](std::size_t begin, std::size_t end) {
    stats::ShiftedLists::Room room;
    std::vector<double> up(mu.size()), down(mu.size());
    for (std::size_t i = begin; i < end; ++i) {
      for (std::size_t f = 0; f < mu.size(); ++f) {
        up[f] = mu[f][i];
        down[f] = -mu[f][i];
      }
      if (minmax) {
        widen(model, i, *std::min_element(up.begin(), up.end()), *std::max_element(up.begin(), up.end()), thresholds, answers);
        continue;
      }
      // The (n + 1 - k)-th smallest of mu - R is minus the k-th smallest of R - mu.
      for (std::size_t a = 0; a < plans.size(); ++a) {
        answers.lower[a][i] = -lists.at(plans[a], down, room);
        answers.upper[a][i] = lists.at(plans[a], up, room);
      }
    }
  });
}

Result<void> bag_intervals(Context& context, const Model& model, const Predictions& mu, std::size_t rows, Answers& answers) {
  const bool minmax = model.params.interval == Interval::minmax;
  std::vector<double> thresholds;
  for (const std::int64_t rank : model.ranks) thresholds.push_back(minmax ? threshold_at(model, rank) : 0);
  const auto n = static_cast<std::size_t>(model.n);
  return by_blocks(context, static_cast<std::int64_t>(rows), [&](std::size_t begin, std::size_t end) {
    std::vector<double> values(mu.size()), room, own(n), moved(n);
    for (std::size_t i = begin; i < end; ++i) {
      for (std::size_t b = 0; b < mu.size(); ++b) values[b] = mu[b][i];
      double least = infinity;
      double most = -infinity;
      for (std::size_t j = 0; j < n; ++j) {
        const auto first = static_cast<std::size_t>(model.offsets[j]);
        const auto which = std::span<const std::int32_t>(model.outside).subspan(first, static_cast<std::size_t>(model.offsets[j + 1]) - first);
        own[j] = which.empty() ? 0 : joined(values, which, model.params.aggregate, room);
        if (which.empty()) continue;
        least = std::min(least, own[j]);
        most = std::max(most, own[j]);
      }
      if (minmax) {
        widen(model, i, least, most, thresholds, answers);
        continue;
      }
      for (std::size_t a = 0; a < model.ranks.size(); ++a) {
        const bool finite = model.ranks[a] <= model.n;
        for (std::size_t j = 0; j < n; ++j) moved[j] = model.residuals[j] - own[j];
        answers.lower[a][i] = finite ? -stats::kth_smallest(moved, model.ranks[a]) : -infinity;
        for (std::size_t j = 0; j < n; ++j) moved[j] = model.residuals[j] + own[j];
        answers.upper[a][i] = finite ? stats::kth_smallest(moved, model.ranks[a]) : infinity;
      }
    }
  });
}

Result<void> check_probabilities(const Model& model, const Predictions& p, const Table& rows) {
  if (!model.learners.empty()) return {};
  PLIMSOLL_TRY(const std::vector<std::string> names, rows.role_columns("probability"));
  const std::size_t k = model.classes.size();
  for (std::size_t f = 0; f < static_cast<std::size_t>(model.models); ++f) {
    const std::vector<std::span<const double>> columns(p.begin() + static_cast<std::ptrdiff_t>(f * k), p.begin() + static_cast<std::ptrdiff_t>((f + 1) * k));
    learn::ProbabilityCheck found;
    found.add(columns, 0);
    PLIMSOLL_CHECK(learn::refuse_bad(found, rows, {names.begin() + static_cast<std::ptrdiff_t>(f * k), names.begin() + static_cast<std::ptrdiff_t>((f + 1) * k)}, learn::row_numbers(rows)));
  }
  return {};
}

// p(y) = (1 + #{i : s_i >= s(x, y) of i's fold}) / (n + 1); in the set where fewer than k scores lie below, k of alpha.
Result<void> class_answers(Context& context, const Model& model, const Predictions& p, std::span<const double> draws, std::size_t rows, Answers& answers) {
  const std::size_t k = model.classes.size();
  const auto options = score_options(model.params);
  answers.p_values.resize(rows * k);
  answers.inside.assign(model.ranks.size(), std::vector<std::uint8_t>(rows * k));
  return by_blocks(context, static_cast<std::int64_t>(rows), [&](std::size_t begin, std::size_t end) {
    std::vector<std::size_t> below((end - begin) * k, 0);
    std::vector<double> scores((end - begin) * k);
    std::vector<std::span<const double>> piece(k);
    for (std::size_t f = 0; f < static_cast<std::size_t>(model.models); ++f) {
      for (std::size_t c = 0; c < k; ++c) piece[c] = std::span<const double>(p[f * k + c]).subspan(begin, end - begin);
      learn::score_all(options, piece, draws.empty() ? draws : draws.subspan(begin, end - begin), scores);
      const auto first = static_cast<std::size_t>(model.offsets[f]);
      const auto own = std::span<const double>(model.residuals).subspan(first, static_cast<std::size_t>(model.offsets[f + 1]) - first);
      for (std::size_t c = 0; c < scores.size(); ++c) below[c] += stats::count_below(own, scores[c]);
    }
    for (std::size_t c = 0; c < below.size(); ++c) {
      answers.p_values[begin * k + c] = static_cast<double>(model.n + 1 - static_cast<std::int64_t>(below[c])) / static_cast<double>(model.n + 1);
      for (std::size_t a = 0; a < model.ranks.size(); ++a) answers.inside[a][begin * k + c] = static_cast<std::int64_t>(below[c]) < model.ranks[a] ? 1 : 0;
    }
  });
}

// The class of the largest p-value where a set is empty: it only adds coverage.
void fill_empty(const Model& model, Answers& answers) {
  const std::size_t k = model.classes.size();
  for (auto& inside : answers.inside)
    for (std::size_t row = 0; row + k <= inside.size(); row += k) {
      const auto set = inside.begin() + static_cast<std::ptrdiff_t>(row);
      if (std::find(set, set + static_cast<std::ptrdiff_t>(k), 1) != set + static_cast<std::ptrdiff_t>(k)) continue;
      const auto p = answers.p_values.begin() + static_cast<std::ptrdiff_t>(row);
      set[std::max_element(p, p + static_cast<std::ptrdiff_t>(k)) - p] = 1;
    }
}

Result<std::string> id_of(const Model& model, const Table& rows) {
  PLIMSOLL_TRY(std::string id, one_column(rows, "id"));
  if (id.empty() && rows.has(model.columns.id)) id = model.columns.id;
  return id;
}

Result<void> add_sets(const Model& model, const Answers& answers, std::size_t rows, bool p_values, TableBuilder& builder) {
  const std::size_t k = model.classes.size();
  for (std::size_t a = 0; a < model.ranks.size(); ++a) {
    std::vector<std::int32_t> offsets = {0};
    std::vector<std::int32_t> codes;
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t c = 0; c < k; ++c)
        if (answers.inside[a][i * k + c] != 0) codes.push_back(static_cast<std::int32_t>(c));
      if (codes.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) return Error(ErrorCode::too_large, "the sets hold more than 2^31 classes together", "Apply fewer rows at once.");
      offsets.push_back(static_cast<std::int32_t>(codes.size()));
    }
    builder.list_of_text(learn::level_column(model.params.alpha, "set", a), std::move(offsets), std::move(codes), model.classes);
  }
  for (std::size_t c = 0; p_values && c < k; ++c) {
    std::vector<double> column(rows);
    for (std::size_t i = 0; i < rows; ++i) column[i] = answers.p_values[i * k + c];
    builder.real("p_value." + model.classes[c], std::move(column));
  }
  return {};
}

}  // namespace

Result<Answers> answer(Context& context, const Model& model, const Table& rows) {
  Answers answers;
  if (model.params.scheme == Scheme::full) {
    PLIMSOLL_TRY(answers, answer_full(context, model, rows));
  } else {
    const auto count = static_cast<std::size_t>(rows.rows());
    PLIMSOLL_TRY(const Predictions mu, predictions_of(context, model, rows));
    if (!model.of_classes) {
      answers.lower.assign(model.ranks.size(), std::vector<double>(count));
      answers.upper = answers.lower;
      PLIMSOLL_CHECK(model.params.scheme == Scheme::cv ? fold_intervals(context, model, mu, count, answers) : bag_intervals(context, model, mu, count, answers));
    } else {
      PLIMSOLL_CHECK(check_probabilities(model, mu, rows));
      std::vector<double> draws(score_options(model.params).needs_uniforms() ? count : 0);
      if (!draws.empty()) {
        PLIMSOLL_TRY(const std::string id, id_of(model, rows));
        PLIMSOLL_CHECK(learn::draw_rows(context.rng.child("apply"), rows, id, draws));
      }
      PLIMSOLL_CHECK(class_answers(context, model, mu, draws, count, answers));
    }
  }
  if (model.of_classes && !model.params.allow_empty) fill_empty(model, answers);
  return answers;
}

Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_CHECK(context.stop.check());
  if (options.p_values && !model.of_classes) return Error(ErrorCode::bad_parameter, "p-values are of classes; this model answers with intervals", "Leave out --p-values.").in_parameter("p_values");
  PLIMSOLL_TRY(Answers answers, answer(context, model, inputs.data));
  TableBuilder builder;
  if (model.of_classes) {
    PLIMSOLL_CHECK(add_sets(model, answers, static_cast<std::size_t>(inputs.data.rows()), options.p_values, builder));
  }
  for (std::size_t a = 0; !model.of_classes && a < model.ranks.size(); ++a) {
    builder.real(learn::level_column(model.params.alpha, "lower", a), std::move(answers.lower[a]));
    builder.real(learn::level_column(model.params.alpha, "upper", a), std::move(answers.upper[a]));
  }
  if (!answers.pieces.empty()) builder.integer("pieces", std::move(answers.pieces));
  PLIMSOLL_TRY(Table made, std::move(builder).build());
  PLIMSOLL_TRY(const std::string id, id_of(model, inputs.data));
  Outputs outputs;
  PLIMSOLL_TRY(outputs.rows, beside_kept(inputs.data, id, options.keep, std::move(made)));
  return outputs;
}

}  // namespace plimsoll::conformal::resample
