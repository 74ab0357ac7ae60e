// SPDX-License-Identifier: Apache-2.0
// Fit: which rows each model did not learn from, their residuals, and the ranks.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <set>

#include "learn/score_rows.h"
#include "methods/conformal/resample/resample.h"

namespace plimsoll::conformal::resample {
namespace {

struct Truth {
  Reals numbers;
  std::vector<std::int32_t> codes;
  std::vector<double> draws;  // of randomised scores; else empty
};

Error needs(const std::string& what, const std::string& mend, const std::string& parameter) { return Error(ErrorCode::missing_input, what, mend).in_parameter(parameter); }

Result<Columns> columns_of(const Table& table) {
  Columns c;
  PLIMSOLL_TRY(c.target, needed_column(table, "target"));
  PLIMSOLL_TRY(c.fold, one_column(table, "fold"));
  PLIMSOLL_TRY(c.id, one_column(table, "id"));
  PLIMSOLL_TRY(c.feature, table.role_columns("feature"));
  PLIMSOLL_TRY(c.prediction, table.role_columns("prediction"));
  PLIMSOLL_TRY(c.bag, table.role_columns("bag"));
  PLIMSOLL_TRY(c.probability, table.role_columns("probability"));
  return c;
}

// What is bound must be what the scheme reads.
Result<void> check_columns(const Columns& c, const Params& params) {
  const int sources = (c.feature.empty() ? 0 : 1) + (c.prediction.empty() ? 0 : 1) + (c.probability.empty() ? 0 : 1);
  if (sources == 0) return needs("there is nothing to predict from", "Bind --feature to learn here, or --prediction (classes: --probability) made without each row's fold.", "feature");
  if (sources > 1) return Error(ErrorCode::bad_parameter, "features, predictions and probabilities are bound together", "Bind one of them.").in_parameter("feature");
  if (params.scheme == Scheme::full && c.feature.empty()) return needs("full conformal prediction learns from features", "Bind --feature.", "feature");
  if (params.scheme == Scheme::bootstrap && c.feature.empty()) {
    if (c.prediction.empty()) return Error(ErrorCode::bad_parameter, "the bootstrap scheme is for numbers", "Use --scheme cv for classes.").in_parameter("scheme");
    if (c.bag.size() != c.prediction.size()) return needs(std::to_string(c.bag.size()) + " bags stand against " + std::to_string(c.prediction.size()) + " predictions", "Bind one column of counts a bag: --bag.", "bag");
  }
  if (params.scheme == Scheme::cv && c.feature.empty()) {
    if (c.fold.empty()) return needs("the fold of each row is not bound", "Bind it: --fold COLUMN.", "fold");
    if (c.prediction.size() > 1) return Error(ErrorCode::bad_parameter, "cv reads one prediction a row, the one without its fold", "Bind one column.").in_parameter("prediction");
  }
  return {};
}

ColumnType type_of_column(const Table& table, const std::string& name) {
  for (const ColumnInfo& column : table.columns())
    if (column.name == name) return column.type;
  return ColumnType::other;
}

// Names by their numbers where all are whole, else as text.
std::vector<std::string> in_order(std::vector<std::string> names) {
  const auto number = [](const std::string& name, std::int64_t& out) {
    const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), out);
    return code == std::errc() && end == name.data() + name.size();
  };
  std::int64_t seen = 0;
  const bool whole = std::all_of(names.begin(), names.end(), [&](const std::string& name) { return number(name, seen); });
  std::sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    std::int64_t x = 0;
    std::int64_t y = 0;
    return whole && number(a, x) && number(b, y) && x != y ? x < y : a < b;
  });
  return names;
}

