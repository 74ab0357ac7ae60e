// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "engine/door.h"
#include "learn/calibration_choice.h"
#include "methods/calibrate/multiclass/multiclass.h"

namespace plimsoll::calibrate::multiclass {
namespace {

constexpr std::size_t most_rows = 100000;
constexpr std::int64_t rows_a_bin = 10;

learn::SoftmaxForm form_of(Map map) { return static_cast<learn::SoftmaxForm>(static_cast<int>(map) - static_cast<int>(Map::temperature)); }

learn::Calibration calibration_of(Map map) {
  switch (map) {
    case Map::beta: return learn::Calibration::beta;
    case Map::isotonic: return learn::Calibration::isotonic;
    case Map::histogram: return learn::Calibration::histogram;
    case Map::bbq: return learn::Calibration::bbq;
    case Map::venn_abers: return learn::Calibration::venn_abers;
    default: return learn::Calibration::platt;
  }
}

// Probability of one event a row: class k, or that the first most probable class is right.
std::vector<stats::Pool> pools_of(const Batch& batch, std::size_t classes, std::size_t k) {
  std::vector<double> p, y;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    p.push_back(batch.probability[i * classes + k]);
    y.push_back(batch.label[i] == static_cast<std::int32_t>(k) ? 1 : 0);
  }
  return stats::pool_ties(p, y, batch.weight, stats::order_by(p));
}

std::vector<stats::Pool> confidence_pools(const Batch& batch, std::size_t classes) {
  const std::vector<std::int32_t> top = top_labels(batch.probability, classes);
  std::vector<double> p, y;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    p.push_back(batch.probability[i * classes + static_cast<std::size_t>(top[i])]);
    y.push_back(batch.label[i] == top[i] ? 1 : 0);
  }
  return stats::pool_ties(p, y, batch.weight, stats::order_by(p));
}

Batch part_of(const Batch& batch, std::size_t classes, std::span<const std::int32_t> fold, std::int32_t which, bool others) {
  Batch part;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (fold[i] < 0 || (fold[i] == which) == others) continue;
    const auto at = static_cast<std::ptrdiff_t>(i * classes), end = static_cast<std::ptrdiff_t>((i + 1) * classes);
    part.scores.insert(part.scores.end(), batch.scores.begin() + at, batch.scores.begin() + end);
    part.probability.insert(part.probability.end(), batch.probability.begin() + at, batch.probability.begin() + end);
    part.label.push_back(batch.label[i]);
    if (!batch.weight.empty()) part.weight.push_back(batch.weight[i]);
    part.rows.push_back(batch.rows[i]);
  }
  return part;
}

learn::SoftmaxOptions softmax_options(const Params& params) {
  learn::SoftmaxOptions options;
  options.off_diagonal = params.off_diagonal;
  options.offset = params.offset;
  return options;
}

// Fills the map of kind `model.chosen`.
Result<void> learn_map(Context& context, const Batch& batch, Model& model) {
  const std::size_t k = model.classes.size();
  if (of_softmax(model.chosen)) {
    PLIMSOLL_TRY(learn::SoftmaxMap map, learn::fit_softmax(context, form_of(model.chosen), batch.scores, static_cast<std::int64_t>(k), batch.label, batch.weight, softmax_options(model.params)));
    model.softmax = std::move(map);
    return {};
  }
  if (model.chosen == Map::identity) return {};
  learn::MapOptions options = model.params.map;
  options.probabilities = true;
  options.bins = std::max<std::int64_t>(1, std::min(options.bins, static_cast<std::int64_t>(batch.size()) / rows_a_bin));
  const bool top = model.params.target == Target::top_label;
  model.one_vs_rest.resize(top ? 1 : k);
  return context.runtime.for_each(static_cast<std::int64_t>(model.one_vs_rest.size()), context.stop, [&](std::int64_t c) -> Result<void> {
    const auto at = static_cast<std::size_t>(c);
    const std::vector<stats::Pool> pools = top ? confidence_pools(batch, k) : pools_of(batch, k, at);
    auto map = learn::fit_map(calibration_of(model.chosen), pools, options);
    if (!map) {
      Error error = std::move(map).error();
      error.what = top ? "the predicted class is always right, or never: " + error.what : "class '" + model.classes[at] + "' has no row, or every row: " + error.what;
      return error;
    }
    model.one_vs_rest[at] = std::move(map).value();
    model.one_vs_rest[at].rows = static_cast<std::int64_t>(batch.size());
    return {};
  });
}

