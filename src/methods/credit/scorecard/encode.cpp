// SPDX-License-Identifier: Apache-2.0
// From bins to a scorecard. Every encoding is a sum over features of a value per bin, so all three give points:
//   woe     logit P(bad) = a + sum_j beta_j WoE_j; beta_j near 1, a negative one is flagged
//   onehot  a logistic coefficient for every bin
//   xgb1    boosted stumps on the weights of evidence, each increasing: additive in the features, so its value in a bin is read off
//           by moving one feature from a base row
// Points of a bin: offset / m - factor (value + intercept / m), m features; the score is the sum of rounded points.

#include <algorithm>
#include <cmath>

#include "learn/boosted_trees.h"
#include "learn/logistic_inference.h"
#include "methods/credit/scorecard/scorecard.h"

namespace plimsoll::credit::scorecard {
namespace {

using Codes = std::vector<std::vector<std::uint8_t>>;

// The design of the logistic regressions, made block by block from the codes.
class BinDesign final : public learn::Design {
 public:
  BinDesign(const Model& model, const Codes& codes, std::int64_t rows) : rows_(rows) {
    for (const std::size_t f : used_features(model)) {
      codes_.push_back(&codes[f]);
      std::vector<double> woe(256, 0.0);
      for (std::size_t b = 0; b < model.features[f].bins.size(); ++b) woe[b] = model.features[f].bins[b].woe;
      woe_.push_back(std::move(woe));
      bins_.push_back(model.features[f].bins.size());
    }
    onehot_ = model.params.encoding == Encoding::onehot;
    for (const std::size_t bins : bins_) width_ += onehot_ ? static_cast<std::int64_t>(bins) : 1;
  }
  std::int64_t rows() const override { return rows_; }
  std::int64_t width() const override { return width_; }
  void fill(std::int64_t begin, std::int64_t end, double* out) const override {
    const auto count = static_cast<std::size_t>(end - begin);
    std::size_t column = 0;
    for (std::size_t f = 0; f < codes_.size(); ++f) {
      const std::uint8_t* codes = codes_[f]->data() + begin;
      if (!onehot_) {
        double* to = out + column++ * count;
        for (std::size_t i = 0; i < count; ++i) to[i] = woe_[f][codes[i]];
        continue;
      }
      double* to = out + column * count;
      std::fill(to, to + bins_[f] * count, 0.0);
      for (std::size_t i = 0; i < count; ++i)
        if (codes[i] != unknown_bin) to[std::size_t{codes[i]} * count + i] = 1;
      column += bins_[f];
    }
  }