Result<std::vector<std::string>> classes_of(const Table& table, const Columns& columns, const Params& params) {
  std::vector<std::string> names = params.classes;
  if (!columns.probability.empty()) {
    if (!names.empty() && names.size() != columns.probability.size()) return Error(ErrorCode::bad_parameter, std::to_string(names.size()) + " classes are named for " + std::to_string(columns.probability.size()) + " probability columns", "Name one class a column.").in_parameter("classes");
    const bool strip = std::all_of(columns.probability.begin(), columns.probability.end(), [&](const std::string& name) { return name.size() > params.prefix.size() && name.starts_with(params.prefix); });
    if (names.empty())
      for (const std::string& name : columns.probability) names.push_back(strip ? name.substr(params.prefix.size()) : name);
  } else if (names.empty()) {
    PLIMSOLL_TRY(const Categories labels, table.categories(columns.target));
    if (labels.names.size() > 1000) return Error(ErrorCode::bad_value, "the target has more than 1000 classes", "Name them with --classes, or use --task number.").in_column(columns.target);
    names = in_order(labels.names);
  }
  if (names.size() < 2) return Error(ErrorCode::one_class, "there are fewer than two classes", "Give rows of at least two classes.").in_column(columns.target);
  if (std::set<std::string>(names.begin(), names.end()).size() != names.size()) return Error(ErrorCode::bad_parameter, "a class is named twice", "Give each class its own name.").in_parameter("classes");
  return names;
}

// The fold of each row, and their names in order.
Result<std::vector<std::int32_t>> folds_of(const Table& table, const Params& params, Context& context, Model& model) {
  const auto n = static_cast<std::size_t>(table.rows());
  std::vector<std::int32_t> fold(n);
  if (!model.columns.fold.empty()) {
    PLIMSOLL_TRY(const Categories given, table.categories(model.columns.fold));
    model.folds = in_order(given.names);
    std::vector<std::int32_t> place(given.names.size());
    for (std::size_t f = 0; f < place.size(); ++f) place[f] = static_cast<std::int32_t>(std::find(model.folds.begin(), model.folds.end(), given.names[f]) - model.folds.begin());
    for (std::size_t i = 0; i < n; ++i) {
      if (given.codes[i] < 0) return Error(ErrorCode::null_value, "a row has no fold", "Give each row its fold.").in_column(model.columns.fold).at_row(table.first_row() + static_cast<std::int64_t>(i));
      fold[i] = place[static_cast<std::size_t>(given.codes[i])];
    }
  } else {
    const std::size_t k = params.folds == 0 ? n : std::min(n, static_cast<std::size_t>(params.folds));
    std::vector<std::int32_t> shuffled(n);
    for (std::size_t i = 0; i < n; ++i) shuffled[i] = static_cast<std::int32_t>(i * k / std::max<std::size_t>(n, 1));
    if (k < n) {
      Stream stream = context.rng.child("conformal.resample folds");
      stream.shuffle(std::span<std::int32_t>(shuffled));
    }
    fold = std::move(shuffled);
    for (std::size_t f = 0; f < k; ++f) model.folds.push_back(std::to_string(f));
  }
  if (model.folds.size() < 2) return Error(ErrorCode::too_few_rows, "there is only one fold", "Give rows of at least two folds.").in_parameter("fold");
  return fold;
}

Result<learn::FittedLearner> learn_on(Context& context, const Table& table, const Model& model, std::span<const std::int64_t> rows, const Truth& truth) {
  if (model.of_classes) return learn::learn_classes(context, table, model.columns.feature, rows, truth.codes, static_cast<std::int64_t>(model.classes.size()), model.params);
  return learn::learn_number(context, table, model.columns.feature, rows, truth.numbers.span(), model.params);
}

std::vector<double> scores_of(const Model& model, const std::vector<std::span<const double>>& columns, std::span<const std::int32_t> codes, std::span<const double> draws) {
  std::vector<double> scores(codes.size());
  std::vector<std::span<const double>> piece(columns.size());
  for (std::size_t begin = 0; begin < codes.size(); begin += learn::piece_rows) {
    const std::size_t count = std::min(learn::piece_rows, codes.size() - begin);
    for (std::size_t c = 0; c < columns.size(); ++c) piece[c] = columns[c].subspan(begin, count);
    learn::score_labels(score_options(model.params), piece, codes.subspan(begin, count), draws.empty() ? draws : draws.subspan(begin, count), std::span<double>(scores).subspan(begin, count));
  }
  return scores;
}