Result<void> choose_softmax(Context& context, const Batch& batch, Model& model) {
  const auto k = static_cast<std::int64_t>(model.classes.size());
  model.chosen = Map::temperature;
  const std::int32_t folds = learn::fold_count(batch.label, k);
  if (folds < 2) return {};
  const std::vector<std::int32_t> fold = learn::stratified_folds(batch.label, k, folds, most_rows, context.rng.child("calibration folds"));
  constexpr std::array<Map, 5> candidates = {Map::identity, Map::temperature, Map::bias_temperature, Map::vector, Map::dirichlet};
  std::vector<std::vector<double>> losses(candidates.size());
  std::vector<double> weights;
  for (std::int32_t f = 0; f < folds; ++f) {
    const Batch others = part_of(batch, model.classes.size(), fold, f, true);
    const Batch own = part_of(batch, model.classes.size(), fold, f, false);
    for (std::size_t c = 0; c < candidates.size(); ++c) {
      Model trial;
      trial.params = model.params;
      trial.classes = model.classes;
      trial.chosen = candidates[c];
      PLIMSOLL_CHECK(learn_map(context, others, trial));
      const std::vector<double> p = calibrated(trial, own);
      for (std::size_t i = 0; i < own.size(); ++i) losses[c].push_back(-std::log(std::max(p[i * model.classes.size() + static_cast<std::size_t>(own.label[i])], 1e-15)));
    }
    weights.insert(weights.end(), own.weight.begin(), own.weight.end());
  }
  learn::CalibrationChoice choice;
  model.chosen = candidates[learn::simplest_within_one_error(losses, weights, choice)];
  for (const Map candidate : candidates) model.tried.emplace_back(choices_of(candidate)[static_cast<std::size_t>(candidate)]);
  model.tried_loss = std::move(choice.loss);
  model.tried_error = std::move(choice.error);
  return {};
}

void warn_of(Context& context, const Model& model, const Batch& batch) {
  if (batch.off > 0) context.warn(std::to_string(batch.off) + " rows have class probabilities whose sum misses one by more than 1e-6.");
  if (batch.clipped > 0) context.warn(std::to_string(batch.clipped) + " probabilities lay outside [0, 1] by less than 1e-9 and were clipped.");
  if (batch.dropped > 0) context.warn(std::to_string(batch.dropped) + " rows with missing values were left out.");
  if (model.softmax && !model.softmax->converged) context.warn("The map did not converge: a class may be told apart by one score. Take a simpler map, or a larger penalty.");
  if (model.params.target == Target::classwise && !model.one_vs_rest.empty())
    context.warn("Each class was calibrated against the rest and the probabilities then made to sum to one: normalising breaks the calibration of the single classes; temperature, vector and dirichlet keep to one map.");
  if (model.params.map.bins > static_cast<std::int64_t>(batch.size()) / rows_a_bin && model.chosen == Map::histogram) context.warn("There are fewer than ten rows a bin: fewer bins were taken.");
}

}  // namespace

std::vector<std::int32_t> top_labels(std::span<const double> probability, std::size_t classes) {
  std::vector<std::int32_t> out(probability.size() / classes);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto row = probability.subspan(i * classes, classes);
    out[i] = static_cast<std::int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
  }
  return out;
}

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  PLIMSOLL_CHECK(context.stop.check());
  Model model;
  model.params = params;
  PLIMSOLL_TRY(model.columns, bound_columns(inputs.data, true));
  PLIMSOLL_TRY(model.classes, class_names(model.columns.probability, params));
  PLIMSOLL_TRY(const Batch batch, read_batch(inputs.data, model.columns, model.classes, params, params.missing == learn::MissingRows::drop));
  if (batch.size() == 0) return Error(ErrorCode::too_few_rows, "the calibration table has no rows", "Give rows with labels.").in_parameter("data");
  double mass = batch.weight.empty() ? 1 : 0;
  for (const double w : batch.weight) mass += w;
  if (!(mass > 0) || !std::isfinite(mass)) return Error(ErrorCode::bad_value, "the weights sum to nothing or to no number", "Give some row a weight above 0.").in_column(model.columns.weight);
  model.n = static_cast<std::int64_t>(batch.size());
  model.dropped = batch.dropped;
  model.clipped = batch.clipped;
  if (params.fingerprint) {
    RowFingerprint now;
    PLIMSOLL_CHECK(now.add(inputs.data));
    PLIMSOLL_CHECK(learn::refuse_repeated_ids(now, model.columns.id));
    if (inputs.learned) {
      RowFingerprint learned;
      PLIMSOLL_CHECK(learned.add(*inputs.learned));
      PLIMSOLL_CHECK(check_overlap(context, learned, "learning", now, "calibration", &model.overlap_remark));
    }
    model.fingerprint = now.to_bytes();
  }
  model.chosen = params.method;
  if (params.method == Map::automatic && params.target == Target::top_label) {
    PLIMSOLL_TRY(const learn::Calibrator best, learn::fit_calibrator(context, learn::Calibration::automatic, [&] {
                   std::vector<double> s;
                   const std::vector<std::int32_t> top = top_labels(batch.probability, model.classes.size());
                   for (std::size_t i = 0; i < batch.size(); ++i) s.push_back(learn::log_odds(batch.probability[i * model.classes.size() + static_cast<std::size_t>(top[i])]));
                   return s;
                 }(), [&] {
                   std::vector<std::int32_t> right;
                   const std::vector<std::int32_t> top = top_labels(batch.probability, model.classes.size());
                   for (std::size_t i = 0; i < batch.size(); ++i) right.push_back(top[i] == batch.label[i] ? 1 : 0);
                   return right;
                 }(), batch.weight));
    model.chosen = best.method == learn::Calibration::beta ? Map::beta : best.method == learn::Calibration::isotonic ? Map::isotonic : best.method == learn::Calibration::venn_abers ? Map::venn_abers : Map::platt;
  } else if (params.method == Map::automatic) {
    PLIMSOLL_CHECK(choose_softmax(context, batch, model));
  }
  PLIMSOLL_CHECK(learn_map(context, batch, model));
  warn_of(context, model, batch);
  return model;
}