 private:
  std::int64_t rows_;
  std::int64_t width_ = 0;
  bool onehot_ = false;
  std::vector<const std::vector<std::uint8_t>*> codes_;
  std::vector<std::vector<double>> woe_;
  std::vector<std::size_t> bins_;
};

std::vector<std::int32_t> labels_of(const Past& rows) { return {rows.bad.begin(), rows.bad.end()}; }

// Rows alike in every bin, taken together: a good and a bad row for each pattern, weighted by how many there are. The likelihood is
// the same; with few features there are far fewer patterns than rows.
struct Folded {
  Codes codes;  // empty: the rows are not folded
  std::vector<std::int32_t> labels;
  std::vector<double> weights;
};

Folded fold(const Model& model, const Codes& codes, const Past& rows) {
  Folded folded;
  const std::vector<std::size_t> used = used_features(model);
  const std::size_t most = rows.bad.size() / 8;
  std::size_t patterns = 1;
  for (const std::size_t f : used) {
    patterns *= model.features[f].bins.size() + 1;
    if (patterns > most) return folded;
  }
  std::vector<std::uint32_t> pattern(rows.bad.size(), 0);
  for (const std::size_t f : used) {
    const auto bins = static_cast<std::uint32_t>(model.features[f].bins.size());
    for (std::size_t i = 0; i < pattern.size(); ++i) pattern[i] = pattern[i] * (bins + 1) + std::min<std::uint32_t>(codes[f][i], bins);
  }
  std::vector<double> mass(2 * patterns, 0.0);
  for (std::size_t i = 0; i < pattern.size(); ++i) mass[2 * std::size_t{pattern[i]} + rows.bad[i]] += rows.weight.empty() ? 1.0 : rows.weight[i];
  folded.codes.resize(codes.size());
  for (std::size_t p = 0; p < mass.size(); ++p) {
    if (mass[p] == 0) continue;
    folded.labels.push_back(static_cast<std::int32_t>(p % 2));
    folded.weights.push_back(mass[p]);
    std::size_t rest = p / 2;
    for (std::size_t k = used.size(); k-- > 0;) {
      const std::size_t bins = model.features[used[k]].bins.size();
      const std::size_t code = rest % (bins + 1);
      folded.codes[used[k]].push_back(code == bins ? unknown_bin : static_cast<std::uint8_t>(code));
      rest /= bins + 1;
    }
  }
  return folded;
}

Result<void> learn_logistic(Context& context, Model& model, const Codes& codes, const Past& rows) {
  Folded data = fold(model, codes, rows);
  if (data.codes.empty()) {
    data.labels = labels_of(rows);
    data.weights = rows.weight;
  }
  const BinDesign design(model, data.codes.empty() ? codes : data.codes, std::ssize(data.labels));
  learn::LogisticOptions options;
  options.l2 = model.params.l2;
  PLIMSOLL_TRY(const learn::LogisticModel fitted, learn::fit_logistic(context, design, data.labels, data.weights, 2, options));
  if (fitted.status != learn::FitStatus::converged) context.warn("the logistic regression of the scorecard did not converge: raise --l2");
  model.intercept = fitted.intercepts[0];
  PLIMSOLL_TRY(model.covariance, learn::logistic_covariance(context, fitted, design, data.weights, model.params.l2));
  for (double& entry : model.covariance) entry /= rows.kish;
  std::size_t column = 0;
  for (const std::size_t f : used_features(model)) {
    Feature& feature = model.features[f];
    const bool onehot = model.params.encoding == Encoding::onehot;
    feature.coefficient = onehot ? 0 : fitted.coefficients[column];
    for (std::size_t b = 0; b < feature.bins.size(); ++b) feature.bins[b].value = onehot ? fitted.coefficients[column + b] : feature.coefficient * feature.bins[b].woe;
    column += onehot ? feature.bins.size() : 1;
    if (onehot || feature.coefficient >= 0) continue;
    context.warn("the coefficient of '" + feature.name + "' is negative: with the others it works against its own weights of evidence; leave it out, or join what it doubles");
    feature.note += std::string(feature.note.empty() ? "" : "; ") + "its coefficient is negative";
  }
  return {};
}

Result<Table> woe_table(const Model& model, const std::vector<std::size_t>& used, const std::vector<std::vector<std::uint8_t>>& bins) {
  TableBuilder builder;
  for (std::size_t k = 0; k < used.size(); ++k) {
    std::vector<double> column;
    column.reserve(bins[k].size());
    for (const std::uint8_t b : bins[k]) column.push_back(b == unknown_bin ? 0.0 : model.features[used[k]].bins[b].woe);
    builder.real("f" + std::to_string(k), std::move(column));
  }
  return std::move(builder).build();
}

// Rows that move one feature at a time through its bins, the others in their first: after the base row, bins in order.
std::vector<std::vector<std::uint8_t>> one_at_a_time(const Model& model, const std::vector<std::size_t>& used) {
  std::vector<std::vector<std::uint8_t>> rows(used.size());
  for (auto& column : rows) column.push_back(0);
  for (std::size_t k = 0; k < used.size(); ++k)
    for (std::size_t b = 0; b < model.features[used[k]].bins.size(); ++b)
      for (std::size_t other = 0; other < used.size(); ++other) rows[other].push_back(other == k ? static_cast<std::uint8_t>(b) : 0);
  return rows;
}

Result<void> learn_boosted(Context& context, Model& model, const Codes& codes, const Past& rows) {
  const std::vector<std::size_t> used = used_features(model);
  std::vector<std::string> names;
  Codes own;
  for (std::size_t k = 0; k < used.size(); ++k) {
    names.push_back("f" + std::to_string(k));
    own.push_back(codes[used[k]]);
  }
  PLIMSOLL_TRY(const Table table, woe_table(model, used, own));
  PLIMSOLL_TRY(const learn::FeatureEncoder encoder, learn::fit_encoder(context, table, names, std::nullopt, {}));
  PLIMSOLL_TRY(const learn::BoundFeatures bound, learn::bind_features(context, encoder, table));
  learn::TreeOptions options;
  options.rounds = model.params.boosting.rounds;
  options.learning_rate = model.params.boosting.learning_rate;
  options.min_child_weight = model.params.boosting.min_child_weight;
  options.l2 = model.params.boosting.l2;
  options.max_depth = 1;
  options.monotone.assign(encoder.columns.size(), 1);
  PLIMSOLL_TRY(const learn::BoostedTrees trees, learn::train_trees(context, bound, labels_of(rows), rows.weight, 2, options));
  model.booster = trees.version;
  PLIMSOLL_TRY(const Table probes, woe_table(model, used, one_at_a_time(model, used)));
  PLIMSOLL_TRY(const learn::BoundFeatures probing, learn::bind_features(context, encoder, probes));
  PLIMSOLL_TRY(const auto scores, learn::tree_scores(context, trees, probing));
  model.intercept = scores[0][0];
  std::size_t at = 1;
  for (const std::size_t f : used) {
    Feature& feature = model.features[f];
    double mean = 0;
    double mass = 0;
    for (Bin& bin : feature.bins) {
      bin.value = scores[0][at++] - scores[0][0];
      mean += (bin.goods + bin.bads) * bin.value;
      mass += bin.goods + bin.bads;
    }
    mean /= mass;
    for (Bin& bin : feature.bins) bin.value -= mean;
    model.intercept += mean;
  }
  model.covariance.clear();
  return {};
}

}  // namespace

std::vector<std::size_t> used_features(const Model& model) {
  std::vector<std::size_t> used;
  for (std::size_t f = 0; f < model.features.size(); ++f)
    if (model.features[f].used) used.push_back(f);
  return used;
}

Result<void> learn_values(Context& context, Model& model, const Codes& codes, const Past& rows) {
  if (used_features(model).empty()) {
    model.intercept = std::log(rows.bads / rows.goods);
    model.covariance = {(1 / rows.goods + 1 / rows.bads) / rows.kish};
    context.warn("no feature is in the scorecard: every score is the same");
    return {};
  }
  return model.params.encoding == Encoding::boosted ? learn_boosted(context, model, codes, rows) : learn_logistic(context, model, codes, rows);
}

void set_points(Model& model) {
  const double ln2 = 0.69314718055994530942;
  const double factor = model.params.pdo / ln2;
  const double offset = model.params.base_score - factor * std::log(model.params.base_odds);
  const std::vector<std::size_t> used = used_features(model);
  const double m = static_cast<double>(std::max<std::size_t>(1, used.size()));
  const auto exact = [&](double value) { return offset / m - factor * (value + model.intercept / m); };
  model.neutral_points = std::llround(exact(0));
  model.rounding_bound = 0;
  for (const std::size_t f : used) {
    double worst = std::fabs(static_cast<double>(model.neutral_points) - exact(0));
    for (Bin& bin : model.features[f].bins) {
      bin.points = std::llround(exact(bin.value));
      worst = std::max(worst, std::fabs(static_cast<double>(bin.points) - exact(bin.value)));
    }
    model.rounding_bound += worst;
  }
}

std::vector<double> log_odds_of(const Model& model, const Codes& codes, std::int64_t rows) {
  std::vector<double> total(static_cast<std::size_t>(rows), model.intercept);
  for (const std::size_t f : used_features(model)) {
    std::vector<double> value(256, 0.0);
    for (std::size_t b = 0; b < model.features[f].bins.size(); ++b) value[b] = model.features[f].bins[b].value;
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += value[codes[f][i]];
  }
  return total;
}

std::vector<double> errors_of(const Model& model, const Codes& codes, std::int64_t rows) {
  if (model.covariance.empty()) return {};
  const BinDesign design(model, codes, rows);
  const auto width = static_cast<std::size_t>(design.width());
  std::vector<double> errors(static_cast<std::size_t>(rows));
  std::vector<double> x;
  for (std::int64_t begin = 0; begin < rows; begin += block_rows) {
    const std::int64_t end = std::min(begin + block_rows, rows);
    const auto count = static_cast<std::size_t>(end - begin);
    x.assign(count * (width + 1), 1.0);
    design.fill(begin, end, x.data());
    for (std::size_t i = 0; i < count; ++i) {
      double variance = 0;
      for (std::size_t a = 0; a <= width; ++a) {
        if (x[a * count + i] == 0) continue;
        double row = 0;
        for (std::size_t b = 0; b <= width; ++b) row += model.covariance[a * (width + 1) + b] * x[b * count + i];
        variance += x[a * count + i] * row;
      }
      errors[static_cast<std::size_t>(begin) + i] = std::sqrt(std::max(0.0, variance));
    }
  }
  return errors;
}

}  // namespace plimsoll::credit::scorecard