// Learns without each fold in turn and gives its rows their residuals or scores.
Result<std::vector<double>> learned_residuals(Context& context, const Table& table, const std::vector<std::int32_t>& fold, const Truth& truth, Model& model) {
  std::vector<double> residuals(fold.size());
  context.progress.begin("learning without each fold", model.models, "folds");
  for (std::int32_t f = 0; f < model.models; ++f) {
    PLIMSOLL_CHECK(context.stop.check());
    std::vector<std::int64_t> in;
    std::vector<std::int64_t> out;
    for (std::size_t i = 0; i < fold.size(); ++i) (fold[i] == f ? out : in).push_back(static_cast<std::int64_t>(i));
    PLIMSOLL_TRY(learn::FittedLearner learner, learn_on(context, table, model, in, truth));
    PLIMSOLL_TRY(const auto predicted, learn::predict(context, learner, table, out));
    if (model.of_classes) {
      std::vector<std::int32_t> codes;
      std::vector<double> draws;
      for (const std::int64_t i : out) {
        codes.push_back(truth.codes[static_cast<std::size_t>(i)]);
        if (!truth.draws.empty()) draws.push_back(truth.draws[static_cast<std::size_t>(i)]);
      }
      const std::vector<double> scores = scores_of(model, {predicted.begin(), predicted.end()}, codes, draws);
      for (std::size_t i = 0; i < out.size(); ++i) residuals[static_cast<std::size_t>(out[i])] = scores[i];
    } else {
      for (std::size_t i = 0; i < out.size(); ++i) residuals[static_cast<std::size_t>(out[i])] = std::fabs(truth.numbers[static_cast<std::size_t>(out[i])] - predicted.front()[i]);
    }
    model.learners.push_back(std::move(learner));
    context.progress.advance(1);
  }
  context.progress.end();
  return residuals;
}

// Residuals or scores of predictions that a caller made.
Result<std::vector<double>> given_residuals(Context& context, const Table& table, const Truth& truth, const Model& model) {
  if (!model.of_classes) {
    PLIMSOLL_TRY(const Reals predicted, table.reals(model.columns.prediction.front()));
    std::vector<double> residuals(predicted.size());
    for (std::size_t i = 0; i < residuals.size(); ++i) residuals[i] = std::fabs(truth.numbers[i] - predicted[i]);
    return residuals;
  }
  PLIMSOLL_TRY(learn::ClassSlice slice, learn::class_slice(table, model.columns.probability));
  learn::ProbabilityCheck found;
  for (std::size_t begin = 0; begin < truth.codes.size() && found.bad_row < 0; begin += learn::piece_rows)
    found.add(slice.cut(begin, std::min(learn::piece_rows, truth.codes.size() - begin)), static_cast<std::int64_t>(begin));
  PLIMSOLL_CHECK(learn::refuse_bad(found, table, model.columns.probability, learn::row_numbers(table)));
  learn::warn_of_scores(context, found.off, 0, 0);
  return scores_of(model, slice.spans, truth.codes, truth.draws);
}

Result<void> calibrate_folds(Context& context, const Table& table, const Truth& truth, Model& model) {
  PLIMSOLL_TRY(const std::vector<std::int32_t> fold, folds_of(table, model.params, context, model));
  model.models = static_cast<std::int64_t>(model.folds.size());
  std::vector<double> residuals;
  if (model.columns.feature.empty()) {
    PLIMSOLL_TRY(residuals, given_residuals(context, table, truth, model));
  } else {
    PLIMSOLL_TRY(residuals, learned_residuals(context, table, fold, truth, model));
  }
  std::vector<std::vector<double>> lists(model.folds.size());
  for (std::size_t i = 0; i < residuals.size(); ++i) {
    if (std::isnan(residuals[i])) return Error(ErrorCode::bad_value, "the residual of a row is not a number", "Give values of ordinary size.").in_column(model.columns.target).at_row(table.first_row() + static_cast<std::int64_t>(i));
    lists[static_cast<std::size_t>(fold[i])].push_back(residuals[i]);
  }
  model.offsets = {0};
  for (auto& list : lists) {
    std::sort(list.begin(), list.end());
    model.residuals.insert(model.residuals.end(), list.begin(), list.end());
    model.offsets.push_back(static_cast<std::int64_t>(model.residuals.size()));
  }
  return {};
}

// The number of bags is drawn too, Binomial(bags / q, q) with q the chance that a bag of n draws leaves out one of n + 1 rows:
// that is what the proof of Kim, Xu and Barber asks for.
std::int64_t draw_bags(Stream& stream, std::int64_t n, std::int64_t bags) {
  const double q = std::exp(static_cast<double>(n) * std::log1p(-1.0 / (static_cast<double>(n) + 1)));
  return std::max<std::int64_t>(1, stream.binomial(static_cast<std::int64_t>(std::llround(static_cast<double>(bags) / q)), q));
}