std::vector<double> calibrated(const Model& model, const Batch& batch) {
  const std::size_t k = model.classes.size();
  if (model.params.target == Target::top_label && model.one_vs_rest.size() == 1) {
    const std::vector<std::int32_t> top = top_labels(batch.probability, k);
    std::vector<double> out(batch.size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = model.one_vs_rest[0].apply(batch.probability[i * k + static_cast<std::size_t>(top[i])]);
    return out;
  }
  std::vector<double> out = batch.probability;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::span<double> row(out.data() + i * k, k);
    if (model.softmax) {
      model.softmax->apply(std::span<const double>(batch.scores).subspan(i * k, k), row);
      continue;
    }
    double sum = 0;
    for (std::size_t c = 0; c < k; ++c) {
      if (!model.one_vs_rest.empty()) row[c] = model.one_vs_rest[c].apply(row[c]);
      sum += row[c];
    }
    for (double& p : row) p = sum > 0 ? p / sum : 1.0 / static_cast<double>(k);
  }
  return out;
}

Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_TRY(const Columns columns, columns_like(inputs.data, model, false));
  PLIMSOLL_TRY(const Batch batch, read_batch(inputs.data, columns, model.classes, model.params, false));
  if (batch.off > 0 && context.tally) context.tally("{} rows have class probabilities whose sum misses one by more than 1e-6.", batch.off);
  std::vector<double> p = calibrated(model, batch);
  TableBuilder builder;
  const std::size_t k = model.classes.size();
  if (model.params.target == Target::top_label && model.one_vs_rest.size() == 1) {
    builder.category("label", top_labels(batch.probability, k), model.classes).real("confidence", std::move(p));
  } else {
    for (std::size_t c = 0; c < k; ++c) {
      std::vector<double> column(batch.size());
      for (std::size_t i = 0; i < column.size(); ++i) column[i] = p[i * k + c];
      builder.real("calibrated." + model.classes[c], std::move(column));
    }
  }
  PLIMSOLL_TRY(Table answer, std::move(builder).build());
  Outputs outputs;
  PLIMSOLL_TRY(outputs.rows, beside_kept(inputs.data, columns.id, options.keep, std::move(answer)));
  return outputs;
}

Result<Certificate> certify(const Model& model) {
  const std::string name(choices_of(model.chosen)[static_cast<std::size_t>(model.chosen)]);
  Certificate certificate;
  certificate.template_id = "calibration.map";
  certificate.promise = "The map '" + name + "', learned from " + std::to_string(model.n) + " rows of " + std::to_string(model.classes.size()) + " classes, turns class probabilities into ones that come true at their rate, for rows drawn like these, as far as the form of the map allows and the more so the more rows it has seen. This is asymptotic: nothing is promised for a finite number of rows.";
  certificate.values = {{"n", static_cast<double>(model.n)}, {"classes", static_cast<double>(model.classes.size())}};
  certificate.n = model.n;
  certificate.exactness = Exactness::asymptotic;
  certificate.assumptions = {"new rows are drawn like the calibration rows", "the model behind the probabilities has not learned from the calibration rows"};
  certificate.remarks.push_back(model.params.target == Target::top_label ? "The confidence of the predicted class is calibrated, not the probability of each class." : "Every class is meant (class-wise).");
  if (!model.one_vs_rest.empty() && model.params.target == Target::classwise) certificate.remarks.push_back("Maps of single classes are made to sum to one, which breaks their own calibration.");
  if (!model.overlap_remark.empty()) certificate.remarks.push_back(model.overlap_remark);
  certificate.falsified_by = "plimsoll prove calibrate.multiclass";
  return certificate;
}

}  // namespace plimsoll::calibrate::multiclass