struct Bags {
  std::vector<std::vector<double>> predictions;  // one a bag, of all rows
  std::vector<std::vector<bool>> holds;
};

Result<Bags> learned_bags(Context& context, const Table& table, const Truth& truth, Model& model) {
  Bags bags;
  const Stream root = context.rng.child("conformal.resample bags");
  Stream count = root.child("count");
  const std::int64_t most = draw_bags(count, model.n, model.params.bags);
  context.progress.begin("learning from bags", most, "bags");
  for (std::int64_t b = 0; b < most; ++b) {
    PLIMSOLL_CHECK(context.stop.check());
    Stream stream = root.child(static_cast<std::uint64_t>(b));
    std::vector<std::int64_t> rows;
    std::vector<bool> holds(static_cast<std::size_t>(model.n), false);
    for (std::int64_t i = 0; i < model.n; ++i) {
      rows.push_back(static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(model.n))));
      holds[static_cast<std::size_t>(rows.back())] = true;
    }
    std::sort(rows.begin(), rows.end());
    PLIMSOLL_TRY(learn::FittedLearner learner, learn_on(context, table, model, rows, truth));
    PLIMSOLL_TRY(auto predicted, learn::predict(context, learner, table));
    bags.predictions.push_back(std::move(predicted.front()));
    bags.holds.push_back(std::move(holds));
    model.learners.push_back(std::move(learner));
    context.progress.advance(1);
  }
  context.progress.end();
  return bags;
}

Result<Bags> given_bags(const Table& table, const Model& model) {
  Bags bags;
  for (std::size_t b = 0; b < model.columns.bag.size(); ++b) {
    PLIMSOLL_TRY(const Reals predicted, table.reals(model.columns.prediction[b]));
    PLIMSOLL_TRY(const Reals counts, table.reals(model.columns.bag[b]));
    std::vector<bool> holds(counts.size());
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (!(counts[i] >= 0)) return Error(ErrorCode::bad_value, "a bag holds a row fewer than 0 times", "Give counts.").in_column(model.columns.bag[b]).at_row(table.first_row() + static_cast<std::int64_t>(i));
      holds[i] = counts[i] > 0;
    }
    bags.predictions.emplace_back(predicted.begin(), predicted.end());
    bags.holds.push_back(std::move(holds));
  }
  return bags;
}

Result<void> calibrate_bags(Context& context, const Table& table, const Truth& truth, Model& model) {
  const bool learns = !model.columns.feature.empty();
  PLIMSOLL_TRY(const Bags bags, learns ? learned_bags(context, table, truth, model) : given_bags(table, model));
  model.models = static_cast<std::int64_t>(bags.predictions.size());
  std::vector<double> values(bags.predictions.size());
  std::vector<double> room;
  std::int64_t nowhere = 0;
  model.offsets = {0};
  for (std::size_t i = 0; i < static_cast<std::size_t>(model.n); ++i) {
    const auto begin = static_cast<std::size_t>(model.offsets.back());
    for (std::size_t b = 0; b < values.size(); ++b) {
      values[b] = bags.predictions[b][i];
      if (!bags.holds[b][i]) model.outside.push_back(static_cast<std::int32_t>(b));
    }
    const auto own = std::span<const std::int32_t>(model.outside).subspan(begin);
    model.residuals.push_back(own.empty() ? infinity : std::fabs(truth.numbers[i] - joined(values, own, model.params.aggregate, room)));
    model.offsets.push_back(static_cast<std::int64_t>(model.outside.size()));
    nowhere += own.empty() ? 1 : 0;
  }
  if (nowhere > 0) context.warn(std::to_string(nowhere) + " rows stand in every bag: no prediction is without them, and they count as infinitely far. More bags help.");
  return {};
}

Result<void> keep_rows(const Table& table, const Truth& truth, Model& model) {
  constexpr std::int64_t most = 20'000;
  if (model.n > most) return Error(ErrorCode::too_large, "full conformal prediction learns anew for each new row: " + std::to_string(model.n) + " rows are too many", "Use --scheme cv.").in_parameter("scheme");
  const std::size_t width = model.columns.feature.size();
  model.features.resize(static_cast<std::size_t>(model.n) * width);
  for (std::size_t c = 0; c < width; ++c) {
    PLIMSOLL_TRY(const Reals column, table.reals(model.columns.feature[c]));
    for (std::size_t i = 0; i < column.size(); ++i) model.features[i * width + c] = column[i];
  }
  if (model.of_classes) model.residuals.assign(truth.codes.begin(), truth.codes.end());
  else model.residuals.assign(truth.numbers.begin(), truth.numbers.end());
  return {};
}

Result<Truth> truth_of(Context& context, const Table& table, Model& model) {
  Truth truth;
  if (!model.of_classes) {
    PLIMSOLL_TRY(truth.numbers, table.reals(model.columns.target));
    return truth;
  }
  PLIMSOLL_TRY(model.classes, classes_of(table, model.columns, model.params));
  PLIMSOLL_CHECK(learn::LabelReader(model.classes).read(table, model.columns.target, learn::row_numbers(table), truth.codes));
  if (score_options(model.params).needs_uniforms()) {
    truth.draws.resize(truth.codes.size());
    PLIMSOLL_CHECK(learn::draw_rows(context.rng.child("calibrate"), table, model.columns.id, truth.draws));
  }
  return truth;
}

}  // namespace

double joined(std::span<const double> values, std::span<const std::int32_t> which, Aggregate aggregate, std::vector<double>& room) {
  if (aggregate == Aggregate::mean) {
    double sum = 0;
    for (const std::int32_t b : which) sum += values[static_cast<std::size_t>(b)];
    return sum / static_cast<double>(which.size());
  }
  room.clear();
  for (const std::int32_t b : which) room.push_back(values[static_cast<std::size_t>(b)]);
  std::sort(room.begin(), room.end());
  const std::size_t half = room.size() / 2;
  return room.size() % 2 == 1 ? room[half] : (room[half - 1] + room[half]) / 2;
}

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  PLIMSOLL_CHECK(check(params));
  PLIMSOLL_CHECK(context.stop.check());
  Model model;
  model.params = params;
  PLIMSOLL_TRY(model.columns, columns_of(inputs.data));
  PLIMSOLL_CHECK(check_columns(model.columns, params));
  model.n = inputs.data.rows();
  if (model.n < 2) return Error(ErrorCode::too_few_rows, "at least 2 rows are needed, got " + std::to_string(model.n), "Give more rows.").in_parameter("data");
  const ColumnType type = type_of_column(inputs.data, model.columns.target);
  const bool named = type == ColumnType::text || type == ColumnType::boolean;
  model.of_classes = !model.columns.probability.empty() || (model.columns.prediction.empty() && (params.task == Task::classes || (params.task == Task::automatic && named)));
  if (model.of_classes && params.scheme == Scheme::bootstrap) return Error(ErrorCode::bad_parameter, "the bootstrap scheme is for numbers", "Use --scheme cv for classes.").in_parameter("scheme");
  PLIMSOLL_TRY(const Truth truth, truth_of(context, inputs.data, model));
  for (const double alpha : params.alpha) {
    model.ranks.push_back(learn::conformal_rank_of(model.n, alpha));
    if (model.ranks.back() <= model.n) continue;
    const std::string words = std::to_string(model.n) + " rows are too few for alpha " + learn::level_name(1 - alpha) + ": " + std::to_string(learn::conformal_rows_needed(alpha)) + " are needed";
    if (params.small_n == learn::SmallSample::error) return Error(ErrorCode::too_few_rows, words, "Give more rows or a larger alpha.").in_parameter("alpha");
    context.warn(words + "; the answer is the whole space.");
  }
  if (params.scheme == Scheme::cv) PLIMSOLL_CHECK(calibrate_folds(context, inputs.data, truth, model));
  if (params.scheme == Scheme::bootstrap) PLIMSOLL_CHECK(calibrate_bags(context, inputs.data, truth, model));
  if (params.scheme == Scheme::full) PLIMSOLL_CHECK(keep_rows(inputs.data, truth, model));
  return model;
}

}  // namespace plimsoll::conformal::resample
